"""Rows as columns of numbers, in the order of time, cut by time and by what they are labelled with.

Times are whole microseconds since the year 2000 (UTC), as PostgreSQL sends them, and ``NEVER`` for none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

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
    """Which name each of several things has: its number in ``names``."""

    codes: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """What rows are labelled with. A label has a name in every dimension: there are far fewer of them than rows."""

    count: int
    named: Mapping[Dimension, Labelled]

    def codes(self, dimension: Dimension, names: Sequence[str]) -> list[int]:
        """The numbers of these names."""
        known = self.named[dimension].names
        return [known.index(name) for name in names]

    def added(self, labels: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """The sum of the rows' values for each label; without values how many there are."""
        return np.bincount(labels, weights=values, minlength=self.count)

    def together(self, dimension: Dimension, sums: np.ndarray) -> np.ndarray:
        """What was added for each label, for each name of a dimension."""
        labelled = self.named[dimension]
        return np.bincount(labelled.codes, weights=sums, minlength=len(labelled.names))

    def apart(self, dimension: Dimension, labels: np.ndarray, values: np.ndarray) -> list[np.ndarray]:
        """The values of the rows that have each name of a dimension, in their order."""
        labelled = self.named[dimension]
        codes = labelled.codes[labels]
        ordered = values[np.argsort(codes, kind="stable")]
        ends = np.cumsum(np.bincount(codes, minlength=len(labelled.names))).tolist()
        return [ordered[start:end] for start, end in pairwise((0, *ends))]


Span = tuple[int, int]
"""From one time to before another."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of the same length, with the number of each row's label; ``who`` is what it is about."""

    columns: Mapping[str, np.ndarray]
    label: np.ndarray
    labels: Labels
    who: Labelled | None = None

    def by_time(self, at: np.ndarray, *, columns: Collection[str] = ()) -> Rows:
        """The rows with a time, ordered by it: as column ``at`` beside those that are named."""
        chosen = np.flatnonzero(at != NEVER)
        order = chosen[np.argsort(at[chosen], kind="stable")]  # quick, for they come nearly in order
        return Rows(
            {**{name: self.columns[name][order] for name in columns}, "at": at[order]},
            self.label[order],
            self.labels,
            None if self.who is None else Labelled(self.who.codes[order], self.who.names),
        )

    def only(self, where: np.ndarray, *columns: str) -> Rows:
        """The rows for which it holds, in their order: the column ``at`` beside those that are named."""
        kept = np.flatnonzero(where)
        return Rows({name: self.columns[name][kept] for name in (*columns, "at")}, self.label[kept], self.labels)

    def spans(self, spans: Sequence[Span]) -> list[slice]:
        """Where the rows of each span stand, once they are ordered by time."""
        edges = np.searchsorted(self.columns["at"], np.array(spans, dtype=np.int64).reshape(-1, 2)).tolist()
        return [slice(start, end) for start, end in edges]
