"""A collection that another LangChain application filled, as a knowledge base: `PGVectorStore` behind our port.

Dense search only: the hybrid search of `PGVectorStore` keeps the first question's words for every later one. The table
stays as it is; a `Collection` says which of its columns holds what.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import psycopg
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_postgres import PGEngine, PGVectorStore
from langchain_postgres.v2.indexes import QueryOptions
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from infra.knowledge.question import searchable
from infra.knowledge.ranking import FUSION, READABLE
from skills.errors import ConfigurationError, KnowledgeUnavailableError
from skills.ports import Embedder, KnowledgeQuery
from skills.turn import ArticleId, Language, Passage, PassageId

_NAMESPACE = UUID("c1a0a7a4-6d6b-5f0e-8a57-0f6a3b1c9e42")


@dataclass(frozen=True, slots=True)
class Collection:
    """A table of passages and the names of its columns; ``None`` where it has no such column."""

    table: str
    audience: str
    """Must be there, with our three names in it: without it nobody could say what a customer may read."""
    language: str | None = None
    title: str | None = None
    heading: str | None = None
    url: str | None = None
    article: str | None = None
    id: str = "langchain_id"
    content: str = "content"
    embedding: str = "embedding"
    schema: str = "public"

    @property
    def metadata(self) -> list[str]:
        """The columns that come with a document."""
        named = (self.audience, self.language, self.title, self.heading, self.url, self.article)
        return [column for column in named if column is not None]


class VectorStoreKnowledge:
    """Implements `skills.ports.Knowledge` over one collection. Make it with `connect`."""

    def __init__(self, engine: PGEngine, store: PGVectorStore, collection: Collection, default: Language) -> None:
        self._engine = engine
        self._store = store
        self._collection = collection
        self._default = default

    @classmethod
    async def connect(
        cls,
        url: str,
        collection: Collection,
        embedder: Embedder,
        *,
        default_language: Language,
        timeout: float = 5.0,  # noqa: ASYNC109 - the server's own deadline for a statement, not this call's
    ) -> VectorStoreKnowledge:
        """Open a pool of its own on the collection's server.

        Args:
            url: a libpq connection address; the password may be in it.
            collection: where the passages are. Their vectors must be of the embedder's model.
            embedder: for the questions.
            default_language: of passages whose collection has no language column.
            timeout: seconds that a statement, or the wait for a connection, may take.

        Raises:
            ConfigurationError: the address is none, or the table or one of its columns is not there.
            KnowledgeUnavailableError: the server does not answer.
        """
        try:
            address = make_url(url).set(drivername="postgresql+psycopg")
        except ArgumentError:
            raise ConfigurationError(
                "the collection's address can't be read", hint="write it as postgresql://user:password@host/database"
            ) from None
        engine = PGEngine.from_engine(
            create_async_engine(
                address,
                pool_size=5,
                pool_pre_ping=True,
                pool_timeout=timeout,
                connect_args={"connect_timeout": 5, "options": f"-c statement_timeout={int(timeout * 1000)}"},
            )
        )
        try:
            store = await PGVectorStore.create(
                engine,
                embedding_service=_LangChainEmbeddings(embedder),
                table_name=collection.table,
                schema_name=collection.schema,
                content_column=collection.content,
                embedding_column=collection.embedding,
                id_column=collection.id,
                metadata_columns=collection.metadata,
                index_query_options=_Scan(),
            )
        except ValueError as error:
            await engine.close()
            raise ConfigurationError(
                f"the collection {collection.table} is not as described: {error}", hint="check the names of its columns"
            ) from None
        except (SQLAlchemyError, psycopg.Error, OSError) as error:
            await engine.close()
            raise KnowledgeUnavailableError from error
        return cls(engine, store, collection, default_language)

    async def close(self) -> None:
        """Give every connection back to the server."""
        await self._engine.close()

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        """The nearest passages, nearest first; see `skills.ports.Knowledge`.

        A blank question finds nothing, words alone neither, and nor do articles: a collection has none of our ids.
        """
        text = searchable(query.text)
        if not text or query.limit < 1 or query.by_words or query.articles is not None:
            return []
        wanted: dict[str, Any] = {self._collection.audience: {"$in": list(READABLE[query.audience])}}
        if query.language is not None and self._collection.language is not None:
            wanted[self._collection.language] = query.language
        elif query.language is not None and query.language != self._default:
            return []
        try:
            found = await self._store.asimilarity_search_with_score(text, k=query.limit, filter=wanted)
        except (SQLAlchemyError, psycopg.Error, OSError) as error:
            raise KnowledgeUnavailableError from error
        return [self._passage(document, distance, rank) for rank, (document, distance) in enumerate(found, start=1)]

    def _passage(self, document: Document, distance: float, rank: int) -> Passage:
        fields = document.metadata
        names = self._collection
        title = str(fields.get(names.title) or "")
        article = fields.get(names.article)
        return Passage(
            id=PassageId(_uuid(document.id)),
            article_id=ArticleId(_uuid(document.id if article is None else article)),
            title=title,
            heading=str(fields.get(names.heading) or title),
            text=document.page_content,
            url=fields.get(names.url),
            language=Language(fields.get(names.language) or self._default),
            # A vector of zeros has no direction, and its distance is not a number.
            similarity=1.0 - distance if distance == distance else 0.0,  # noqa: PLR0124
            score=1.0 / (FUSION + rank),
        )


class _Scan(QueryOptions):
    """Lets the vectors' index be scanned on until enough passages pass the filters."""

    def to_parameter(self) -> list[str]:
        return ["hnsw.iterative_scan = strict_order", "hnsw.ef_search = 300"]

    def to_string(self) -> str:
        return ", ".join(self.to_parameter())


class _LangChainEmbeddings(Embeddings):
    """Our embedder as LangChain's. Those that do not await are for threads without a loop."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return await self._embedder.embed(texts)

    async def aembed_query(self, text: str) -> list[float]:
        (vector,) = await self._embedder.embed([text])
        return vector

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return asyncio.run(self.aembed_documents(texts))

    def embed_query(self, text: str) -> list[float]:
        return asyncio.run(self.aembed_query(text))


def _uuid(value: object) -> UUID:
    """The id itself, or one made of it where the collection numbers its passages otherwise."""
    try:
        return UUID(str(value))
    except ValueError:
        return uuid5(_NAMESPACE, str(value))
