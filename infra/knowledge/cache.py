"""Remembers what a search found, around a knowledge base that can say when it changed.

How stale an answer can be: a change of an article is seen ``check`` seconds later at most, and everything that was
remembered is dropped then; what no article shows (vectors that come later, what the server knows of the words'
frequency) within ``seconds``. Failures are never remembered, nor what was found while the articles changed. An answer
is found again only by the same text for the same audience. Texts themselves are not kept, only their hashes.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

from infra.knowledge.question import searchable
from skills.errors import UnavailableError
from skills.ports import Knowledge, KnowledgeQuery
from skills.turn import ArticleId, Passage

Key = tuple[bytes, int, str, str | None, bool, frozenset[ArticleId] | None]


@dataclass(frozen=True, slots=True)
class _Found:
    passages: tuple[Passage, ...]
    until: float


class CachedKnowledge:
    """``skills.ports.Knowledge`` around another one.

    Args:
        knowledge: who is asked.
        version: differs as soon as an article does. While it can't be read, nothing is remembered.
        seconds: the longest that an answer is used.
        check: seconds between two looks at the version; without searches there are none.
        entries: the most that are kept, those used last; one of 24 passages takes about 30 kB.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        version: Callable[[], Awaitable[str]],
        *,
        seconds: float = 300.0,
        check: float = 1.0,
        entries: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._knowledge = knowledge
        self._read_version = version
        self._seconds = seconds
        self._check = check
        self._entries = entries
        self._clock = clock
        self._found: OrderedDict[Key, _Found] = OrderedDict()
        self._version: str | None = None
        self._checked = float("-inf")
        self._checking = asyncio.Lock()

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        """What was found for it a moment ago, else what the asked one finds; see ``skills.ports.Knowledge``."""
        version = await self._current_version()
        if version is None:
            return await self._knowledge.search(query)
        key = _key(query)
        known = self._found.get(key)
        if known is not None and self._clock() < known.until:
            self._found.move_to_end(key)
            return list(known.passages)
        passages = await self._knowledge.search(query)
        if version == self._version:  # else an article changed meanwhile, and this may be from before
            self._found[key] = _Found(tuple(passages), self._clock() + self._seconds)
            self._found.move_to_end(key)
            if len(self._found) > self._entries:
                self._found.popitem(last=False)
        return passages

    async def _current_version(self) -> str | None:
        """The articles' version, at most ``check`` seconds old; ``None`` while nobody can say."""
        if self._clock() - self._checked >= self._check:
            async with self._checking:
                if self._clock() - self._checked >= self._check:  # else somebody looked while this one waited
                    await self._look()
        return self._version

    async def _look(self) -> None:
        try:
            version = await self._read_version()
        except UnavailableError:
            version = None
        if version != self._version:
            self._found.clear()
        self._version, self._checked = version, self._clock()


def _key(query: KnowledgeQuery) -> Key:
    text = sha256(searchable(query.text).encode()).digest()
    return text, query.limit, query.audience, query.language, query.by_words, query.articles
