from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from infra.models.cache import CachedEmbedder, MemoryVectorCache
from skills.errors import DatabaseUnavailableError, ModelUnavailableError


class CountingEmbedder:
    """Remembers what it was asked."""

    def __init__(self, model: str = "counting") -> None:
        self.model = model
        self.dimensions = 2
        self.asked: list[list[str]] = []
        self.broken = False

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked.append(list(texts))
        if self.broken:
            raise ModelUnavailableError("timeout")
        return [[1.0, 0.0] if len(text) % 2 else [0.0, 1.0] for text in texts]


class BrokenCache(MemoryVectorCache):
    async def find(self, model: str, digests: Sequence[bytes]) -> Mapping[bytes, list[float]]:
        raise DatabaseUnavailableError(f"{model} {len(digests)}")

    async def keep(self, model: str, vectors: Mapping[bytes, Sequence[float]]) -> None:
        raise DatabaseUnavailableError(f"{model} {len(vectors)}")


async def test_only_unknown_texts_are_asked_for_and_each_once() -> None:
    inner = CountingEmbedder()
    cached = CachedEmbedder(inner, MemoryVectorCache())
    await cached.embed(["a", "bb"])
    vectors = await cached.embed(["ccc", "bb", "ccc", "a"])
    assert inner.asked == [["a", "bb"], ["ccc"]]
    assert vectors == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]


async def test_nothing_is_asked_when_everything_is_known() -> None:
    inner = CountingEmbedder()
    cached = CachedEmbedder(inner, MemoryVectorCache())
    await cached.embed(["a"])
    inner.broken = True
    assert await cached.embed(["a"]) == [[1.0, 0.0]]


async def test_two_models_never_share_a_vector() -> None:
    cache = MemoryVectorCache()
    first, second = CountingEmbedder("first"), CountingEmbedder("second")
    await CachedEmbedder(first, cache).embed(["a"])
    await CachedEmbedder(second, cache).embed(["a"])
    assert second.asked == [["a"]]


async def test_changing_an_answer_does_not_change_what_is_remembered() -> None:
    cached = CachedEmbedder(CountingEmbedder(), MemoryVectorCache())
    first, twin = await cached.embed(["a", "a"])
    first[0] = 7.0
    assert twin == [1.0, 0.0]
    assert await cached.embed(["a"]) == [[1.0, 0.0]]


async def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    inner = CountingEmbedder()
    cached = CachedEmbedder(inner, MemoryVectorCache(limit=2 * 330))
    await cached.embed(["a", "bb"])
    await cached.embed(["a"])
    await cached.embed(["ccc"])
    inner.asked.clear()
    await cached.embed(["a", "bb", "ccc"])
    assert inner.asked == [["bb"]]


async def test_keeping_a_vector_again_takes_no_more_room() -> None:
    cache = MemoryVectorCache(limit=2 * 330)
    for _ in range(10):
        await cache.keep("m", {b"a": [1.0, 0.0]})
    await cache.keep("m", {b"b": [0.0, 1.0]})
    assert await cache.find("m", [b"a", b"b"]) == {b"a": [1.0, 0.0], b"b": [0.0, 1.0]}


async def test_a_cache_without_room_keeps_nothing() -> None:
    cache = MemoryVectorCache(limit=0)
    await cache.keep("m", {b"a": [1.0, 0.0]})
    assert await cache.find("m", [b"a"]) == {}


async def test_a_cache_that_is_down_costs_no_answer() -> None:
    inner = CountingEmbedder()
    assert await CachedEmbedder(inner, BrokenCache()).embed(["a"]) == [[1.0, 0.0]]


async def test_a_failed_embedding_is_not_remembered() -> None:
    inner = CountingEmbedder()
    cached = CachedEmbedder(inner, MemoryVectorCache())
    inner.broken = True
    with pytest.raises(ModelUnavailableError):
        await cached.embed(["a"])
    inner.broken = False
    assert await cached.embed(["a"]) == [[1.0, 0.0]]
