"""A histogram of durations whose percentiles are right to within a hundredth, in a few kilobytes at any count.

Buckets are exact up to 255 µs and then log-linear, 128 to every doubling, as HdrHistogram's are; the library of that
name is a C extension with fixed bounds and a build-time package as its run-time dependency, for what is 60 lines here.
Percentiles are of the rank that was asked for, never interpolated and never averaged over several histograms.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

_BITS = 7
_EXACT = 1 << (_BITS + 1)

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0)
"""Those that every report has; 100 is the longest."""


class Histogram:
    """Durations in seconds, from a microsecond on."""

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._counts: Counter[int] = Counter()
        self._longest = 0.0
        self._sum = 0.0
        for value in values:
            self.add(value)

    def __len__(self) -> int:
        return self._counts.total()

    def add(self, seconds: float) -> None:
        """Count one duration; a negative one, which clocks can bring about, counts as none at all."""
        seconds = max(0.0, seconds)
        self._counts[_bucket(round(seconds * 1e6))] += 1
        self._longest = max(self._longest, seconds)
        self._sum += seconds

    def merge(self, other: Histogram) -> None:
        """Count everything that the other one counted."""
        self._counts.update(other._counts)
        self._longest = max(self._longest, other._longest)
        self._sum += other._sum

    @property
    def longest(self) -> float:
        """The longest duration in seconds, exactly; 0 when there is none."""
        return self._longest

    @property
    def mean(self) -> float:
        """The mean in seconds; 0 when there is none."""
        return self._sum / len(self) if self._counts else 0.0

    def percentile(self, percent: float) -> float:
        """The shortest duration, in seconds, that at least so many percent do not exceed; 0 when there is none."""
        return self.percentiles([percent])[0]

    def percentiles(self, wanted: Iterable[float] = PERCENTILES) -> list[float]:
        """Several percentiles; they have to be ascending, which saves walking the buckets for each."""
        found: list[float] = []
        total, seen = len(self), 0
        buckets = iter(sorted(self._counts.items()))
        bucket = 0
        for percent in wanted:
            rank = max(1, math.ceil(total * percent / 100))
            while seen < min(rank, total):
                bucket, count = next(buckets)
                seen += count
            found.append(min(_upper(bucket) / 1e6, self._longest) if total else 0.0)
        return found


def _bucket(microseconds: int) -> int:
    shift = max(0, microseconds.bit_length() - _BITS - 1)
    return (shift << _BITS) + (microseconds >> shift)


def _upper(bucket: int) -> int:
    """The longest duration that falls into the bucket, in microseconds."""
    if bucket < _EXACT:
        return bucket
    shift = (bucket >> _BITS) - 1
    return ((bucket - (shift << _BITS) + 1) << shift) - 1
