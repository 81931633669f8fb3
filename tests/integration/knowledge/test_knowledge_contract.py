"""What every knowledge base keeps, whoever implements it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from infra.knowledge.ingest import Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from infra.postgres.vectorstore import Collection, VectorStoreKnowledge
from skills.ports import Knowledge, KnowledgeQuery
from skills.turn import Audience, Language, Passage
from tests.integration.knowledge.hashed_words import SHOP, HashedWords, article, reading

pytestmark = pytest.mark.no_cover  # the same code again and again, in another order or with other data


COLLECTION = Collection(
    table="collection", id="id", audience="audience", language="language", title="title", heading="heading",
    url="url", article="article_id",
)  # fmt: skip

TODAY = datetime.now(UTC)
DATED = (
    replace(article("sale", "Winter sale", "Skates cost half in the winter sale."), expires=TODAY - timedelta(days=1)),
    replace(article("tariff", "New tariff", "Skates cost more then."), effective=TODAY + timedelta(days=1)),
)
"""What has expired, and what holds from tomorrow on: nobody finds either."""


class Search(Protocol):
    async def __call__(
        self, text: str, *, limit: int = 8, audience: Audience = "public", language: str | None = None
    ) -> list[Passage]: ...


@pytest.fixture(params=["postgres", "memory", "vectorstore"])
async def knowledge(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Knowledge]:
    embedder = HashedWords()
    if request.param == "memory":
        memory = InMemoryKnowledge(embedder)
        await Ingest(memory, embedder).add(reading(*SHOP, *DATED))
        yield memory
        return
    await Ingest(PostgresArticles(database), embedder).add(reading(*SHOP, *DATED))
    if request.param == "postgres":
        yield PostgresKnowledge(database, embedder)
        return
    async with database.connection() as connection:
        await connection.execute(
            "create table collection as select p.id, p.body as content, e.embedding::vector(384) as embedding,"
            " p.article_id, a.title, p.heading, a.url, p.language, p.audience"
            " from passages p join articles a on a.id = p.article_id join embeddings e on e.passage_id = p.id"
            " where p.effective_at <= now() and p.expires_at > now()"  # such a table holds what may be found
        )
        await connection.execute("create index on collection using hnsw (embedding vector_cosine_ops)")
    store = await VectorStoreKnowledge.connect(database.url, COLLECTION, embedder, default_language=Language("en"))
    yield store
    await store.close()


@pytest.fixture
def search(knowledge: Knowledge) -> Search:
    async def ask(
        text: str, *, limit: int = 8, audience: Audience = "public", language: str | None = None
    ) -> list[Passage]:
        wanted = None if language is None else Language(language)
        return await knowledge.search(KnowledgeQuery(text, limit=limit, audience=audience, language=wanted))

    return ask


async def test_a_natural_question_finds_the_article_that_answers_it(search: Search) -> None:
    found = await search("how long can I return my order please?")
    first = found[0]
    assert first.title == "How long may I return an order?"
    assert first.text == "You may return any order within thirty days of delivery."
    assert first.heading == first.title
    assert first.url == "https://shop.example/returns"
    assert first.language == "en"


async def test_without_vectors_the_words_decide_and_a_store_of_vectors_finds_nothing(knowledge: Knowledge) -> None:
    query = KnowledgeQuery("how long can I return my order please?", by_words=True)
    found = await knowledge.search(query)
    if isinstance(knowledge, VectorStoreKnowledge):
        assert found == []
        return
    assert found[0].title == "How long may I return an order?"
    assert {passage.similarity for passage in found} == {0.0}
    assert "Opening hours" not in {passage.title for passage in found}
    assert await knowledge.search(replace(query, text="zebra")) == []
    invoices = replace(query, text="invoice")
    assert await knowledge.search(invoices) == []
    assert [passage.title for passage in await knowledge.search(replace(invoices, audience="customers"))] == [
        "Where is my invoice?"
    ]


@pytest.mark.parametrize("by_words", [True, False])
async def test_what_has_expired_or_holds_later_is_found_by_nobody(knowledge: Knowledge, *, by_words: bool) -> None:
    query = KnowledgeQuery("what do skates cost in the winter sale?", limit=100, audience="staff", by_words=by_words)
    found = {passage.title for passage in await knowledge.search(query)}
    assert not found & {"Winter sale", "New tariff"}


async def test_the_best_come_first(search: Search) -> None:
    found = await search("what does shipping cost")
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert found[0].similarity == max(passage.similarity for passage in found)


@pytest.mark.parametrize("limit", [1, 3, 6])
async def test_as_many_come_as_were_asked_for(search: Search, limit: int) -> None:
    found = await search("password", limit=limit, language="en")
    assert len(found) == limit
    assert len({passage.id for passage in found}) == limit


async def test_no_more_come_than_there_are(search: Search) -> None:
    assert len(await search("password", limit=500, audience="staff")) == len(SHOP)


async def test_nothing_is_asked_for_and_nothing_comes(search: Search) -> None:
    assert await search("password", limit=0) == []


@pytest.mark.parametrize(("audience", "hidden"), [("public", 2), ("customers", 1), ("staff", 0)])
async def test_each_reader_sees_what_is_meant_for_them(search: Search, audience: Audience, hidden: int) -> None:
    found = await search("invoice voucher goodwill", limit=50, audience=audience)
    assert len(found) == len(SHOP) - hidden
    titles = {passage.title for passage in found}
    assert ("Where is my invoice?" in titles) == (audience != "public")
    assert ("Goodwill vouchers" in titles) == (audience == "staff")


async def test_a_language_filter_leaves_only_that_language(search: Search) -> None:
    found = await search("Was kostet der Versand?", language="de")
    assert [passage.title for passage in found] == ["Was kostet der Versand?", "Rückgabe einer Bestellung"]
    assert {passage.language for passage in found} == {"de"}
    assert await search("cost", language="fr") == []


async def test_without_a_filter_the_question_may_be_in_any_language(search: Search) -> None:
    assert (await search("Was kostet der Versand?"))[0].language == "de"


async def test_a_filter_of_articles_leaves_only_theirs_and_a_store_without_our_ids_finds_nothing(
    knowledge: Knowledge,
) -> None:
    everything = {passage.title: passage for passage in await knowledge.search(KnowledgeQuery("password", limit=50))}
    wanted = frozenset(everything[title].article_id for title in ("Opening hours", "Gift wrapping"))
    query = KnowledgeQuery("how do I change my password?", articles=wanted)
    found = await knowledge.search(query)
    if isinstance(knowledge, VectorStoreKnowledge):
        assert found == []
        return
    assert {passage.article_id for passage in found} == wanted
    assert await knowledge.search(replace(query, articles=frozenset())) == []
    hidden = (await knowledge.search(KnowledgeQuery("invoice", limit=1, audience="customers")))[0].article_id
    assert await knowledge.search(replace(query, articles=frozenset({hidden}))) == []


async def test_the_similarity_is_the_cosine(search: Search) -> None:
    embedder = HashedWords()
    found = await search("is there a gift for the shop", limit=6, language="en")
    for passage in found:
        one, two = await embedder.embed(["is there a gift for the shop", f"{passage.title}\n{passage.text}"])
        assert passage.similarity == pytest.approx(sum(a * b for a, b in zip(one, two, strict=True)), abs=1e-5)


async def test_what_nobody_knows_has_a_low_similarity(search: Search) -> None:
    assert all(passage.similarity < 0.3 for passage in await search("quantum chromodynamics lattice"))
    assert (await search("how do I change my password"))[0].similarity > 0.6


@pytest.mark.parametrize("text", ["", "  \n\t ", "\0", "\ud800"])
async def test_a_blank_question_finds_nothing(search: Search, text: str) -> None:
    assert await search(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "???",
        "'; drop table passages; --",
        "a & | ! ( <-> :* b",
        "password\0 change",
        "half \ud83d pair",
        "\\' \\\\ E'",
        "%s %(x)s {model}",
        "🙂🙃",
        "退货",
        "http://a.example/b?c=d&e=f password",
        "up-to-date don't",
        "the of and",
    ],
)
async def test_odd_characters_are_only_characters(search: Search, text: str) -> None:
    found = await search(text, language="en", limit=3)
    assert len(found) == 3
    assert all(-1.001 <= passage.similarity <= 1.001 for passage in found)


async def test_a_very_long_question_is_answered(search: Search) -> None:
    found = await search("I want to change my password. " * 20_000)
    assert found[0].title == "How do I change my password?"
    words = " ".join(f"word{number}" for number in range(5_000))
    assert len(await search(words, limit=5)) == 5


async def test_the_same_question_has_the_same_answer(search: Search) -> None:
    assert await search("voucher or gift for euros") == await search("voucher or gift for euros")


async def test_what_has_no_vector_of_the_model_is_found_by_its_words_only(database: Database) -> None:
    """Only the database can have such: after another model was switched to, or while one is filled."""
    await Ingest(PostgresArticles(database), HashedWords()).add(reading(*SHOP))
    other = PostgresKnowledge(database, HashedWords(model="other"))
    query = KnowledgeQuery("how long can I return my order please?")
    assert await other.search(query) == await other.search(replace(query, by_words=True)) != []
    assert await other.search(replace(query, text="zebra")) == []
