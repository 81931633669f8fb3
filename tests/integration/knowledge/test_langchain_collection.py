"""A table that another application filled: what is asked of it, and what is said when it is not as described."""

from __future__ import annotations

from uuid import UUID

import pytest

from infra.postgres.database import Database
from infra.postgres.vectorstore import Collection, VectorStoreKnowledge, _LangChainEmbeddings
from skills.errors import ConfigurationError, KnowledgeUnavailableError
from skills.ports import KnowledgeQuery
from skills.turn import Language
from tests.integration.knowledge.hashed_words import HashedWords

ENGLISH = Language("en")
PLAIN = Collection(table="notes", id="number", audience="readers")


@pytest.fixture
async def notes(database: Database) -> Database:
    """A collection with no more columns than have to be there, its ids plain numbers."""
    embedder = HashedWords()
    async with database.connection() as connection:
        await connection.execute("create table notes (number text, content text, embedding vector(384), readers text)")
        for number in range(300):
            text = f"note {number} about returns"
            (vector,) = await embedder.embed([text])
            readers = "public" if number % 100 == 0 else "staff"
            await connection.execute(
                "insert into notes values (%s, %s, %s::vector, %s)", [str(number), text, str(vector), readers]
            )
        await connection.execute("create index on notes using hnsw (embedding vector_cosine_ops)")
        await connection.execute("analyze notes")
    return database


async def test_a_collection_with_few_columns_is_searched_all_the_same(notes: Database) -> None:
    knowledge = await VectorStoreKnowledge.connect(notes.url, PLAIN, HashedWords(), default_language=ENGLISH)
    try:
        found = await knowledge.search(KnowledgeQuery("note 200 about returns", limit=3))
        again = await knowledge.search(KnowledgeQuery("note 200 about returns", limit=3, language=ENGLISH))
        assert await knowledge.search(KnowledgeQuery("note", language=Language("de"))) == []
    finally:
        await knowledge.close()
    assert found == again
    assert found[0].text == "note 200 about returns"
    assert len(found) == 3
    assert (found[0].title, found[0].heading, found[0].url, found[0].language) == ("", "", None, "en")
    assert isinstance(found[0].id, UUID)
    assert found[0].similarity == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("url", "collection", "words"),
    [
        ("no address", PLAIN, "address"),
        (None, Collection(table="nothing", audience="readers"), "not as described"),
        (None, Collection(table="notes", id="number", audience="who"), "who"),
    ],
)
async def test_a_collection_that_is_not_as_described_is_refused_at_once(
    notes: Database, url: str | None, collection: Collection, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        await VectorStoreKnowledge.connect(url or notes.url, collection, HashedWords(), default_language=ENGLISH)
    assert caught.value.hint


async def test_a_server_that_is_not_there_is_a_knowledge_base_that_does_not_answer() -> None:
    with pytest.raises(KnowledgeUnavailableError):
        await VectorStoreKnowledge.connect(
            "postgresql://nobody@127.0.0.1:1/nothing", PLAIN, HashedWords(), default_language=ENGLISH
        )


async def test_a_collection_that_went_away_is_a_knowledge_base_that_does_not_answer(notes: Database) -> None:
    knowledge = await VectorStoreKnowledge.connect(notes.url, PLAIN, HashedWords(), default_language=ENGLISH)
    try:
        async with notes.connection() as connection:
            await connection.execute("drop table notes")
        with pytest.raises(KnowledgeUnavailableError):
            await knowledge.search(KnowledgeQuery("note"))
    finally:
        await knowledge.close()


def test_langchain_may_ask_from_a_thread_of_its_own() -> None:
    embeddings = _LangChainEmbeddings(HashedWords())
    assert embeddings.embed_documents(["order", "order"]) == [embeddings.embed_query("order")] * 2
