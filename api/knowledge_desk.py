"""The articles for the staff: searched as the agent searches, tried with a question, and what became of each.

A search needs the embedding model and a trial the whole agent. The HTTP service does not load either until somebody of
the staff asks for the first time. From then on it stays loaded, and follows a switch to another model as the workers
do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from api.trying import Step, Tried, make_turn, run_steps
from graph.build import Graph
from infra.knowledge.ingest import Ingest
from infra.models.tracing import tracing
from infra.postgres.article_versions import ArticleVersions
from infra.postgres.articles import PostgresArticles, StoredArticle
from infra.postgres.database import Database
from infra.postgres.knowledge_check import KnowledgeCheck
from skills.ports import Embedder, Knowledge, KnowledgeQuery
from skills.turn import ArticleId, Identification, Passage, PassageId

Heavy = TypeVar("Heavy")


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
        agent: opens the graph of a turn, with its models.
        traced: whether LangSmith may be told of a trial.
    """

    def __init__(
        self,
        database: Database,
        *,
        knowledge: Callable[[], AbstractAsyncContextManager[Knowledge]],
        embedder: Callable[[], AbstractAsyncContextManager[Embedder]],
        agent: Callable[[], AbstractAsyncContextManager[Graph]],
        traced: bool = False,
    ) -> None:
        self.open_embedder = embedder
        self._opened = AsyncExitStack()
        self._knowledge = _Later(knowledge, self._opened)
        self._agent = _Later(agent, self._opened)
        self._traced = traced
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
        knowledge = await self._knowledge.open()
        passages = await knowledge.search(query)
        worded = await knowledge.search(
            KnowledgeQuery(query.text, 2 * query.limit, query.audience, query.language, by_words=True)
        )
        places: dict[PassageId, int] = {passage.id: place for place, passage in enumerate(worded, start=1)}
        articles = await self.articles.articles_of({passage.article_id for passage in passages})
        return [FoundPassage(passage, articles.get(passage.article_id), places.get(passage.id)) for passage in passages]

    async def try_question(self, question: str, channel: str) -> Tried:
        """What the agent would do with this first message of somebody unknown. Nothing is stored or sent.

        Raises:
            UnavailableError: the database or another service did not answer.
            ConfigurationError: a model, a key or the policy can't be used.
        """
        graph = await self._agent.open()
        with tracing(allowed=self._traced):
            steps = [step async for step in run_steps(graph, make_turn(question, channel=channel, name=None))]
        return Tried.of([_without_customers(step) for step in steps])

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
        """Let the models go, if they were ever needed."""
        await self._opened.aclose()


class _Later(Generic[Heavy]):
    """Something heavy that is opened when it is first needed, once."""

    def __init__(self, opener: Callable[[], AbstractAsyncContextManager[Heavy]], opened: AsyncExitStack) -> None:
        self._opener = opener
        self._stack = opened
        self._opening = asyncio.Lock()
        self._opened: Heavy | None = None

    async def open(self) -> Heavy:
        async with self._opening:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(self._opener())
            return self._opened


def _without_customers(step: Step) -> Step:
    # Whether an address or a date is some customer's is not for everybody who may read articles.
    if not isinstance(step.finding, Identification):
        return step
    return replace(step, finding=replace(step.finding, possible_matches=()))
