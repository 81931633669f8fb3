"""The vectors of many texts as one array."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from skills.intent.classifier import Floats
from skills.ports import Embedder

_AT_ONCE = 250
"""As plain numbers of Python, 10,000 vectors would take half a gigabyte."""


async def vectors_of(
    embedder: Embedder, texts: Sequence[str], *, told: Callable[[int], None] = lambda _done: None
) -> Floats:
    """One row a text, ``[texts, dimensions]``; ``told`` hears how many are done.

    Raises:
        ModelUnavailableError: the embedder did not answer.
    """
    out = np.empty((len(texts), embedder.dimensions), dtype=np.float32)
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        out[start : start + len(some)] = await embedder.embed(some)
        told(start + len(some))
    return out
