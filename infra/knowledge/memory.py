"""The knowledge base of a machine without a server: `langgraph dev`, a notebook, a test.

Everything is in this process and gone with it. The ranking is the database's: cosine and words, each a list, fused by
reciprocal rank. Words are compared as they stand here, without the database's stemming.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from infra.knowledge.article import Article
from infra.knowledge.ingest import Entry, Waiting
from infra.knowledge.passages import Piece
from infra.knowledge.question import searchable
from infra.knowledge.ranking import FUSION, READABLE, candidates
from skills.errors import ConfigurationError
from skills.ports import Embedder, KnowledgeQuery
from skills.turn import Passage

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
        self._frequency: Counter[str] = Counter()
        self._indexed = True

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        """The best passages, best first; see `skills.ports.Knowledge`."""
        text = searchable(query.text)
        if not text or query.limit < 1:
            return []
        vector = np.zeros(self._embedder.dimensions, dtype=np.float32)
        if not query.by_words:
            vector[:] = (await self._embedder.embed([text]))[0]
        self._index()
        readable, now = READABLE[query.audience], datetime.now(UTC)
        rows = [
            row
            for row, stored in enumerate(self._passages)
            if stored.article.audience in readable
            and query.language in {None, stored.article.language}
            and stored.article.holds(now)
        ]
        cosines = self._matrix[rows] @ vector
        similarity = dict(zip(rows, (float(cosine) for cosine in cosines), strict=True))
        words = self._word_scores(text, rows)
        depth = candidates(query.limit)
        near = [] if query.by_words else sorted(rows, key=lambda row: (-similarity[row], row))[:depth]
        worded = sorted(words, key=lambda row: (-words[row], row))[:depth]
        scores: defaultdict[int, float] = defaultdict(float)
        for ranked in (near, worded):
            for rank, row in enumerate(ranked, start=1):
                scores[row] += 1 / (FUSION + rank)
        best = sorted(scores, key=lambda row: (-scores[row], -similarity[row], row))[: query.limit]
        return [_passage(self._passages[row], similarity[row], scores[row]) for row in best]

    def _word_scores(self, text: str, rows: Sequence[int]) -> dict[int, float]:
        """Rare words that both have weigh most; a passage of many words needs more of them."""
        asked = set(_words(text)) & self._frequency.keys()
        weights = {word: math.log(1 + len(self._passages) / self._frequency[word]) for word in asked}
        scores = {}
        for row in rows:
            own = self._passages[row].words
            if shared := asked & own:
                scores[row] = sum(weights[word] for word in shared) / (1 + math.log(1 + len(own)))
        return scores

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
        self._frequency = Counter(word for stored in self._passages for word in stored.words)
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
