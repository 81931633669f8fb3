"""Bringing articles in: once, again, interrupted, under another model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from infra.knowledge.ingest import ArticleStore, Ingest, Summary
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.origin import UnreadableFileError
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from skills.errors import ConfigurationError, ModelUnavailableError
from skills.ports import KnowledgeQuery
from skills.turn import ArticleId, Language
from tests.integration.knowledge.hashed_words import SHOP, HashedWords, article, reading


class Tiring(HashedWords):
    """Gives up after some calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self.calls == 0:
            raise ModelUnavailableError
        self.calls -= 1
        return await super().embed(texts)


def summary(
    *, added: int = 0, changed: int = 0, unchanged: int = 0, removed: int = 0, failed: int = 0, embedded: int = 0
) -> Summary:
    return Summary(added, changed, unchanged, removed, failed, embedded)


@pytest.fixture(params=["postgres", "memory"])
def store(request: pytest.FixtureRequest, database: Database) -> ArticleStore:
    return PostgresArticles(database) if request.param == "postgres" else InMemoryKnowledge(HashedWords())


async def test_unchanged_articles_are_neither_written_nor_embedded_again(store: ArticleStore) -> None:
    embedder = HashedWords()
    ingest = Ingest(store, embedder)
    assert await ingest.add(reading(*SHOP)) == summary(added=10, embedded=10)
    embedder.texts.clear()
    progress: list[tuple[int, int]] = []
    assert await ingest.add(reading(*SHOP), progress=lambda *step: progress.append(step)) == summary(unchanged=10)
    assert embedder.texts == []
    assert progress == []


async def test_a_changed_article_is_replaced_whole(store: ArticleStore) -> None:
    embedder = HashedWords()
    ingest = Ingest(store, embedder)
    before = article("returns", "Returns", "## Shoes\n\nThirty days.\n\n## Coats\n\nSixty days.")
    await ingest.add(reading(before))
    embedder.texts.clear()
    after = replace(before, text="## Shoes\n\nThirty days.\n\n## Hats\n\nNever.")
    assert await ingest.add(reading(after)) == summary(changed=1, embedded=1)
    assert embedder.texts == ["Returns\nHats\nNever."]
    assert await ingest.add(reading(after)) == summary(unchanged=1)


async def test_a_change_of_audience_alone_is_a_change(store: ArticleStore) -> None:
    ingest = Ingest(store, HashedWords())
    await ingest.add(reading(SHOP[0]))
    assert await ingest.add(reading(replace(SHOP[0], audience="staff"))) == summary(changed=1)


async def test_what_vanished_is_removed_only_when_asked(store: ArticleStore) -> None:
    ingest = Ingest(store, HashedWords())
    elsewhere = article("returns", "Elsewhere", "Another source.", source="other")
    await ingest.add(reading(*SHOP))
    await ingest.add(reading(elsewhere, source="other"))
    assert await ingest.add(reading(SHOP[0])) == summary(unchanged=1)
    assert await ingest.add(reading(SHOP[0]), prune=True) == summary(unchanged=1, removed=9)
    assert await ingest.add(reading(SHOP[0]), prune=True) == summary(unchanged=1)
    assert await ingest.add(reading(elsewhere, source="other")) == summary(unchanged=1)


async def test_a_file_that_became_unreadable_is_not_taken_for_empty(store: ArticleStore) -> None:
    ingest = Ingest(store, HashedWords())
    entries = [article(slug, slug, "text") for slug in ("faq.csv#1", "faq.csv#2", "faq.csvx", "page.md")]
    await ingest.add(reading(*entries))
    problems = tuple(UnreadableFileError("is not UTF-8", file=file) for file in ("faq.csv", "page.md"))
    broken = replace(reading(), problems=problems)
    assert await ingest.add(broken, prune=True) == summary(removed=1, failed=2)
    assert set(await store.content_hashes("help")) == {"faq.csv#1", "faq.csv#2", "page.md"}


async def test_an_interrupted_run_leaves_whole_articles_and_the_next_goes_on(
    store: ArticleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.knowledge.ingest.BATCH", 4)
    progress: list[tuple[int, int]] = []
    with pytest.raises(ModelUnavailableError):
        await Ingest(store, Tiring(2)).add(reading(*SHOP), progress=lambda *step: progress.append(step))
    assert progress == [(4, 10), (8, 10)]
    assert len(await store.content_hashes("help")) == 8
    assert await Ingest(store, HashedWords()).add(reading(*SHOP)) == summary(added=2, unchanged=8, embedded=2)


async def test_vectors_of_a_batch_that_was_under_way_are_kept(
    store: ArticleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = HashedWords()

    async def fail(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(store, "put", fail)
        with pytest.raises(ConnectionError):
            await Ingest(store, embedder).add(reading(*SHOP))
    assert await Ingest(store, embedder).add(reading(*SHOP)) == summary(added=10)


async def test_a_memory_refuses_vectors_of_another_model() -> None:
    with pytest.raises(ConfigurationError, match="minilm"):
        await Ingest(InMemoryKnowledge(HashedWords()), HashedWords(model="other")).add(reading(*SHOP))


async def test_another_model_gets_vectors_and_an_index_while_the_first_goes_on(database: Database) -> None:
    store = PostgresArticles(database)
    await Ingest(store, HashedWords()).add(reading(*SHOP))
    for model, dimensions, kind in (("text-embedding-3-large", 3072, "halfvec(3072)"), ("tiny'; --", 8, "vector(8)")):
        other = HashedWords(model=model, dimensions=dimensions)
        for embedded in (10, 0):
            assert await Ingest(store, other).add(reading(*SHOP)) == summary(unchanged=10, embedded=embedded)
        found = await PostgresKnowledge(database, other).search(KnowledgeQuery("change my password", limit=8))
        assert found[0].title == "How do I change my password?"
        assert len(found) == 8
        async with database.connection() as connection:
            cursor = await connection.execute(
                "select indexdef from pg_indexes where tablename = 'embeddings' and strpos(indexdef, %s) > 0", [kind]
            )
            assert len(await cursor.fetchall()) == 1
    found = await PostgresKnowledge(database, HashedWords()).search(KnowledgeQuery("change my password"))
    assert found[0].similarity > 0.5


async def test_passages_without_a_vector_of_the_model_are_found_by_their_words(database: Database) -> None:
    await Ingest(PostgresArticles(database), HashedWords()).add(reading(*SHOP))
    other = HashedWords(model="not-yet-embedded")
    found = await PostgresKnowledge(database, other).search(KnowledgeQuery("change my password", limit=8))
    assert [passage.title for passage in found] == ["How do I change my password?"]
    assert found[0].similarity == 0.0


@pytest.mark.parametrize("dimensions", [0, 4001])
async def test_a_model_whose_vectors_no_index_takes_is_refused(database: Database, dimensions: int) -> None:
    with pytest.raises(ConfigurationError, match="can't be indexed"):
        await PostgresArticles(database).ensure_model_index("huge", dimensions)


async def test_the_staff_lists_counts_and_deletes(database: Database) -> None:
    store = PostgresArticles(database)
    await Ingest(store, HashedWords()).add(reading(*SHOP))
    await Ingest(store, HashedWords()).add(reading(article("a", "A", "text", source="other"), source="other"))
    listed = await store.articles(source="help", limit=3, offset=1)
    assert [entry.slug for entry in listed] == ["goodwill", "hours", "invoice"]
    assert (listed[0].title, listed[0].audience, listed[0].passages) == ("Goodwill vouchers", "staff", 1)
    assert len(await store.articles()) == 11
    counts = [(count.source, count.language, count.audience, count.articles) for count in await store.counts()]
    assert counts == [
        ("help", "de", "public", 2), ("help", "en", "customers", 1), ("help", "en", "public", 6),
        ("help", "en", "staff", 1), ("other", "en", "public", 1),
    ]  # fmt: skip
    assert await store.delete_article(listed[0].id)
    assert not await store.delete_article(ArticleId(listed[0].id))
    assert await store.delete_source("help") == 9
    assert [count.passages for count in await store.counts()] == [1]


async def test_words_are_stemmed_in_the_articles_language_and_kept_in_one_without_a_stemmer(database: Database) -> None:
    knowledge = PostgresKnowledge(database, HashedWords())
    await Ingest(PostgresArticles(database), HashedWords()).add(
        reading(
            article("en", "Orders", "Returning parcels"),
            article("es", "Pedidos", "Devoluciones gratuitas", language="es"),
            article("pl", "Zwroty", "Paczki wracają", language="pl"),
        )
    )
    for question, slug in (("I returned a parcel", "en"), ("una devolución gratuita", "es"), ("paczki?", "pl")):
        best, second, *_ = await knowledge.search(KnowledgeQuery(question))
        assert best.url == f"https://shop.example/{slug}"
        assert best.score > second.score
    assert (await knowledge.search(KnowledgeQuery("returned", language=Language("en"))))[0].title == "Orders"
