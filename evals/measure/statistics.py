"""Intervals and rates, seeded: the same outcomes give the same figures in every run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_Z = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""
RESAMPLES = 2000


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score; (0, 1) when nothing was tried."""
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    spread = _Z * ((share * (1 - share) + _Z**2 / (4 * trials)) / trials) ** 0.5
    middle = share + _Z**2 / (2 * trials)
    scale = 1 + _Z**2 / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def bootstrap(
    items: int,
    statistic: Callable[[NDArray[np.intp]], float],
    *,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """The 95 % percentile interval of a statistic of resampled indices.

    Args:
        items: how many outcomes there are.
        statistic: of an array of indices into them, in which some stand twice and some not at all.
        clusters: the task or dialogue of each outcome; whole clusters are drawn then: turns of one talk go together.
        resamples: how often.
    """
    generator = np.random.default_rng(0)
    if clusters is None:
        draws = (generator.integers(0, items, items) for _ in range(resamples))
    else:
        members = _members(clusters)
        draws = (
            np.concatenate([members[index] for index in generator.integers(0, len(members), len(members))])
            for _ in range(resamples)
        )
    values = np.array([statistic(draw) for draw in draws])
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def mean_interval(values: Sequence[float], *, clusters: Sequence[Hashable] | None = None) -> tuple[float, float]:
    """The 95 % interval of a mean."""
    array = np.asarray(values, dtype=np.float64)
    return bootstrap(len(array), lambda drawn: float(array[drawn].mean()), clusters=clusters)


def paired_difference(
    ours: Sequence[float], theirs: Sequence[float], *, clusters: Sequence[Hashable] | None = None
) -> tuple[float, tuple[float, float]]:
    """The mean of ours minus theirs, outcome by outcome, and its 95 % interval."""
    difference = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    return float(difference.mean()), mean_interval(difference.tolist(), clusters=clusters)


def auroc(scores: Sequence[float] | Array, positive: Sequence[bool] | NDArray[np.bool_]) -> float:
    """How often a positive one scores higher than a negative one; ties count half. NaN when a side is empty."""
    values, marks = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    many, few = int(marks.sum()), int((~marks).sum())
    if not many or not few:
        return float("nan")
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[places]
    return float((ranks[marks].sum() - many * (many + 1) / 2) / (many * few))


def auroc_interval(scores: Sequence[float], positive: Sequence[bool]) -> tuple[float, float]:
    """The 95 % interval of ``auroc``."""
    values, marks = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    return bootstrap(len(values), lambda drawn: auroc(values[drawn], marks[drawn]), resamples=500)


def macro_recall(predicted: Sequence[Hashable], gold: Sequence[Hashable]) -> float:
    """The mean over the classes of the share that was found of each."""
    classes = dict.fromkeys(gold)
    found = [np.mean([p == g for p, g in zip(predicted, gold, strict=True) if g == each]) for each in classes]
    return float(np.mean(found))


def _members(clusters: Sequence[Hashable]) -> list[NDArray[np.intp]]:
    by_cluster: dict[Hashable, list[int]] = {}
    for index, cluster in enumerate(clusters):
        by_cluster.setdefault(cluster, []).append(index)
    return [np.asarray(indices, dtype=np.intp) for indices in by_cluster.values()]
