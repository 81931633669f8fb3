"""Brings a source's articles into a store, embedding only what is new.

Interrupted half-way: articles go in by batches, each in one transaction, so every article that is in is whole, and the
vectors of the batch that was under way are in the cache. The next run finds the first ones unchanged and goes on.
Nothing is removed before everything else is in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.knowledge.article import Article
from infra.knowledge.passages import SPLITTING, Piece, split, text_hash
from infra.knowledge.reading import Reading
from skills.ports import Embedder
from skills.turn import PassageId

Progress = Callable[[int, int], None]
"""Called with the articles done and all that there are to do."""

BATCH = 256
"""Articles in one transaction, and texts in one call of the embedder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An article with its passages, ready to be stored."""

    article: Article
    content_hash: bytes
    pieces: tuple[Piece, ...]

    @property
    def characters(self) -> int:
        """How long it is: texts of one length embed quickest together."""
        return sum(len(piece.searchable) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored passage that the current model has no vector for."""

    id: PassageId
    searchable: str

    @property
    def hash(self) -> bytes:
        """The key of its vector in the embedding cache."""
        return text_hash(self.searchable)


class ArticleStore(Protocol):
    """Where articles live. Every call is one transaction."""

    async def ensure_model_index(self, model: str, dimensions: int) -> None:
        """Make what a search by this model's vectors needs."""
        ...

    async def content_hashes(self, source: str) -> Mapping[str, bytes]:
        """The content hash of each article of a source, by slug."""
        ...

    async def cached(self, model: str, hashes: Collection[bytes]) -> set[bytes]:
        """Which of these texts have a vector in the cache."""
        ...

    async def cache(self, model: str, vectors: Mapping[bytes, Sequence[float]]) -> None:
        """Keep vectors by the hash of their text."""
        ...

    async def put(self, entries: Sequence[Entry], model: str, by: str, *, restored: bool = False) -> None:
        """Insert the articles, or replace them whole; each passage gets its vector from the cache.

        Args:
            entries: the articles with their passages.
            model: whose vectors they get.
            by: who brings them, for the record of versions.
            restored: an earlier version is brought back.

        Raises:
            ConflictError: another model answers by now.
        """
        ...

    async def waiting(self, model: str, limit: int) -> list[Waiting]:
        """Passages without a vector of this model: they were stored under another one."""
        ...

    async def embed_waiting(self, passages: Sequence[Waiting], model: str) -> None:
        """Give passages their vectors out of the cache."""
        ...

    async def remove(self, source: str, slugs: Collection[str], by: str) -> int:
        """Delete these articles of a source; returns how many there were."""
        ...

    async def seen(self, source: str, location: str, missing: Collection[str]) -> None:
        """Remember where a source was read, and which of its articles are there no more; the others are."""
        ...

    async def finish(self) -> None:
        """Told once after something was added: the time to count and to tidy."""
        ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What an ingestion did, in articles; ``failed`` counts problems of the reading."""

    added: int
    changed: int
    unchanged: int
    removed: int
    failed: int
    embedded: int
    """Passages that the model was asked about; the others had vectors in the cache."""


class Ingest:
    """Adds articles to a store with the vectors of one model."""

    def __init__(self, store: ArticleStore, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder

    async def add(
        self, reading: Reading, *, prune: bool = False, progress: Progress | None = None, by: str = "import"
    ) -> Summary:
        """Bring a source up to date.

        Args:
            reading: what was read, see `infra.knowledge.reading.read_articles`.
            prune: remove the source's articles that are no longer there. Articles of a file that could not be read
                stay: a broken file is not an empty one.
            progress: called now and then with (articles done, articles to do); not at all when nothing changed.
            by: who brings them, for the record of versions.

        Raises:
            ConflictError: the embedding model was switched meanwhile; what is in is whole.
            ModelUnavailableError: the embedder gave up; what is in is whole.
            KnowledgeUnavailableError: the store gave up; what is in is whole.
        """
        model = self._embedder.model
        await self._store.ensure_model_index(model, self._embedder.dimensions)
        stored = await self._store.content_hashes(reading.source)
        todo = await asyncio.to_thread(_entries_to_do, reading.articles, stored)
        done = embedded = 0
        for start in range(0, len(todo), BATCH):
            batch = todo[start : start + BATCH]
            embedded += await self._embed({piece.hash: piece.searchable for entry in batch for piece in entry.pieces})
            await self._store.put(batch, model, by)
            done += len(batch)
            if progress is not None:
                progress(done, len(todo))
        embedded += await self._embed_waiting()
        kept, gone = _kept(reading, stored), _gone(reading, stored)
        removed = await self._store.remove(reading.source, gone, by) if prune and gone else 0
        await self._store.seen(reading.source, reading.location, [] if prune else gone)
        if todo or embedded:
            await self._store.finish()
        added = sum(entry.article.slug not in stored for entry in todo)
        return Summary(
            added=added,
            changed=len(todo) - added,
            unchanged=len(reading.articles) - len(todo) + len(kept),
            removed=removed,
            failed=len(reading.problems),
            embedded=embedded,
        )

    async def restore(self, article: Article, *, by: str) -> None:
        """Bring an earlier version back, as a new one.

        It keeps the content hash of what the source last had, so that the next import undoes it only when the source
        says something new.

        Raises:
            ConflictError: the embedding model was switched meanwhile; nothing was changed.
        """
        entry = await self.prepared(article)
        await self._store.put([entry], self._embedder.model, by, restored=True)

    async def prepared(self, article: Article) -> Entry:
        """An article that is written here, ready to be put; its vectors are in the cache."""
        await self._store.ensure_model_index(self._embedder.model, self._embedder.dimensions)
        stored = await self._store.content_hashes(article.source)
        pieces = tuple(split(article))
        await self._embed({piece.hash: piece.searchable for piece in pieces})
        return Entry(article, stored.get(article.slug) or article.content_hash(SPLITTING), pieces)

    async def _embed(self, texts: Mapping[bytes, str]) -> int:
        """See that the cache has a vector for every text; returns how many the model was asked for."""
        known = await self._store.cached(self._embedder.model, texts.keys())
        missing = sorted((key for key in texts if key not in known), key=lambda key: len(texts[key]))
        for start in range(0, len(missing), BATCH):
            keys = missing[start : start + BATCH]
            vectors = await self._embedder.embed([texts[key] for key in keys])
            await self._store.cache(self._embedder.model, dict(zip(keys, vectors, strict=True)))
        return len(missing)

    async def fill(self, todo: int, progress: Progress | None = None) -> None:
        """Give every stored passage a vector of this model.

        Args:
            todo: about how many lack one.
            progress: called after each batch with (passages done, passages to do).

        Raises:
            ModelUnavailableError: the embedder gave up; the vectors that are in stay.
        """
        await self._store.ensure_model_index(self._embedder.model, self._embedder.dimensions)

        def told(done: int) -> None:
            if progress is not None:
                progress(done, max(done, todo))

        await self._embed_waiting(told)
        await self._store.finish()

    async def _embed_waiting(self, told: Callable[[int], None] | None = None) -> int:
        """Passages that were stored under another model get vectors of this one."""
        embedded = done = 0
        while passages := await self._store.waiting(self._embedder.model, BATCH):
            embedded += await self._embed({passage.hash: passage.searchable for passage in passages})
            await self._store.embed_waiting(passages, self._embedder.model)
            done += len(passages)
            if told is not None:
                told(done)
        return embedded


def _kept(reading: Reading, stored: Mapping[str, bytes]) -> list[str]:
    """The stored articles of files that were not read again, because they have not changed."""
    within = tuple(f"{file}#" for file in reading.unchanged)
    return [slug for slug in stored if slug in reading.unchanged or slug.startswith(within)]


def _gone(reading: Reading, stored: Mapping[str, bytes]) -> list[str]:
    """The stored articles that the source has no more. A file that could not be read is not taken for empty."""
    present = {article.slug for article in reading.articles}
    present.update((problem.file for problem in reading.problems), _kept(reading, stored))
    within = tuple(f"{problem.file}#" for problem in reading.problems)
    return [slug for slug in stored if slug not in present and not slug.startswith(within)]


def _entries_to_do(articles: Sequence[Article], stored: Mapping[str, bytes]) -> list[Entry]:
    """The new and the changed articles, split, shortest first."""
    hashes = {article.slug: article.content_hash(SPLITTING) for article in articles}
    entries = [
        Entry(article, hashes[article.slug], tuple(split(article)))
        for article in articles
        if stored.get(article.slug) != hashes[article.slug]
    ]
    return sorted(entries, key=lambda entry: entry.characters)
