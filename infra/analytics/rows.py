"""Rows as columns of numbers, in the order of time, cut by time and by what they are labelled with.

Times are whole microseconds since the year 2000 (UTC), as PostgreSQL sends them, and ``NEVER`` for none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


Places = slice | np.ndarray
"""Of rows, in their columns."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of the same length, with the label of each row in every dimension; ``who`` is what it is about."""

    columns: Mapping[str, np.ndarray]
    labels: Mapping[Dimension, Labelled]
    who: Labelled | None = None
    _apart: dict[tuple[int, int, Dimension], list[np.ndarray]] = field(default_factory=dict, repr=False, compare=False)

    def by_time(self, at: np.ndarray, where: np.ndarray | None = None) -> Rows:
        """The rows with a time, ordered by it: as column ``at`` beside the others."""
        kept = at != NEVER if where is None else where & (at != NEVER)
        chosen = np.flatnonzero(kept)
        order = chosen[np.argsort(at[chosen])]
        return Rows(
            {**{name: column[order] for name, column in self.columns.items()}, "at": at[order]},
            {dimension: Labelled(label.codes[order], label.names) for dimension, label in self.labels.items()},
            None if self.who is None else Labelled(self.who.codes[order], self.who.names),
        )

    def span(self, start: int, end: int) -> slice:
        """Where the rows of a span stand, once they are ordered by time."""
        at = self.columns["at"]
        return slice(int(np.searchsorted(at, start)), int(np.searchsorted(at, end)))

    def those(self, start: int, end: int, label: tuple[Dimension, str] | None) -> Places:
        """The places of the rows in a span, with a label if one is asked for."""
        if label is None:
            return self.span(start, end)
        dimension, name = label
        names = self.labels[dimension].names
        return self._by_label(start, end, dimension)[names.index(name)] if name in names else slice(0, 0)

    def _by_label(self, start: int, end: int, dimension: Dimension) -> list[np.ndarray]:
        """The places of a span, taken apart by label once for all of them."""
        found = self._apart.get((start, end, dimension))
        if found is None:
            part, labelled = self.span(start, end), self.labels[dimension]
            codes = labelled.codes[part]
            order = np.argsort(codes, kind="stable")
            edges = np.searchsorted(codes[order], np.arange(1, len(labelled.names)))
            found = self._apart[start, end, dimension] = np.split(order + part.start, edges)
        return found
