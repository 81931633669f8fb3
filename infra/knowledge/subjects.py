"""What the articles are about, by name: kept in this process, and read again when the articles have changed.

A name is an article's title or the first heading above its passages, when it is one: neither a question nor a sentence,
and not borne by so many articles that it tells none from another. How stale the names can be: a change is seen
``check`` seconds later at most. While they can't be read, those read last are used.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from infra.knowledge.ranking import READABLE
from skills.errors import UnavailableError
from skills.language import QUESTION_OPENERS, words
from skills.mentions import Names
from skills.ports import Mention
from skills.turn import ArticleId, Audience

_SPOKEN = frozenset(
    ["i", "you", "we", "they", "your", "my", "is", "are", "was", "do", "does", "did", "can", "will", "have", "has", "there", "ich", "du", "sie", "wir", "ist", "sind", "tu", "usted", "es", "son", "je", "vous", "nous", "est", "sont"]
)
"""Words of sentences, not of names."""
_LONGEST = 8
"""Words of a name. What is longer is a sentence."""
_MOST_ARTICLES = 0.05
_FEW_ARTICLES = 20
"""A heading that more than this many articles have, and more than that share of all, is an "Overview"."""


@dataclass(frozen=True, slots=True)
class Named:
    """An article with what may be names of it."""

    article: ArticleId
    audience: Audience
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Index:
    names: Names
    named: tuple[tuple[str, frozenset[ArticleId]], ...]

    def mentions(self, text: str) -> list[Mention]:
        return [Mention(*self.named[found.name], strength=found.strength) for found in self.names.mentioned_in(text)]


class ArticleSubjects:
    """Implements ``skills.ports.Subjects``.

    Args:
        read: every article with its names.
        version: differs as soon as an article does.
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
        return [index.mentions(text) if index else [] for text in texts]

    async def _look(self) -> None:
        try:
            version = await self._read_version()
            if version != self._version:
                articles = await self._read()
                self._indexes = await asyncio.to_thread(_indexes, articles)
                self._version = version
        except UnavailableError:
            if self._version is None:
                raise
        self._checked = self._clock()


def _indexes(articles: Sequence[Named]) -> dict[Audience, _Index]:
    return {audience: _index(article for article in articles if article.audience in readable)
            for audience, readable in READABLE.items()}  # fmt: skip


def _index(articles: Iterable[Named]) -> _Index:
    bearers: defaultdict[str, set[ArticleId]] = defaultdict(set)
    everything = set()
    sentences = set()
    for article in articles:
        everything.add(article.article)
        for name in article.names:
            if _is_name(name):
                bearers[name].add(article.article)
            else:
                sentences.add(name)
    most = max(_FEW_ARTICLES, _MOST_ARTICLES * len(everything))
    named = tuple((name, frozenset(having)) for name, having in sorted(bearers.items()) if len(having) <= most)
    return _Index(Names([name for name, _ in named], sorted(sentences)), named)


def _is_name(text: str) -> bool:
    said = [word.folded for word in words(text)]
    speaks = said[:1] == [] or said[0] in QUESTION_OPENERS or not _SPOKEN.isdisjoint(said)
    return not speaks and len(said) <= _LONGEST and not text.rstrip().endswith("?")
