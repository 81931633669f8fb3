"""Search over some thousands of passages: both indexes serve, filters cost no results, and a lost server is said so."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest

from infra.knowledge.ingest import Ingest
from infra.postgres import knowledge as search_limits
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.postgres.knowledge import PostgresKnowledge
from infra.postgres.migrate import migrate
from infra.postgres.queries import load
from infra.postgres.vectors import BinaryVector
from skills.errors import KnowledgeUnavailableError
from skills.ports import KnowledgeQuery
from skills.turn import ArticleId, Language
from tests.databases import a_database
from tests.integration.knowledge.hashed_words import HashedWords, article, reading

pytestmark = pytest.mark.early

PASSAGES = 6000
WORDS = [f"{one}{two}" for one in ("ship", "pay", "send", "lock", "open") for two in (f"er{n}" for n in range(400))]


@pytest.fixture(scope="module")
async def filled(server_url: str) -> AsyncIterator[Database]:
    """A database of its own: filling it for every test would take most of a minute."""
    with a_database(server_url) as url:
        database = Database(url)
        await database.open()
        await migrate(database)
        async with database.connection() as connection:
            # Filled in half the time; so few are found as well.
            await connection.execute("alter index embeddings_minilm set (ef_construction = 64)")
        chance = random.Random(7)
        articles = [
            article(
                f"a{number}",
                f"About {' '.join(chance.sample(WORDS, 3))}",
                f"The order of {' '.join(chance.sample(WORDS, 50))}.",
                language="de" if number % 100 == 0 else "en",
                audience="staff" if number % 1000 == 1 else "public",
            )
            for number in range(PASSAGES)
        ]
        await Ingest(PostgresArticles(database), HashedWords()).add(reading(*articles))
        yield database
        await database.close()


def questions(count: int) -> list[str]:
    chance = random.Random(11)
    return [f"where is the order of {' '.join(chance.sample(WORDS, 4))}?" for _ in range(count)]


class Pointed(HashedWords):
    """Embeds a question that no passage shares a word with as another one, so that only the vectors can find it."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return await super().embed([self.question for _ in texts])


async def tenth_best(database: Database, question: str, language: str | None) -> float:
    """The similarity of the tenth nearest passage, by comparing all."""
    (vector,) = await HashedWords().embed([question])
    async with database.connection() as connection:
        cursor = await connection.execute(
            "select 1 - (e.embedding <=> %(vector)s::vector) as similarity"
            " from passages p join embeddings e on e.passage_id = p.id where p.audience = 'public'"
            " and (%(language)s::text is null or p.language = %(language)s)"
            " order by similarity desc offset 9 limit 1",
            {"language": language, "vector": str(vector)},
        )
        row = await cursor.fetchone()
        assert row is not None
        return float(row["similarity"])


async def plan_of(database: Database, query: KnowledgeQuery, *, analyze: bool) -> list[str]:
    """How a search is done, a line each; ``analyze``: done indeed, and without what was not needed."""
    knowledge = PostgresKnowledge(database, HashedWords())
    values = knowledge.parameters(query, (await HashedWords().embed([query.text]))[0])
    explain = b"explain (analyze, costs off) " if analyze else b"explain (costs off) "
    async with database.transaction() as connection:
        await connection.execute(load("knowledge")["settings"], values)
        cursor = await connection.execute(explain + knowledge.statement(query), values, prepare=True)
        plan = [str(row["QUERY PLAN"]) for row in await cursor.fetchall()]
    return [line for line in plan if "never executed" not in line]


def assert_served_by_indexes(plan: list[str]) -> None:
    assert any("Index Scan using embeddings_minilm" in line for line in plan)
    assert any("Bitmap Index Scan on passages_words" in line for line in plan)
    assert any("Index Only Scan using passages_readers" in line for line in plan)
    assert not any("Seq Scan on embeddings" in line or "Seq Scan on passages" in line for line in plan)


async def test_both_indexes_serve_a_search(filled: Database) -> None:
    assert_served_by_indexes(await plan_of(filled, KnowledgeQuery(questions(1)[0]), analyze=True))


@pytest.mark.parametrize("language", [None, Language("de")])
@pytest.mark.parametrize("articles", [None, frozenset({ArticleId(UUID(int=1))})])
async def test_the_plan_is_the_same_where_nothing_was_ever_counted(
    database: Database, language: Language | None, articles: frozenset[ArticleId] | None
) -> None:
    query = KnowledgeQuery(questions(1)[0], language=language, articles=articles)
    assert_served_by_indexes(await plan_of(database, query, analyze=False))


async def test_a_search_leaves_the_planner_of_its_connection_as_it_was(filled: Database) -> None:
    single = Database(filled.url, size=1)
    await single.open()
    try:
        await PostgresKnowledge(single, HashedWords()).search(KnowledgeQuery("order"))
        async with single.connection() as connection:
            for setting, value in (("hnsw.iterative_scan", "off"), ("enable_sort", "on"), ("plan_cache_mode", "auto")):
                cursor = await connection.execute("select current_setting(%s) as value", [setting])
                assert await cursor.fetchone() == {"value": value}
    finally:
        await single.close()


@pytest.mark.parametrize("few", [0, 2000])
async def test_a_filter_that_leaves_one_in_a_hundred_still_gives_all_that_were_asked_for(
    filled: Database, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the index alone (few = 0) as well as one by one."""
    monkeypatch.setattr(search_limits, "FEW", few)
    knowledge = PostgresKnowledge(filled, HashedWords())
    for question in questions(10):
        found = await knowledge.search(KnowledgeQuery(question, limit=10, language=Language("de")))
        assert len(found) == 10
        assert {passage.language for passage in found} == {"de"}


async def test_a_reader_with_few_passages_gets_all_of_them(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_limits, "FEW", 0)
    knowledge = PostgresKnowledge(filled, HashedWords())
    found = await knowledge.search(KnowledgeQuery(questions(1)[0], limit=100, language=Language("de")))
    assert len(found) == PASSAGES // 100


@pytest.mark.parametrize(("language", "few"), [(None, 2000), ("de", 2000), ("de", 0)])
async def test_nearly_all_of_the_nearest_passages_are_found(
    filled: Database, language: str | None, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_limits, "FEW", few)
    wanted = None if language is None else Language(language)
    near = 0
    for question in questions(20):
        knowledge = PostgresKnowledge(filled, Pointed(question))
        found = await knowledge.search(KnowledgeQuery("xyzzy", limit=10, language=wanted))
        bound = await tenth_best(filled, question, language) - 1e-5
        near += sum(passage.similarity >= bound for passage in found)
    assert near / 200 >= 0.95


async def test_an_import_tells_the_search_what_share_of_the_passages_a_common_word_is_in(
    filled: Database,
) -> None:
    async with filled.connection() as connection:
        cursor = await connection.execute("select share from word_shares where word = 'order'")
        assert await cursor.fetchone() == {"share": pytest.approx(1.0, abs=0.05)}


async def test_a_vector_arrives_as_it_was_sent(filled: Database) -> None:
    async with filled.connection() as connection:
        sent = BinaryVector.of([1.0, -0.5, 0.25])
        cursor = await connection.execute("select %s::vector::text as arrived", [sent])
        assert await cursor.fetchone() == {"arrived": "[1,-0.5,0.25]"}


async def test_words_that_stand_everywhere_are_left_to_the_vectors(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_limits, "MOST", 100)
    knowledge = PostgresKnowledge(filled, HashedWords())
    found = await knowledge.search(KnowledgeQuery("order", language=Language("en")))
    assert len(found) == 8
    assert found[0].score == pytest.approx(1 / 61)


async def test_a_database_that_is_gone_is_a_knowledge_base_that_does_not_answer() -> None:
    gone = Database("postgresql://csagent@127.0.0.1:1/nothing", wait=0.2)
    await gone.pool.open(wait=False)
    try:
        with pytest.raises(KnowledgeUnavailableError):
            await PostgresKnowledge(gone, HashedWords()).search(KnowledgeQuery("order"))
        with pytest.raises(KnowledgeUnavailableError):
            await PostgresArticles(gone).counts()
    finally:
        await gone.close()
