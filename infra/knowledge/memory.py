"""The knowledge base of a machine without a server: `langgraph dev`, a notebook, a test.

Everything is in this process and gone with it. The ranking is the database's: cosine and words, each a list, fused by
reciprocal rank. Words are compared as they stand here, without the database's stemming.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from infra.knowledge.article import Article
from infra.knowledge.ingest import Entry, Waiting
from infra.knowledge.passages import Piece
from infra.knowledge.question import searchable
from infra.knowledge.ranking import FUSION, READABLE, candidates
from infra.knowledge.subjects import ArticleSubjects, Named
from skills.errors import ConfigurationError
from skills.ports import Embedder, KnowledgeQuery
from skills.turn import ArticleId, Passage

Vector = NDArray[np.float32]

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Stored:
    article: Article
    piece: Piece
    words: frozenset[str]


class InMemoryKnowledge:
    """Search and store in one (`infra.knowledge.ingest.ArticleStore`), for one embedding model at a time."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._entries: dict[tuple[str, str], Entry] = {}
        self._vectors: dict[bytes, Vector] = {}
        self._passages: list[_Stored] = []
        self._matrix: Vector = np.zeros((0, embedder.dimensions), dtype=np.float32)
        self._places: Mapping[ArticleId, list[int]] = {}
        self._postings: Mapping[str, NDArray[np.intp]] = {}
        self._lengths = np.zeros(0)
        self._indexed = True
        self._version = 0

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        """The best passages, best first; see `skills.ports.Knowledge`."""
        text = searchable(query.text)
        if not text or query.limit < 1:
            return []
        vector = np.zeros(self._embedder.dimensions, dtype=np.float32)
        if not query.by_words:
            vector[:] = (await self._embedder.embed([text]))[0]
        self._index()
        rows = self._readable(query)
        similarity = self._matrix[rows] @ vector
        depth = candidates(query.limit)
        near = [] if query.by_words else rows[np.argsort(-similarity, kind="stable")[:depth]].tolist()
        scores: defaultdict[int, float] = defaultdict(float)
        for ranked in (near, self._worded(text, rows)[:depth]):
            for rank, row in enumerate(ranked, start=1):
                scores[row] += 1 / (FUSION + rank)
        cosines = dict(zip(rows.tolist(), similarity.tolist(), strict=True))
        best = sorted(scores, key=lambda row: (-scores[row], -cosines[row], row))[: query.limit]
        return [_passage(self._passages[row], cosines[row], scores[row]) for row in best]

    def _readable(self, query: KnowledgeQuery) -> NDArray[np.intp]:
        """The places of the passages that the query's filters leave, in order."""
        readable, now = READABLE[query.audience], datetime.now(UTC)
        places: Iterable[int] = range(len(self._passages))
        if query.articles is not None:
            places = sorted(place for article in query.articles for place in self._places.get(article, ()))
        articles = ((place, self._passages[place].article) for place in places)
        kept = [
            place
            for place, article in articles
            if article.audience in readable and query.language in {None, article.language} and article.holds(now)
        ]
        return np.asarray(kept, dtype=np.intp)

    def _worded(self, text: str, rows: NDArray[np.intp]) -> list[int]:
        """The passages that share words, best first: rare ones weigh most, a passage of many words needs more."""
        shared = np.zeros(len(self._passages))
        for word in set(_words(text)) & self._postings.keys():
            having = self._postings[word]
            shared[having] += math.log(1 + len(self._passages) / len(having))
        found = rows[shared[rows] > 0]
        ranks = shared[found] / self._lengths[found]
        return [int(row) for row in found[np.argsort(-ranks, kind="stable")]]

    async def named(self) -> list[Named]:
        """Every article that holds now, with its title and the first headings of its passages."""
        now = datetime.now(UTC)
        return [
            Named(
                entry.article.id,
                entry.article.audience,
                tuple(dict.fromkeys([entry.article.title, *(piece.heading.split(" > ")[0] for piece in entry.pieces)])),
            )
            for entry in self._entries.values()
            if entry.article.holds(now)
        ]

    def subjects(self) -> ArticleSubjects:
        """What its articles are about, by name, as they are when it is asked first."""
        return ArticleSubjects(self.named, self.version, check=math.inf)

    async def version(self) -> str:
        """Differs as soon as an article was put in or removed, took effect or expired."""
        now = datetime.now(UTC)
        articles = [entry.article for entry in self._entries.values()]
        begun = sum(article.effective is None or article.effective <= now for article in articles)
        ended = sum(article.expires is not None and article.expires <= now for article in articles)
        return f"{self._version}.{begun}.{ended}"

    async def ensure_model_index(self, model: str, dimensions: int) -> None:
        """See that the ingestion uses the model that the search uses.

        Raises:
            ConfigurationError: it uses another one; vectors of two models can't be compared.
        """
        if (model, dimensions) != (self._embedder.model, self._embedder.dimensions):
            raise ConfigurationError(
                f"this knowledge base has vectors of {self._embedder.model}, not of {model}",
                hint="give both the same embedder",
            )

    async def content_hashes(self, source: str) -> Mapping[str, bytes]:
        """The content hash of each article of a source, by slug."""
        return {slug: entry.content_hash for (name, slug), entry in self._entries.items() if name == source}

    async def cached(self, model: str, hashes: Collection[bytes]) -> set[bytes]:  # noqa: ARG002 - there is but one
        """Which of these texts have a vector."""
        return self._vectors.keys() & set(hashes)

    async def cache(self, model: str, vectors: Mapping[bytes, Sequence[float]]) -> None:  # noqa: ARG002 - but one
        """Keep vectors by the hash of their text."""
        self._vectors.update({key: np.asarray(vector, dtype=np.float32) for key, vector in vectors.items()})

    async def put(self, entries: Sequence[Entry], model: str, by: str, *, restored: bool = False) -> None:  # noqa: ARG002 - one model, and no versions
        """Insert the articles, or replace them whole."""
        self._entries.update({(entry.article.source, entry.article.slug): entry for entry in entries})
        self._indexed = False
        self._version += 1

    async def waiting(self, model: str, limit: int) -> list[Waiting]:  # noqa: ARG002 - no second model to wait for
        """No passage ever: each gets its vector when it is put in."""
        return []

    async def embed_waiting(self, passages: Sequence[Waiting], model: str) -> None:
        """No passage waits in this store."""

    async def seen(self, source: str, location: str, missing: Collection[str]) -> None:
        """Nothing is reported of this store."""

    async def remove(self, source: str, slugs: Collection[str], by: str) -> int:  # noqa: ARG002 - no versions here
        """Delete these articles of a source; returns how many there were."""
        removed = [self._entries.pop((source, slug), None) for slug in slugs]
        self._indexed = False
        self._version += 1
        return sum(entry is not None for entry in removed)

    async def finish(self) -> None:
        """Nothing to do: the next search makes the matrix."""

    def _index(self) -> None:
        if self._indexed:
            return
        self._passages = [
            _Stored(entry.article, piece, frozenset(_words(piece.searchable)))
            for _, entry in sorted(self._entries.items())
            for piece in entry.pieces
        ]
        vectors = [self._vectors[stored.piece.hash] for stored in self._passages]
        self._matrix = np.stack(vectors) if vectors else np.zeros((0, self._embedder.dimensions), dtype=np.float32)
        places: defaultdict[ArticleId, list[int]] = defaultdict(list)
        postings: defaultdict[str, list[int]] = defaultdict(list)
        for place, stored in enumerate(self._passages):
            places[stored.article.id].append(place)
            for word in stored.words:
                postings[word].append(place)
        self._places = places
        self._postings = {word: np.asarray(having, dtype=np.intp) for word, having in postings.items()}
        self._lengths = np.array([1 + math.log(1 + len(stored.words)) for stored in self._passages])
        self._indexed = True


def _passage(stored: _Stored, similarity: float, score: float) -> Passage:
    return Passage(
        id=stored.piece.id,
        article_id=stored.article.id,
        title=stored.article.title,
        heading=stored.piece.heading,
        text=stored.piece.text,
        url=stored.article.url,
        language=stored.article.language,
        similarity=similarity,
        score=score,
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
