"""Uptime from recorded intervals: how many seconds of each day a component was up, down, in maintenance, or unknown.

Where intervals overlap, the worst counts. Maintenance that was announced is taken out of both sides. What nobody
recorded is "no data", never "up". A day is a day in UTC.

    uptime = (operational + degraded) / (operational + degraded + down), all of it outside maintenance
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

Kind = Literal["operational", "degraded", "down", "maintenance", "no_data"]
Span = tuple[datetime, datetime]
"""From the first on, up to and without the second."""

DAYS = 90


@dataclass(frozen=True, slots=True)
class Interval:
    """What a component was, from ``began`` on and before ``ended``."""

    state: Literal["operational", "degraded", "down"]
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day in seconds. Of today, only what has passed."""

    day: date
    operational: float = 0.0
    degraded: float = 0.0
    down: float = 0.0
    maintenance: float = 0.0
    no_data: float = 0.0

    @property
    def known(self) -> float:
        """Seconds that count."""
        return self.operational + self.degraded + self.down

    @property
    def uptime(self) -> float | None:
        """The part of them in which it was up; ``None`` when none count."""
        return None if not self.known else (self.operational + self.degraded) / self.known

    @property
    def kind(self) -> Kind:
        """The one word for the day: the worst that happened in it."""
        if self.down:
            return "down"
        if self.degraded:
            return "degraded"
        if self.operational:
            return "operational"
        return "maintenance" if self.maintenance else "no_data"


def days(
    intervals: Sequence[Interval], maintenance: Sequence[Span], now: datetime, count: int = DAYS
) -> list[DayFigures]:
    """The last days up to ``now``, the oldest first."""
    away = merged(maintenance)
    taken: list[Span] = away
    parts: dict[str, list[Span]] = {"maintenance": away}
    for state in ("down", "degraded", "operational"):
        spans = merged((one.began, one.ended) for one in intervals if one.state == state)
        parts[state] = without(spans, taken)
        taken = merged([*taken, *spans])
    today = now.astimezone(UTC).date()
    found = []
    for back in range(count - 1, -1, -1):
        day = today - timedelta(days=back)
        began = datetime.combine(day, time(), UTC)
        ended = min(began + timedelta(days=1), now)
        seconds = {name: sum(_length(span, began, ended) for span in spans) for name, spans in parts.items()}
        rest = (ended - began).total_seconds() - sum(seconds.values())
        found.append(DayFigures(day, **seconds, no_data=max(rest, 0.0)))
    return found


def uptime_of(figures: Iterable[DayFigures]) -> float | None:
    """The uptime of all of them together; ``None`` when nothing is known."""
    listed = list(figures)
    known = sum(one.known for one in listed)
    return None if not known else 1 - sum(one.down for one in listed) / known


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans that neither touch nor overlap, in order; empty ones are gone."""
    found: list[Span] = []
    for began, ended in sorted(span for span in spans if span[0] < span[1]):
        if found and began <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((began, ended))
    return found


def without(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """The time of the spans that lies in no hole. Both are merged already."""
    found: list[Span] = []
    for began, ended in spans:
        at = began
        for from_, to in holes:
            if to <= at:
                continue
            if from_ >= ended:
                break
            if at < from_:
                found.append((at, from_))
            at = max(at, to)
        if at < ended:
            found.append((at, ended))
    return found


def _length(span: Span, began: datetime, ended: datetime) -> float:
    return max((min(span[1], ended) - max(span[0], began)).total_seconds(), 0.0)
