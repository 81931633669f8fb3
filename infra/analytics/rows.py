"""Rows as columns of numbers, in the order of time, cut by time and by what they are labelled with.

Times are whole microseconds since the year 2000 (UTC), as PostgreSQL sends them, and ``NEVER`` for none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from infra.analytics.definitions import Dimension

NEVER = np.iinfo(np.int64).min
DAY = 86_400_000_000
"""Microseconds."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def stamp(moment: datetime) -> int:
    """A moment as such a number."""
    return (moment - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Labelled:
    """Which label each row has: its number in ``names``."""

    codes: np.ndarray
    names: tuple[str, ...]


Span = tuple[int, int]
"""From one time to before another."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of the same length, with the label of each row in every dimension; ``who`` is what it is about."""

    columns: Mapping[str, np.ndarray]
    labels: Mapping[Dimension, Labelled]
    who: Labelled | None = None

    def by_time(self, at: np.ndarray, where: np.ndarray | None = None) -> Rows:
        """The rows with a time, ordered by it: as column ``at`` beside the others."""
        kept = at != NEVER if where is None else where & (at != NEVER)
        chosen = np.flatnonzero(kept)
        order = chosen[np.argsort(at[chosen], kind="stable")]  # quick, for they come nearly in order
        return Rows(
            {**{name: column[order] for name, column in self.columns.items()}, "at": at[order]},
            {dimension: Labelled(label.codes[order], label.names) for dimension, label in self.labels.items()},
            None if self.who is None else Labelled(self.who.codes[order], self.who.names),
        )

    def spans(self, spans: Sequence[Span]) -> list[slice]:
        """Where the rows of each span stand, once they are ordered by time."""
        edges = np.searchsorted(self.columns["at"], np.array(spans, dtype=np.int64).reshape(-1, 2)).tolist()
        return [slice(start, end) for start, end in edges]


def apart(codes: np.ndarray, count: int) -> list[np.ndarray]:
    """The places of each of so many codes, in their order."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.searchsorted(codes[order], np.arange(1, count)))
