"""The articles for the staff: searched as the agent searches, and what became of each.

A search needs the embedding model, which the HTTP service does not load until somebody of the staff searches for the
first time. From then on it stays loaded, and follows a switch to another model as the workers do.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from infra.knowledge.ingest import Ingest
from infra.postgres.article_versions import ArticleVersions
from infra.postgres.articles import PostgresArticles, StoredArticle
from infra.postgres.database import Database
from infra.postgres.knowledge_check import KnowledgeCheck
from infra.settings import Settings
from skills.ports import Knowledge, KnowledgeQuery
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
        settings: which models there are.
        database: where the articles are.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
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
        from api.agent import open_answering_embedder

        earlier = await self.versions.version(article, version)
        async with open_answering_embedder(self._settings, self._database) as embedder:
            await Ingest(self.articles, embedder).restore(earlier.article, by=by)

    async def close(self) -> None:
        """Let the model go, if it was ever needed."""
        await self._opened.aclose()

    async def _open(self) -> Knowledge:
        async with self._opening:
            if self._knowledge is None:
                # Heavy, and not needed by a service in which nobody searches.
                from api.agent import open_embedder, open_knowledge

                async with AsyncExitStack() as stack:
                    embedder = await stack.enter_async_context(open_embedder(self._settings))
                    knowledge, _ = await stack.enter_async_context(
                        open_knowledge(self._settings, self._database, embedder)
                    )
                    self._knowledge = knowledge
                    self._opened = stack.pop_all()
            return self._knowledge
