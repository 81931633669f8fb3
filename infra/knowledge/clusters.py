"""Puts questions together that ask the same, by their vectors.

Agglomerative clustering with average linkage over cosine distance (Sokal and Michener 1958): the two groups whose
questions are nearest on average become one, until no two are as near as ``TOGETHER``. It needs no number of groups
beforehand, leaves a question alone that nobody else asks, and gives the same groups for the same questions in the same
order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TOGETHER = 0.54
"""The mean cosine of MiniLM's vectors from which on two groups are one: tuned on banking77, see docs/quality.md."""


def clusters(vectors: NDArray[np.float32], together: float = TOGETHER) -> list[list[int]]:
    """Groups of places in ``vectors``, each in order, by their first place.

    Args:
        vectors: one row of length 1 for each question. Time and memory grow with the square of their number: a
            thousand take a tenth of a second and 8 MB.
        together: the mean cosine from which on two groups are one, in (-1, 1).
    """
    if len(vectors) <= 1:
        return [[place] for place in range(len(vectors))]
    from sklearn.cluster import AgglomerativeClustering  # heavy, and only where questions are grouped

    model = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=1 - together)
    groups: dict[int, list[int]] = {}
    for place, label in enumerate(model.fit_predict(vectors)):
        groups.setdefault(int(label), []).append(place)
    return sorted(groups.values())


def most_central(vectors: NDArray[np.float32], places: Sequence[int]) -> int:
    """The one of these places whose vector is nearest to the others on average; the first of equal ones."""
    some = vectors[list(places)]
    return places[int(np.argmax(np.round(some @ some.sum(axis=0), 6)))]
