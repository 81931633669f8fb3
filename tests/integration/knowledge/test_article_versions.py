"""An article keeps what it said before, who changed it and when; and can be brought back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from infra.knowledge.ingest import Ingest
from infra.postgres.article_versions import ArticleVersions
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from skills.errors import BadRequestError, NotFoundError
from skills.ports import KnowledgeQuery
from tests.integration.knowledge.hashed_words import HashedWords, article, reading

FEE = article("fee", "Fee", "A return costs four euros.")
DEARER = replace(FEE, text="A return costs five euros.", expires=datetime(2099, 1, 1, tzinfo=UTC))


async def text_found(database: Database) -> str:
    (found,) = await PostgresKnowledge(database, HashedWords()).search(KnowledgeQuery("return costs"))
    return found.text


async def test_every_change_is_a_version_with_who_made_it_and_what_changed_nothing_is_none(database: Database) -> None:
    ingest = Ingest(PostgresArticles(database), HashedWords())
    await ingest.add(reading(FEE), by="kim")
    await ingest.add(reading(DEARER), by="sam")
    await ingest.add(reading(DEARER), by="alex")
    async with database.connection() as connection:  # as after a change of the splitting rules
        await connection.execute("update articles set content_hash = 'old'")
    await ingest.add(reading(DEARER), by="alex")
    versions = ArticleVersions(database)
    lines = await versions.history(FEE.id)
    assert [(line.version, line.change, line.changed_by) for line in lines] == [
        (2, "changed", "sam"),
        (1, "added", "kim"),
    ]
    assert (await versions.version(FEE.id, 1)).article == FEE
    assert (await versions.version(FEE.id)).article == DEARER


async def test_a_version_that_was_brought_back_stays_until_the_source_says_something_new(database: Database) -> None:
    store = PostgresArticles(database)
    ingest = Ingest(store, HashedWords())
    await ingest.add(reading(FEE))
    await ingest.add(reading(DEARER))
    versions = ArticleVersions(database)
    await ingest.restore((await versions.version(FEE.id, 1)).article, by="kim")
    assert await text_found(database) == "A return costs four euros."
    assert (await ingest.add(reading(DEARER))).unchanged == 1
    assert await text_found(database) == "A return costs four euros."
    newest, *_ = await versions.history(FEE.id)
    assert (newest.version, newest.change, newest.changed_by) == (3, "restored", "kim")
    await ingest.add(reading(replace(FEE, text="A return costs six euros.")))
    assert await text_found(database) == "A return costs six euros."


async def test_what_was_removed_keeps_its_versions_and_goes_on_counting(database: Database) -> None:
    store = PostgresArticles(database)
    ingest = Ingest(store, HashedWords())
    await ingest.add(reading(FEE))
    assert await store.delete_source("help", "kim") == 1
    versions = ArticleVersions(database)
    known = await versions.find("help/fee")
    assert (known.article_id, known.title) == (FEE.id, "Fee")
    newest, _ = await versions.history(FEE.id)
    assert (newest.change, newest.changed_by) == ("removed", "kim")
    await ingest.restore((await versions.version(FEE.id)).article, by="sam")
    assert await text_found(database) == FEE.text
    assert [line.version for line in await versions.history(FEE.id)] == [3, 2, 1]


async def test_an_article_is_found_by_slug_and_by_the_beginning_of_its_id(database: Database) -> None:
    ingest = Ingest(PostgresArticles(database), HashedWords())
    await ingest.add(reading(FEE))
    await ingest.add(reading(replace(FEE, source="other"), source="other"))
    versions = ArticleVersions(database)
    assert (await versions.find(str(FEE.id)[:8])).source == "help"
    with pytest.raises(BadRequestError, match="several"):
        await versions.find("fee")
    for name in ("nothing", "%", "12345678"):
        with pytest.raises(NotFoundError):
            await versions.find(name)
    with pytest.raises(NotFoundError):
        await versions.version(FEE.id, 9)


async def test_what_its_source_has_no_more_is_marked_until_it_is_back(database: Database) -> None:
    store = PostgresArticles(database)
    ingest = Ingest(store, HashedWords())
    await ingest.add(reading(FEE, article("hours", "Hours", "Nine to five.")))
    await ingest.add(reading(FEE))
    missing = {entry.slug: entry.missing_since is not None for entry in await store.articles()}
    assert missing == {"fee": False, "hours": True}
    # A file that was not read again is there.
    await ingest.add(replace(reading(FEE), unchanged=("hours",)))
    assert [entry.missing_since for entry in await store.articles()] == [None, None]
