"""A handful of labelled questions, and vectors made of hashed words in place of a model's."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from infra.intents.training import Examples
from skills.intent import Floats

DIMENSIONS = 64
LABELLED = {
    "track": [
        "where is my parcel", "where is my order now", "track my parcel please", "has my parcel been sent yet",
        "my order has not arrived", "when will my parcel arrive", "my parcel is late", "is my order on its way",
    ],
    "refund": [
        "i want my money back", "how do refunds work", "when do i get my refund", "refund my last payment please",
        "is my money back on my card", "how long does a refund take", "i need a refund", "money back for my order",
    ],
    "password": [
        "i forgot my password", "reset my password", "the password link does not work", "cannot sign in any more",
        "my sign in code is wrong", "change the password of my account", "sign in fails", "new password please",
    ],
}  # fmt: skip


def a_vector(text: str) -> Floats:
    """The sum of a random direction a word, of unit length."""
    total = np.zeros(DIMENSIONS, dtype=np.float32)
    for word in text.lower().split():
        seed = int.from_bytes(sha256(word.encode()).digest()[:4], "big")
        total += np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)
    length = float(np.linalg.norm(total))
    return total / np.float32(length or 1)


def vectors(texts: Sequence[str]) -> Floats:
    return np.stack([a_vector(text) for text in texts])


def some_examples(*labels: str) -> Examples:
    pairs = [(text, label) for label in labels or tuple(LABELLED) for text in LABELLED[label]]
    texts = [text for text, _ in pairs]
    return Examples(texts, [label for _, label in pairs], vectors(texts))


class HashedWords:
    """An embedder without a model."""

    model = "hashed-words"
    dimensions = DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [a_vector(text).tolist() for text in texts]
