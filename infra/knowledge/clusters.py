"""Puts questions together that ask the same, by their vectors.

Agglomerative clustering with average linkage over cosine distance (Sokal and Michener 1958): the two groups whose
questions are nearest on average become one, until no two are as near as ``TOGETHER``. It needs no number of groups
beforehand, leaves a question alone that nobody else asks, and gives the same groups for the same questions in the same
order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    groups = {place: [place] for place in range(len(vectors))}
    for one, other in _merges(vectors, together):
        groups[one] += groups.pop(other)
    return sorted(sorted(group) for group in groups.values())


def _merges(vectors: NDArray[np.float32], together: float) -> Iterator[tuple[int, int]]:
    """Which groups become one, by a place of each; the first one stands for both from then on.

    By chains of nearest neighbours (Benzecri 1982), which find the same groups as looking for the nearest pair each
    time: joining two groups never brings the new one nearer to a third than both were.
    """
    count = len(vectors)
    near = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(near, -np.inf)
    sizes = np.ones(count)
    left = dict.fromkeys(range(count))
    chain: list[int] = []
    while left:
        if not chain:
            chain = [next(iter(left))]
        tip = chain[-1]
        best = int(near[tip].argmax())
        if len(chain) > 1 and near[tip, chain[-2]] >= near[tip, best]:
            best = chain[-2]
        if near[tip, best] < together:
            # Nobody is near enough, and no later group will be: this one is done. The chain had nothing before it.
            near[:, tip] = near[tip] = -np.inf
            del left[chain.pop()]
        elif len(chain) > 1 and best == chain[-2]:
            one, other = sorted(chain[-2:])
            del chain[-2:]
            mean = (sizes[one] * near[one] + sizes[other] * near[other]) / (sizes[one] + sizes[other])
            near[one] = near[:, one] = mean
            near[other] = near[:, other] = near[one, one] = -np.inf
            sizes[one] += sizes[other]
            del left[other]
            yield one, other
        else:
            chain.append(best)


def most_central(vectors: NDArray[np.float32], places: Sequence[int]) -> int:
    """The one of these places whose vector is nearest to the others on average; the first of equal ones."""
    some = vectors[list(places)]
    return places[int(np.argmax(np.round(some @ some.sum(axis=0), 6)))]
