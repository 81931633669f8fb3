"""How sure a figure is: 95 % intervals for shares, medians and means.

Shares: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927). Medians:
order statistics of the binomial distribution, W. R. Thompson, Annals of Mathematical Statistics 7 (1936); they assume
nothing about how times are distributed, which have long tails. Means: Student's t.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
_ALL_BUT = 0.025
_EXACT = 200
"""Up to so many values ranks are computed exactly; above by the normal distribution, which is off by one at most."""

Interval = tuple[float, float] | None


def wilson(hits: int, count: int) -> Interval:
    """Of a share ``hits / count``; ``None`` without any."""
    if count == 0:
        return None
    share = hits / count
    scale = 1 + Z * Z / count
    middle = (share + Z * Z / (2 * count)) / scale
    half = Z / scale * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return (0.0 if hits == 0 else max(0.0, middle - half), 1.0 if hits == count else min(1.0, middle + half))


def of_median(ordered: np.ndarray) -> Interval:
    """Of the median of values in ascending order; ``None`` when there are too few for 95 %."""
    rank = lower_rank(len(ordered))
    if rank == 0:
        return None
    return float(ordered[rank - 1]), float(ordered[len(ordered) - rank])


@lru_cache(maxsize=4096)
def lower_rank(count: int) -> int:
    """The greatest rank, from 1, below which the median lies with a chance of 2.5 % at most; 0 if there is none."""
    if count > _EXACT:
        return math.floor((count - Z * math.sqrt(count)) / 2)
    below, rank = 0, 0
    while rank < count:
        below += math.comb(count, rank)
        if below / 2**count > _ALL_BUT:
            break
        rank += 1
    return rank


def of_mean(count: int, mean: float, deviation: float) -> Interval:
    """Of the mean of values that are never below zero; ``None`` for less than two.

    Args:
        count: how many values.
        mean: of them.
        deviation: their sample standard deviation.
    """
    if count < 2:  # noqa: PLR2004 - one value says nothing of how they spread
        return None
    half = t_quantile(count - 1) * deviation / math.sqrt(count)
    return max(0.0, mean - half), mean + half


_SMALL = (12.7062047, 4.3026527, 3.1824463, 2.7764451, 2.5705818, 2.4469119, 2.3646243, 2.3060041, 2.2621572)
"""The 97.5 % points of Student's distribution with 1 to 9 degrees of freedom."""
_TERMS = (
    (Z**3 + Z) / 4,
    (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
    (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
    (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
)
"""Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5: the same in powers of the degrees of freedom."""


def t_quantile(freedom: int) -> float:
    """The 97.5 % point of Student's distribution, to five digits. scipy has it too, and takes half a second to load."""
    if freedom <= len(_SMALL):
        return _SMALL[freedom - 1]
    return float(Z + sum(term / freedom**power for power, term in enumerate(_TERMS, start=1)))
