"""Hybrid search in one statement: nearest vectors and matching words, fused by reciprocal rank.

What the statement promises, and how:

- **as many passages as were asked for**, whatever the filters: the vectors' index is scanned on until enough readable
  ones are found, and where only few are readable, or the scan gave up, all of those are compared one by one;
- **a natural question matches**: any of its words may, the rare ones weigh most;
- **nothing that the reader may not see** takes a place: both lists are filtered inside;
- **without a vector** (no model answers, or a passage has none of this model) the words alone decide;
- **a bounded time**: words that stand in a large part of the passages are left to the vectors; the plan is made once a
  connection, and is the same whatever the values and the statistics are.
"""

from __future__ import annotations

from psycopg import sql

from infra.knowledge.question import searchable
from infra.knowledge.ranking import FUSION, READABLE, candidates
from infra.knowledge.subjects import Named
from infra.postgres.articles import CONFIGURATIONS, index_type
from infra.postgres.database import Database
from infra.postgres.queries import load
from infra.postgres.vectors import BinaryVector
from skills.errors import DatabaseUnavailableError, KnowledgeUnavailableError
from skills.ports import Embedder, KnowledgeQuery
from skills.turn import ArticleId, Language, Passage, PassageId

FEW = 2000
"""Readable passages up to which comparing each is quicker than the index, and exact."""

MOST = 1000
"""Passages whose words are looked at in one search."""

_LEAST_EFFORT, _MOST_EFFORT = 400, 1000
"""Bounds of hnsw.ef_search, the neighbours that the index keeps in view; 1000 is the most that pgvector allows.

At 100,000 passages with many near-duplicates a search finds 94 % of the exact ten with 250, 95 % with 350 and 96 % with
450, for a millisecond more each time (docs/quality.md).
"""

# PostgreSQL's writing of both columns, made once: psycopg would take each of them apart for every search.
_LANGUAGES, _CONFIGURATIONS = (f"{{{','.join(names)}}}" for names in (CONFIGURATIONS.keys(), CONFIGURATIONS.values()))


class PostgresKnowledge:
    """Implements `skills.ports.Knowledge` over `articles`, `passages` and `embeddings`."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        statements = load("knowledge")
        self._settings = statements["settings"]
        self._statements = {
            (of_language, of_articles): _statement(embedder, of_language=of_language, of_articles=of_articles)
            for of_language in (False, True)
            for of_articles in (False, True)
        }
        self._version = statements["version"]
        self._named = statements["named"]

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        """The best passages, best first; see `skills.ports.Knowledge`. A blank question finds nothing."""
        text = searchable(query.text)
        if not text or query.limit < 1:
            return []
        vector = None if query.by_words else (await self._embedder.embed([text]))[0]
        values = self.parameters(query, vector)
        try:
            # One round trip and, by that, one transaction for both.
            async with self._database.connection() as connection:
                async with connection.pipeline():
                    await connection.execute(self._settings, values)
                    cursor = await connection.execute(self.statement(query), values, prepare=True)
                rows = await cursor.fetchall()
        except DatabaseUnavailableError as error:
            raise KnowledgeUnavailableError(f"the knowledge base did not answer: {error}") from error
        return [
            Passage(
                id=PassageId(row["id"]),
                article_id=ArticleId(row["article_id"]),
                title=row["title"],
                heading=row["heading"],
                text=row["body"],
                url=row["url"],
                language=Language(row["language"]),
                similarity=row["similarity"],
                score=row["score"],
            )
            for row in rows
        ]

    async def version(self) -> str:
        """Something that differs as soon as an article was added, changed or removed; for caches.

        Raises:
            DatabaseUnavailableError: the database did not say.
        """
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._version)).fetchone()
        assert row is not None  # an aggregate always has a row
        return str(row["version"])

    async def named(self) -> list[Named]:
        """Every article that holds now, with what may be names of it; for ``infra.knowledge.subjects``.

        Raises:
            DatabaseUnavailableError: the database did not say.
        """
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._named)).fetchall()
        return [
            Named(ArticleId(row["id"]), row["audience"], tuple(dict.fromkeys([row["title"], *row["headings"]])))
            for row in rows
        ]

    def statement(self, query: KnowledgeQuery) -> bytes:
        """The one for the filters that a query has; its plan is made once and kept with the connection."""
        return self._statements[query.language is not None, query.articles is not None]

    def parameters(self, query: KnowledgeQuery, vector: list[float] | None) -> dict[str, object]:
        """What the statement is given; without a vector it goes by words."""
        depth = candidates(query.limit)
        return {
            "text": searchable(query.text),
            "embedding": None if vector is None else BinaryVector.of(vector),
            "audiences": list(READABLE[query.audience]),
            "language": query.language,
            "articles": None if query.articles is None else sorted(query.articles),
            "languages": _LANGUAGES,
            "configurations": _CONFIGURATIONS,
            "candidates": depth,
            "limit": query.limit,
            "effort": str(min(max(depth, _LEAST_EFFORT), _MOST_EFFORT)),
            "few": FEW,
            "most": MOST,
            "fusion": FUSION,
        }


def _statement(embedder: Embedder, *, of_language: bool, of_articles: bool) -> bytes:
    kind, _ = index_type(embedder.dimensions)
    statements = load("knowledge")
    wanted = (("readable", True), ("of_language", of_language), ("of_articles", of_articles))
    readable = sql.SQL(" and ").join(sql.SQL(statements[name]) for name, filters in wanted if filters)
    # Without its comments psycopg takes it apart once, instead of every time: it remembers what is shorter than 4 kB.
    lines = (line.strip() for line in statements["search"].splitlines())
    statement = sql.SQL("\n".join(line for line in lines if not line.startswith("--")))
    return statement.format(vector=kind, model=sql.Literal(embedder.model), readable=readable).as_bytes(None)
