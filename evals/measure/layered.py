"""MiniLM's layered vectors, kept between runs, for what classifies texts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evals.measure.vectors import FileVectorCache, vectors_file
from infra.models.cache import CachedEmbedder
from infra.models.minilm import MiniLmEmbedder
from skills.ports import Embedder


@asynccontextmanager
async def layered_embedder(*, kept: bool = True) -> AsyncIterator[Embedder]:
    """The embedder that the product's intents use; ``kept``: with this machine's cache of vectors."""
    minilm = MiniLmEmbedder()
    await minilm.load()
    cache = FileVectorCache(vectors_file()) if kept else None
    try:
        yield minilm.layered() if cache is None else CachedEmbedder(minilm.layered(), cache)
    finally:
        if cache is not None:
            cache.close()
        await asyncio.to_thread(minilm.close)
