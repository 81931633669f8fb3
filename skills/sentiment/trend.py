"""Where a case's mood is going."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from skills.turn import Trend

_TURNS_COMPARED = 3
_SMALLEST_CHANGE = 0.3
"""Smaller differences are how people write, not how they feel."""


def trend_of(polarity: float, earlier: Sequence[float]) -> Trend:
    """This turn's polarity against the mean of the last three before it; ``STEADY`` in a first turn."""
    if not earlier:
        return Trend.STEADY
    change = polarity - fmean(earlier[-_TURNS_COMPARED:])
    if abs(change) < _SMALLEST_CHANGE:
        return Trend.STEADY
    return Trend.IMPROVING if change > 0 else Trend.WORSENING
