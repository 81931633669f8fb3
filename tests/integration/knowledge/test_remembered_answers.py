"""Answers that are remembered, over a real knowledge base: quick while nothing changes, right as soon as it does."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from infra.knowledge.cache import CachedKnowledge
from infra.knowledge.ingest import Ingest
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from skills.errors import KnowledgeUnavailableError
from skills.ports import KnowledgeQuery
from tests.integration.knowledge.hashed_words import SHOP, HashedWords, article, reading

QUERY = KnowledgeQuery("how long can I return my order?", limit=1)


@dataclass
class Shop:
    """A knowledge base with a clock of the test's own before it."""

    database: Database
    now: float = 0.0

    def __post_init__(self) -> None:
        self.embedder = HashedWords()
        self.articles = PostgresArticles(self.database)
        self.ingest = Ingest(self.articles, self.embedder)
        self.store = PostgresKnowledge(self.database, self.embedder)
        self.cached = CachedKnowledge(self.store, self.store.version, clock=lambda: self.now)

    async def found(self) -> str:
        (passage,) = await self.cached.search(QUERY)
        return passage.text


@pytest.fixture
async def shop(database: Database) -> Shop:
    shop = Shop(database)
    await shop.ingest.add(reading(*SHOP))
    return shop


async def test_every_change_of_an_article_changes_the_version(shop: Shop) -> None:
    seen = [await shop.store.version()]
    await shop.ingest.add(reading(*SHOP))
    assert await shop.store.version() == seen[0]
    await shop.ingest.add(reading(article("new", "New", "Something new.")))
    seen.append(await shop.store.version())
    await shop.ingest.add(reading(article("new", "New", "Something else.")))
    seen.append(await shop.store.version())
    await shop.ingest.add(reading(article("new", "New", "Something else.", audience="staff")))
    seen.append(await shop.store.version())
    await shop.articles.remove("help", ["new"], "kim")
    seen.append(await shop.store.version())
    await shop.articles.delete_source("help")
    seen.append(await shop.store.version())
    assert len(set(seen)) == len(seen) - 1
    assert seen[0] == seen[4]  # with the new article gone, everything is as it was


async def test_a_changed_article_is_found_as_it_is_now_a_second_later(shop: Shop) -> None:
    assert "thirty days" in await shop.found()
    await shop.ingest.add(
        reading(article("returns", "How long may I return an order?", "You may return any order within ninety days."))
    )
    shop.now += 1.0
    assert "ninety days" in await shop.found()


async def test_an_article_that_was_taken_from_the_public_is_not_shown_to_it_a_second_later(shop: Shop) -> None:
    await shop.found()
    await shop.ingest.add(
        reading(article("returns", "How long may I return an order?", "Ask the boss first.", audience="staff"))
    )
    shop.now += 1.0
    found = await shop.cached.search(KnowledgeQuery(QUERY.text))
    assert "Ask the boss first." not in {passage.text for passage in found}


async def test_a_database_that_is_gone_is_said_even_to_whom_it_was_answered_before(shop: Shop) -> None:
    await shop.found()
    await shop.database.close()
    assert "thirty days" in await shop.found()
    shop.now += 1.0
    with pytest.raises(KnowledgeUnavailableError):
        await shop.found()
