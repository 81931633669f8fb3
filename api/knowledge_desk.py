"""The articles for the staff: searched as the agent searches, and what became of each.

A search needs the embedding model, which the HTTP service does not load until somebody of the staff searches for the
first time. From then on it stays loaded, and follows a switch to another model as the workers do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

from infra.knowledge.ingest import Ingest
from infra.postgres.article_versions import ArticleVersions
from infra.postgres.articles import PostgresArticles, StoredArticle
from infra.postgres.database import Database
from infra.postgres.knowledge_check import KnowledgeCheck
from skills.ports import Embedder, Knowledge, KnowledgeQuery
from skills.turn import ArticleId, Passage, PassageId


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that was found, with its article as it is stored; ``None`` when it is in a collection of your own."""

    passage: Passage
    article: StoredArticle | None
    place_by_words: int | None
    """Its place when only words count, from 1; ``None`` when they don't find it."""


class KnowledgeDesk:
    """What the staff asks of the articles.

    Args:
        database: where the articles are.
        knowledge: opens the search, with its embedding model.
        embedder: opens the embedding model by which the articles are searched at the moment.
    """

    def __init__(
        self,
        database: Database,
        *,
        knowledge: Callable[[], AbstractAsyncContextManager[Knowledge]],
        embedder: Callable[[], AbstractAsyncContextManager[Embedder]],
    ) -> None:
        self._open_knowledge = knowledge
        self.open_embedder = embedder
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._knowledge: Knowledge | None = None
        self.articles = PostgresArticles(database)
        self.versions = ArticleVersions(database)
        self.check = KnowledgeCheck(database)

    async def search(self, query: KnowledgeQuery) -> list[FoundPassage]:
        """The best passages, best first, as the agent would find them, and where words alone would have put them.

        Raises:
            KnowledgeUnavailableError: the store did not answer.
            ModelUnavailableError: the question could not be embedded.
            ConfigurationError: the embedding model can't be opened.
        """
        knowledge = await self._open()
        passages = await knowledge.search(query)
        worded = await knowledge.search(
            KnowledgeQuery(query.text, 2 * query.limit, query.audience, query.language, by_words=True)
        )
        places: dict[PassageId, int] = {passage.id: place for place, passage in enumerate(worded, start=1)}
        articles = await self.articles.articles_of({passage.article_id for passage in passages})
        return [FoundPassage(passage, articles.get(passage.article_id), places.get(passage.id)) for passage in passages]

    async def restore(self, article: ArticleId, version: int, by: str) -> None:
        """Bring a version of an article back.

        Raises:
            NotFoundError: there is no such version.
            ConflictError: another embedding model was switched to meanwhile.
        """
        earlier = await self.versions.version(article, version)
        async with self.open_embedder() as embedder:
            await Ingest(self.articles, embedder).restore(earlier.article, by=by)

    async def close(self) -> None:
        """Let the model go, if it was ever needed."""
        await self._opened.aclose()

    async def _open(self) -> Knowledge:
        async with self._opening:
            if self._knowledge is None:
                self._knowledge = await self._opened.enter_async_context(self._open_knowledge())
            return self._knowledge
