"""Another embedding model is filled beside the one that answers, and switched to in one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from infra.knowledge.ingest import Ingest
from infra.knowledge.reindexing import reindex
from infra.knowledge.switching import Model, SwitchingKnowledge
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.embedding_models import PostgresEmbeddingModels
from infra.postgres.knowledge import PostgresKnowledge
from skills.errors import ConfigurationError, ConflictError, ModelUnavailableError, NotFoundError
from skills.ports import Knowledge, KnowledgeQuery
from tests.integration.knowledge.hashed_words import SHOP, HashedWords, article, reading

OLD, NEW = Model("old", 16), Model("new", 24)
PASSWORD = KnowledgeQuery("change my password", limit=1)


class Tiring(HashedWords):
    """Gives up after some texts."""

    def __init__(self, model: Model, texts: int) -> None:
        super().__init__(model.name, model.dimensions)
        self.left = texts

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.left -= len(texts)
        if self.left < 0:
            raise ModelUnavailableError
        return await super().embed(texts)


def embedder(model: Model) -> HashedWords:
    return HashedWords(model.name, model.dimensions)


async def vectors(database: Database) -> dict[str, int]:
    async with database.connection() as connection:
        cursor = await connection.execute("select model, count(*) as count from embeddings group by model")
        return {row["model"]: row["count"] for row in await cursor.fetchall()}


async def indexes(database: Database) -> int:
    async with database.connection() as connection:
        cursor = await connection.execute(
            "select from pg_indexes where indexdef like '%hnsw%' and indexdef like '%old%'"
        )
        return cursor.rowcount


@pytest.fixture
async def models(database: Database) -> PostgresEmbeddingModels:
    await Ingest(PostgresArticles(database), embedder(OLD)).add(reading(*SHOP))
    return PostgresEmbeddingModels(database)


async def test_the_old_model_answers_until_the_switch_and_is_dropped_after_a_grace(
    database: Database, models: PostgresEmbeddingModels
) -> None:
    assert await models.answering() == OLD
    seen: list[object] = []

    async def grace(seconds: float) -> None:
        seen.extend([seconds, await models.answering(), await vectors(database)])

    steps: list[tuple[int, int]] = []
    ingest = Ingest(PostgresArticles(database), embedder(NEW))
    dropped = await reindex(models, ingest, NEW, grace=7, progress=lambda *step: steps.append(step), sleep=grace)
    assert dropped == ["old"]
    assert seen == [7, NEW, {"old": 10, "new": 10}]
    assert steps[-1] == (10, 10)
    assert await vectors(database) == {"new": 10}
    assert await indexes(database) == 0
    found = await PostgresKnowledge(database, embedder(NEW)).search(PASSWORD)
    assert found[0].similarity > 0.5
    assert await reindex(models, ingest, NEW, grace=0) == []


async def test_interrupted_it_goes_on_where_it_stopped_and_the_old_model_answers_meanwhile(
    database: Database, models: PostgresEmbeddingModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.knowledge.ingest.BATCH", 4)
    store = PostgresArticles(database)
    with pytest.raises(ModelUnavailableError):
        await reindex(models, Ingest(store, Tiring(NEW, 8)), NEW, grace=0)
    assert await models.answering() == OLD
    assert await vectors(database) == {"old": 10, "new": 8}
    assert (await PostgresKnowledge(database, embedder(OLD)).search(PASSWORD))[0].similarity > 0.5
    rest = embedder(NEW)
    assert await reindex(models, Ingest(store, rest), NEW, grace=0) == ["old"]
    assert len(rest.texts) == 2


async def test_an_article_that_comes_while_the_other_model_is_filled_is_filled_before_the_switch(
    database: Database, models: PostgresEmbeddingModels
) -> None:
    store = PostgresArticles(database)
    await models.begin(NEW)
    await Ingest(store, embedder(NEW)).fill(10)
    await Ingest(store, embedder(OLD)).add(reading(*SHOP, article("late", "Late", "It came late.")))
    assert not await models.switch("new")
    assert await models.answering() == OLD
    await reindex(models, Ingest(store, embedder(NEW)), NEW, grace=0)
    assert await vectors(database) == {"new": 11}


async def test_an_import_with_the_old_model_is_turned_away_after_the_switch(
    database: Database, models: PostgresEmbeddingModels
) -> None:
    store = PostgresArticles(database)
    await reindex(models, Ingest(store, embedder(NEW)), NEW, grace=0)
    with pytest.raises(ConflictError, match="new answers by now"):
        await Ingest(store, embedder(OLD)).add(reading(article("late", "Late", "It came late.")))
    assert "late" not in await store.content_hashes("help")


async def test_the_switch_waits_for_an_import_that_is_storing(
    database: Database, models: PostgresEmbeddingModels
) -> None:
    await models.begin(NEW)
    await Ingest(PostgresArticles(database), embedder(NEW)).fill(10)
    async with database.transaction() as connection:
        await connection.execute(PostgresArticles(database)._queries["keep_model"])
        switching = asyncio.create_task(models.switch("new"))
        async with asyncio.timeout(5):
            while not await waits_for_a_lock(database):  # noqa: ASYNC110 - PostgreSQL has no event for it
                await asyncio.sleep(0)
        assert not switching.done()
    assert await switching


async def waits_for_a_lock(database: Database) -> bool:
    async with database.connection() as connection:
        cursor = await connection.execute(
            "select from pg_locks where locktype = 'advisory' and not granted"
            " and database = (select oid from pg_database where datname = current_database())"
        )
        return cursor.rowcount > 0


async def test_nothing_of_a_model_that_answers_or_is_unknown_is_dropped_or_switched_to(
    models: PostgresEmbeddingModels,
) -> None:
    for name in ("old", "unknown"):
        with pytest.raises(NotFoundError):
            await models.drop(name)
    assert not await models.switch("unknown")


async def test_a_running_search_follows_the_switch_and_keeps_the_old_model_where_the_new_one_cannot_be_opened(
    database: Database, models: PostgresEmbeddingModels
) -> None:
    now = 0.0
    refuse = True

    async def opened(model: Model) -> Knowledge:
        if refuse:
            raise ConfigurationError("no key")
        return PostgresKnowledge(database, embedder(model))

    old = embedder(OLD)
    knowledge = SwitchingKnowledge(PostgresKnowledge(database, old), "old", models.answering, opened, clock=lambda: now)
    await models.begin(NEW)
    await Ingest(PostgresArticles(database), embedder(NEW)).fill(10)
    assert await models.switch("new")
    assert (await knowledge.search(PASSWORD))[0].similarity > 0.5
    assert len(old.texts) == 1
    refuse = False
    await knowledge.search(PASSWORD)
    assert len(old.texts) == 2  # tried again later only
    now = 30.0
    assert (await knowledge.search(PASSWORD))[0].similarity > 0.5
    assert len(old.texts) == 2
