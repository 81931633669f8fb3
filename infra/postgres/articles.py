"""The store of articles: what the ingestion writes and the staff lists.

A batch of articles is one transaction, so an article is there whole or not at all. Vectors travel once: they go into
the cache by the hash of their text, and from there, within the server, to the passages.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from psycopg import sql

from infra.knowledge.ingest import Entry, Waiting
from infra.knowledge.passages import searchable
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from skills.errors import ConfigurationError, ConflictError, DatabaseUnavailableError, KnowledgeUnavailableError
from skills.turn import ArticleId, Audience, Language, PassageId

CONFIGURATIONS: Mapping[str, str] = MappingProxyType({
    "ar": "arabic", "hy": "armenian", "eu": "basque", "ca": "catalan", "da": "danish", "nl": "dutch", "en": "english",
    "fi": "finnish", "fr": "french", "de": "german", "el": "greek", "hi": "hindi", "hu": "hungarian",
    "id": "indonesian", "ga": "irish", "it": "italian", "lt": "lithuanian", "ne": "nepali", "no": "norwegian",
    "nb": "norwegian", "nn": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
})  # fmt: skip
"""Which of PostgreSQL 16's text search configurations stems a language; every other one is kept word for word."""

_LONGEST_VECTOR, _LONGEST_HALF_VECTOR = 2000, 4000
"""Dimensions that pgvector's HNSW index takes, in single and in half precision."""

_PATIENTLY = "set local statement_timeout = '60s'"
"""A batch of vectors comes into the index in half a second, but on a busy machine in ten."""


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """A line of the staff's list."""

    id: ArticleId
    source: str
    slug: str
    title: str
    url: str | None
    language: Language
    audience: Audience
    updated_at: datetime
    passages: int
    effective_at: datetime | None
    expires_at: datetime | None
    version: int
    missing_since: datetime | None
    """Since when its source has it no more."""


@dataclass(frozen=True, slots=True)
class ArticleCount:
    """How much there is of one source in one language for one audience."""

    source: str
    language: Language
    audience: Audience
    articles: int
    passages: int
    updated_at: datetime


class PostgresArticles:
    """Implements `infra.knowledge.ingest.ArticleStore`. Every method raises KnowledgeUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load("articles")

    async def ensure_model_index(self, model: str, dimensions: int) -> None:
        """Give a model its own vector index, unless it has one. At a model's first use that takes no time.

        Raises:
            ConfigurationError: no index of pgvector takes vectors of that length.
        """
        kind, operators = index_type(dimensions)
        digest = hashlib.sha256(model.encode()).hexdigest()[:8]
        name = re.sub(r"[^a-z0-9]+", "_", f"embeddings_{model.lower()[:40]}_{digest}")
        async with self._transaction() as connection:
            # The first model answers; every further one has to be switched to.
            await connection.execute(self._queries["first_model"], {"model": model, "dimensions": dimensions})
            cursor = await connection.execute(self._queries["find_model_index"], {"model": model})
            if await cursor.fetchone() is not None:
                return
            # Two processes that start at once: the second waits here, and then finds the index under its name.
            await connection.execute("select pg_advisory_xact_lock(hashtext(%s))", [name])
            await connection.execute("set local statement_timeout = 0")
            await connection.execute(
                sql.SQL(self._queries["create_model_index"]).format(
                    name=sql.Identifier(name), vector=kind, operators=operators, model=sql.Literal(model)
                )
            )

    async def content_hashes(self, source: str) -> Mapping[str, bytes]:
        """The content hash of each article of a source, by slug."""
        rows = await self._fetch("content_hashes", {"source": source})
        return {row["slug"]: bytes(row["content_hash"]) for row in rows}

    async def cached(self, model: str, hashes: Collection[bytes]) -> set[bytes]:
        """Which of these texts have a vector in the cache."""
        rows = await self._fetch("cached", {"model": model, "hashes": list(hashes)})
        return {bytes(row["content_hash"]) for row in rows}

    async def cache(self, model: str, vectors: Mapping[bytes, Sequence[float]]) -> None:
        """Keep vectors by the hash of their text."""
        written = [written_vector(vector) for vector in vectors.values()]
        await self._execute("cache", {"model": model, "hashes": list(vectors), "embeddings": written})

    async def put(self, entries: Sequence[Entry], model: str, by: str, *, restored: bool = False) -> None:
        """Insert the articles, or replace them whole; each passage gets its vector from the cache.

        Args:
            entries: the articles with their passages.
            model: whose vectors they get.
            by: who brings them, written beside each version.
            restored: an earlier version is brought back.

        Raises:
            ConflictError: another model answers by now; nothing of these was stored.
        """
        async with self._transaction() as connection:
            await self.put_in(connection, entries, model, by, restored=restored)

    async def put_in(
        self, connection: Connection, entries: Sequence[Entry], model: str, by: str, *, restored: bool = False
    ) -> None:
        """``put`` within a transaction that also does something else.

        Raises:
            ConflictError: another model answers by now; the transaction is to be given up.
        """
        # Two imports at once take the rows in one order, so that they wait for each other and never both.
        entries = sorted(entries, key=lambda entry: entry.article.id)
        articles = _article_columns(entries)
        passages = _passage_columns(entries)
        vectors = {
            "model": model,
            "passages": passages["ids"],
            "hashes": [piece.hash for entry in entries for piece in entry.pieces],
        }
        await connection.execute(_PATIENTLY)
        # Held to the end: a switch to another model waits for it, and then sees what still lacks its vectors.
        await connection.execute(self._queries["keep_model"])
        answering = await (await connection.execute(self._queries["answering"])).fetchone()
        if answering is not None and answering["model"] != model:
            raise ConflictError(
                f"{answering['model']} answers by now, not {model}", hint="run the command again; the rest goes in"
            )
        await connection.execute(self._queries["put_articles"], {**articles, "by": by, "restored": restored})
        await connection.execute(self._queries["clear_passages"], {"ids": articles["ids"]})
        await connection.execute(self._queries["put_passages"], passages)
        await connection.execute(self._queries["put_embeddings"], vectors)

    async def waiting(self, model: str, limit: int) -> list[Waiting]:
        """Passages without a vector of this model, shortest first."""
        rows = await self._fetch("waiting", {"model": model, "limit": limit})
        return [Waiting(PassageId(row["id"]), searchable(row["title"], row["heading"], row["body"])) for row in rows]

    async def embed_waiting(self, passages: Sequence[Waiting], model: str) -> None:
        """Give passages their vectors out of the cache."""
        ids, hashes = [passage.id for passage in passages], [passage.hash for passage in passages]
        async with self._transaction() as connection:
            await connection.execute(_PATIENTLY)
            await connection.execute(
                self._queries["put_embeddings"], {"model": model, "passages": ids, "hashes": hashes}
            )

    async def remove(self, source: str, slugs: Collection[str], by: str) -> int:
        """Delete these articles of a source; returns how many there were."""
        return await self._remove(by, source=source, slugs=list(slugs))

    async def seen(self, source: str, location: str, missing: Collection[str]) -> None:
        """Remember where a source was read, and which of its articles are there no more; the others are."""
        async with self._transaction() as connection:
            values = {"source": source, "missing": list(missing)}
            await connection.execute(self._queries["mark_missing"], values)
            await connection.execute(self._queries["unmark_missing"], values)
            if location:
                await connection.execute(self._queries["seen"], {"source": source, "location": location})

    async def finish(self) -> None:
        """Let the server count: its plans, and which words the search leaves out, come from these statistics."""
        async with self._transaction() as connection:
            await connection.execute("set local statement_timeout = 0")
            await connection.execute(self._queries["analyze"])
            await connection.execute(self._queries["share_words"])

    async def articles(
        self, *, source: str | None = None, text: str | None = None, limit: int = 100, offset: int = 0
    ) -> list[StoredArticle]:
        """What there is, by source and slug; ``text`` stands in the title or the slug."""
        values = {"source": source, "text": text, "limit": limit, "offset": offset}
        return [StoredArticle(**row) for row in await self._fetch("list_articles", values)]

    async def article(self, article: ArticleId) -> StoredArticle | None:
        """One article, if it is there."""
        return (await self.articles_of([article])).get(article)

    async def articles_of(self, ids: Collection[ArticleId]) -> dict[ArticleId, StoredArticle]:
        """These articles, by their ids; those that are not there are left out."""
        rows = await self._fetch("find_articles", {"ids": list(ids)})
        return {row["id"]: StoredArticle(**row) for row in rows}

    async def counts(self) -> list[ArticleCount]:
        """How much there is, by source, language and audience."""
        return [ArticleCount(**row) for row in await self._fetch("count_articles", {})]

    async def delete_article(self, article: ArticleId, by: str = "staff") -> bool:
        """Delete one article; false when there was none."""
        return await self._remove(by, article=article) > 0

    async def delete_source(self, source: str, by: str = "staff") -> int:
        """Delete every article of a source, and what is known of where it came from; returns how many there were."""
        removed = await self._remove(by, source=source)
        async with self._transaction() as connection:
            await connection.execute(self._queries["forget_source"], {"source": source})
            await connection.execute(self._queries["forget_pages"], {"source": source})
        return removed

    async def _remove(
        self, by: str, *, source: str | None = None, slugs: list[str] | None = None, article: ArticleId | None = None
    ) -> int:
        assert source is not None or article is not None  # never all there is
        (row,) = await self._fetch("remove", {"source": source, "slugs": slugs, "id": article, "by": by})
        return int(row["removed"])

    async def _fetch(self, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._transaction() as connection:
            return await (await connection.execute(self._queries[name], values)).fetchall()

    async def _execute(self, name: str, values: Mapping[str, Any]) -> int:
        async with self._transaction() as connection:
            return (await connection.execute(self._queries[name], values)).rowcount

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        try:
            async with self._database.transaction() as connection:
                yield connection
        except DatabaseUnavailableError as error:
            raise KnowledgeUnavailableError(f"the knowledge base did not answer: {error}") from error


def index_type(dimensions: int) -> tuple[sql.SQL, sql.SQL]:
    """The type with its length under which vectors of a model are indexed, and the operators of the index.

    Raises:
        ConfigurationError: no index of pgvector takes vectors of that length.
    """
    if 0 < dimensions <= _LONGEST_VECTOR:
        return _typed("vector", dimensions), sql.SQL("vector_cosine_ops")
    if _LONGEST_VECTOR < dimensions <= _LONGEST_HALF_VECTOR:
        return _typed("halfvec", dimensions), sql.SQL("halfvec_cosine_ops")
    raise ConfigurationError(
        f"vectors of {dimensions} dimensions can't be indexed",
        hint=f"choose an embedding model of at most {_LONGEST_HALF_VECTOR} dimensions, or ask it for fewer",
    )


def written_vector(vector: Sequence[float]) -> str:
    """A vector as pgvector reads it."""
    return f"[{','.join(map(str, vector))}]"


def _typed(name: str, dimensions: int) -> sql.SQL:
    return sql.SQL(f"{name}({int(dimensions)})")


def _article_columns(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    articles = [entry.article for entry in entries]
    return {
        "ids": [article.id for article in articles],
        "sources": [article.source for article in articles],
        "slugs": [article.slug for article in articles],
        "titles": [article.title for article in articles],
        "bodies": [article.text for article in articles],
        "urls": [article.url for article in articles],
        "languages": [article.language for article in articles],
        "audiences": [article.audience for article in articles],
        "effective": [article.effective for article in articles],
        "expires": [article.expires for article in articles],
        "hashes": [entry.content_hash for entry in entries],
    }


def _passage_columns(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    rows = [(entry.article, ordinal, piece) for entry in entries for ordinal, piece in enumerate(entry.pieces)]
    return {
        "ids": [piece.id for _, _, piece in rows],
        "articles": [article.id for article, _, _ in rows],
        "ordinals": [ordinal for _, ordinal, _ in rows],
        "headings": [piece.heading for _, _, piece in rows],
        "bodies": [piece.text for _, _, piece in rows],
        "languages": [article.language for article, _, _ in rows],
        "audiences": [article.audience for article, _, _ in rows],
        "effective": [article.effective for article, _, _ in rows],
        "expires": [article.expires for article, _, _ in rows],
        "configurations": [CONFIGURATIONS.get(article.language, "simple") for article, _, _ in rows],
        "searchables": [piece.searchable for _, _, piece in rows],
    }
