"""Figures of a classification, all of its confusion matrix: rows are what is right, columns what was said.

Drawing outcomes with replacement draws the cells of that matrix from a multinomial distribution; so the bootstrap of
twelve thousand outcomes costs as much as that of twelve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from evals.measure.statistics import RESAMPLES

Array = NDArray[np.float64]
Measure = Callable[[Array], Array]
"""Of matrices (…, k, k) to figures (…)."""


def confusion(said: Sequence[str], right: Sequence[str], classes: Sequence[str]) -> Array:
    """(k, k): how often each class of ``right`` (rows) was called each class of ``said`` (columns)."""
    places = {name: place for place, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=np.float64)
    for one, other in zip(right, said, strict=True):
        counts[places[one], places[other]] += 1
    return counts


def recalls(counts: Array) -> Array:
    """The share that was found of each class, NaN for one that does not occur: (…, k)."""
    return _share(_diagonal(counts), counts.sum(axis=-1))


def precisions(counts: Array) -> Array:
    """The share that is right of what was called each class, NaN where nothing was: (…, k)."""
    return _share(_diagonal(counts), counts.sum(axis=-2))


def f1_scores(counts: Array) -> Array:
    """The harmonic mean of both: (…, k)."""
    return _share(2 * _diagonal(counts), counts.sum(axis=-1) + counts.sum(axis=-2))


def macro_recall(counts: Array) -> Array:
    """The mean of the recalls over the classes that occur."""
    return np.asarray(np.nanmean(recalls(counts), axis=-1))


def macro_f1(counts: Array) -> Array:
    """The mean of the F1 scores over the classes that occur or were said."""
    return np.asarray(np.nanmean(f1_scores(counts), axis=-1))


def accuracy(counts: Array) -> Array:
    """The share that is right."""
    return np.asarray(_diagonal(counts).sum(axis=-1) / counts.sum(axis=(-2, -1)))


def interval(counts: Array, measure: Measure) -> tuple[float, float]:
    """The 95 % percentile interval of a measure, seeded."""
    total = int(counts.sum())
    shares = counts.ravel() / total
    drawn = np.random.default_rng(0).multinomial(total, shares, size=RESAMPLES).reshape(-1, *counts.shape)
    low, high = np.nanpercentile(measure(drawn.astype(np.float64)), [2.5, 97.5])
    return float(low), float(high)


def _diagonal(counts: Array) -> Array:
    return np.asarray(np.diagonal(counts, axis1=-2, axis2=-1), dtype=np.float64)


def _share(part: Array, whole: Array) -> Array:
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0))
