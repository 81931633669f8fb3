"""Remembers vectors by content hash, around any embedder.

Where they are kept is a ``VectorCache``: here the process's memory; a table that all workers share can follow behind
the same protocol.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Protocol

from infra.models.wellformed import wellformed
from skills.errors import UnavailableError
from skills.ports import Embedder


class VectorCache(Protocol):
    """Keeps vectors in single precision under a model's name and the SHA-256 of a text (its 32 bytes)."""

    async def find(self, model: str, digests: Sequence[bytes]) -> Mapping[bytes, list[float]]:
        """Those that are known.

        Raises:
            UnavailableError: the cache did not answer; the embedder is asked for all of them.
        """
        ...

    async def keep(self, model: str, vectors: Mapping[bytes, Sequence[float]]) -> None:
        """Remember these; forgetting them at any time is fine.

        Raises:
            UnavailableError: the cache did not answer; the vectors are used all the same.
        """
        ...


class MemoryVectorCache:
    """The vectors used last, up to ``limit`` bytes: 16 MiB hold about 10,000 of 384 dimensions."""

    def __init__(self, limit: int = 16 * 2**20) -> None:
        self._limit = limit
        self._size = 0
        self._vectors: OrderedDict[tuple[str, bytes], array[float]] = OrderedDict()

    async def find(self, model: str, digests: Sequence[bytes]) -> Mapping[bytes, list[float]]:
        """Those that are known, which count as used now."""
        found = {}
        for digest in digests:
            vector = self._vectors.get((model, digest))
            if vector is not None:
                self._vectors.move_to_end((model, digest))
                found[digest] = vector.tolist()
        return found

    async def keep(self, model: str, vectors: Mapping[bytes, Sequence[float]]) -> None:
        """Remember these, and forget as many of those used longest ago as it takes."""
        for digest, vector in vectors.items():
            self._forget((model, digest))
            packed = array("f", vector)
            self._vectors[model, digest] = packed
            self._size += _bytes(packed)
        while self._size > self._limit:
            self._forget(next(iter(self._vectors)))

    def _forget(self, key: tuple[str, bytes]) -> None:
        vector = self._vectors.pop(key, None)
        if vector is not None:
            self._size -= _bytes(vector)


class CachedEmbedder:
    """An ``Embedder`` that asks another one only for texts it does not remember, and for each of them once.

    A cache that is down costs time, never an answer.
    """

    def __init__(self, embedder: Embedder, cache: VectorCache) -> None:
        self._embedder = embedder
        self._cache = cache

    @property
    def model(self) -> str:
        """The inner embedder's model."""
        return self._embedder.model

    @property
    def dimensions(self) -> int:
        """The inner embedder's dimensions."""
        return self._embedder.dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order, as the inner embedder gives it.

        Raises:
            ModelUnavailableError: something was not remembered, and the inner embedder did not answer.
        """
        digests = [sha256(wellformed(text).encode()).digest() for text in texts]
        wanted = dict(zip(digests, texts, strict=True))
        vectors = dict(await self._find(list(wanted)))
        missing = [digest for digest in wanted if digest not in vectors]
        if missing:
            answered = await self._embedder.embed([wanted[digest] for digest in missing])
            fresh = dict(zip(missing, answered, strict=True))
            vectors.update(fresh)
            await self._keep(fresh)
        return [list(vectors[digest]) for digest in digests]

    async def _find(self, digests: Sequence[bytes]) -> Mapping[bytes, list[float]]:
        try:
            return await self._cache.find(self.model, digests)
        except UnavailableError:
            return {}

    async def _keep(self, vectors: Mapping[bytes, Sequence[float]]) -> None:
        try:
            await self._cache.keep(self.model, vectors)
        except UnavailableError:
            return


def _bytes(vector: array[float]) -> int:
    """About what an entry takes: the numbers, and the objects around them (measured)."""
    return len(vector) * vector.itemsize + 320
