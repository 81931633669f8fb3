"""What the articles are about, by name: kept in this process, and read again when the articles have changed.

A name is an article's title or the first heading above its passages, when it is one: neither a question nor a sentence.
Where most articles have none, what is written in capitals within their titles stands for it: "Is there parking at the
Grant Hotel?". Only names of several articles are kept, for the others tell nothing that the search does not, and none
of so many that it tells none from another. Articles of one and the same title are parts of one text, or its languages:
what they are called is no thing of which each of them tells something else.

How stale the names can be: a change is seen ``check`` seconds later at most. While they can't be read, those read last
are used.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from infra.knowledge.ranking import READABLE
from skills.errors import KnowledgeUnavailableError, UnavailableError
from skills.language import QUESTION_OPENERS, words
from skills.mentions import APART, Names
from skills.ports import Mention
from skills.turn import ArticleId, Audience

_SPOKEN = frozenset(
    {"i", "you", "we", "they", "your", "my", "is", "are", "was", "do", "does", "did", "can", "will", "have", "has"}
    | {"may", "should"}
    | {"there", "ich", "du", "sie", "wir", "ist", "sind", "usted", "je", "vous", "nous"}
)
"""Words of sentences, not of names."""
_LONGEST = 8
"""Words of a name. What is longer is a sentence."""
_MOST_ARTICLES = 0.05
_FEW_ARTICLES = 20
"""A heading that more than this many articles have, and more than that share of all, is an "Overview"."""


_CAPITALS = re.compile(r"(?<=[\w,] )(?!I\b)[A-Z][\w'’&.-]*(?:(?: (?:of|the|and|at|de|la|&|–|-))* [A-Z0-9][\w'’&.-]*)*")  # noqa: RUF001
"""Words that begin with a capital, from the second of a sentence on, with the small words between them."""


@dataclass(frozen=True, slots=True)
class Named:
    """An article that may be found now, with what may be names of it."""

    article: ArticleId
    audience: Audience
    names: tuple[str, ...]
    """The title first, then the first headings."""


@dataclass(frozen=True, slots=True)
class _Index:
    names: Names
    named: tuple[tuple[str, frozenset[ArticleId]], ...]

    def mentions(self, text: str) -> list[Mention]:
        return [Mention(*self.named[found.name], strength=found.strength) for found in self.names.mentioned_in(text)]


class ArticleSubjects:
    """Implements ``skills.ports.Subjects``.

    Args:
        read: every article that may be found now, with its names.
        version: differs as soon as an article does, and when one takes effect or expires.
        check: seconds between two looks at the version.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Sequence[Named]]],
        version: Callable[[], Awaitable[str]],
        *,
        check: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._read_version = version
        self._check = check
        self._clock = clock
        self._checked = float("-inf")
        self._version: str | None = None
        self._indexes: dict[Audience, _Index] = {}
        self._looking = asyncio.Lock()

    async def mentioned(self, texts: Sequence[str], audience: Audience) -> list[list[Mention]]:
        """For each text the names in it; see ``skills.ports.Subjects``."""
        async with self._looking:
            if self._clock() - self._checked >= self._check:
                await self._look()
        index = self._indexes.get(audience)
        if index is None:
            return [[] for _ in texts]
        # Apart from the loop: many names take a while, and the worker's leases must be kept meanwhile.
        return await asyncio.to_thread(lambda: [index.mentions(text) for text in texts])

    async def _look(self) -> None:
        try:
            version = await self._read_version()
            if version != self._version:
                articles = await self._read()
                self._indexes = await asyncio.to_thread(_indexes, articles)
                self._version = version
        except UnavailableError as error:
            if self._version is None:
                raise KnowledgeUnavailableError(f"the articles' names could not be read: {error}") from error
        self._checked = self._clock()


def _indexes(articles: Sequence[Named]) -> dict[Audience, _Index]:
    return {audience: _index(article for article in articles if article.audience in readable)
            for audience, readable in READABLE.items()}  # fmt: skip


def _index(articles: Iterable[Named]) -> _Index:
    bearers: defaultdict[str, set[ArticleId]] = defaultdict(set)
    titles: defaultdict[str, set[str]] = defaultdict(set)
    texts: set[str] = set()
    everything: set[ArticleId] = set()
    listed = list(articles)
    plain = [[name for name in article.names if _is_name(name)] for article in listed]
    # Where articles have names above them, capitals in other titles are rather "Wi-Fi" than a thing.
    few_names = 2 * sum(map(bool, plain)) < len(listed)
    for article, names in zip(listed, plain, strict=True):
        everything.add(article.article)
        texts.update(article.names)
        for name in names or ({found for text in article.names for found in _capitals(text)} if few_names else ()):
            bearers[name].add(article.article)
            titles[name].add(article.names[0])
    most = max(_FEW_ARTICLES, _MOST_ARTICLES * len(everything))
    named = tuple(
        (name, frozenset(having))
        for name, having in sorted(bearers.items())
        if len(titles[name]) > 1 and len(having) <= most
    )
    names = [name for name, _ in named]
    return _Index(Names(names, sorted(texts.difference(names))), named)


def _capitals(text: str) -> Iterable[str]:
    """What is written in capitals within a sentence, and what stands before a colon or a dash."""
    first, *others = APART.split(text, maxsplit=1)
    return [*([first.strip()] if others and _is_name(first) else []), *_CAPITALS.findall(text)]


def _is_name(text: str) -> bool:
    said = [word.folded for word in words(text)]
    speaks = said[:1] == [] or said[0] in QUESTION_OPENERS or not _SPOKEN.isdisjoint(said)
    return not speaks and len(said) <= _LONGEST and not text.rstrip().endswith("?")
