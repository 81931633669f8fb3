"""Each figure of ``definitions`` over rows: for any span of time, for all of them or those with one label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from infra.analytics.definitions import BY_KEY, HAPPY, REOPEN_DAYS, Dimension, Key, Method
from infra.analytics.intervals import Interval, of_mean, of_median, wilson
from infra.analytics.rows import DAY, NEVER, Rows

Label = tuple[Dimension, str] | None
PERSON, CONFIRMED, ASSUMED, UNKNOWN = range(4)
"""How a case ended, in the column ``how``."""
UNSOLVED, SOLVED, UNREAD = range(3)
"""What whoever read it found, in the column ``solved``."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its interval.

    Attributes:
        value: ``None`` where there is nothing to measure.
        low: where its 95 % interval begins; ``None`` where there is too little.
        high: where it ends.
        numerator: how many were counted, or the sum of what was measured; ``None`` for a median.
        denominator: of how many.
    """

    value: float | None
    low: float | None
    high: float | None
    numerator: float | None
    denominator: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What figures are made of.

    Attributes:
        cases: columns opened, to_person, agent_seconds, person_seconds, money.
        ends: columns ended, reopened, rated, open_seconds, rating, how, solved.
        visits: column at; ``who`` is the customer.
        work: columns at, seconds; ``who`` is the person.
    """

    cases: Rows
    ends: Rows
    visits: Rows
    work: Rows


_MOST_DAYS = 1_000_000
"""More days than there are."""

Measure = Callable[[int, int, Label], Figure]
"""A figure of the span from one time to before another, with a label."""


def measures(facts: Facts) -> Mapping[Key, Measure]:
    """How each figure is taken."""
    cases, ends = facts.cases.columns, facts.ends.columns
    opened = facts.cases.by_time(cases["opened"])
    standing = facts.ends.by_time(ends["ended"], ends["reopened"] == NEVER)
    alone = np.isin(standing.columns["how"], (CONFIRMED, ASSUMED))
    read = alone & (standing.columns["solved"] != UNREAD)
    ended = facts.ends.by_time(ends["ended"])
    rated = facts.ends.by_time(ends["rated"])
    handed = facts.cases.by_time(cases["to_person"])
    reopened = ended.columns["reopened"]
    soon = (reopened != NEVER) & (reopened - ended.columns["at"] <= REOPEN_DAYS * DAY)

    def of(rows: Rows, key: Key, values: np.ndarray, where: np.ndarray | None = None) -> tuple[Key, Measure]:
        method = BY_KEY[key].method

        def measure(start: int, end: int, label: Label) -> Figure:
            places = rows.those(start, end, label)
            chosen = values[places]
            return summed_up(method, chosen if where is None else chosen[where[places]])

        return key, measure

    agent, person = opened.columns["agent_seconds"], handed.columns["person_seconds"]
    open_seconds = standing.columns["open_seconds"]
    return dict(
        (
            of(rated, "csat", rated.columns["rating"] >= HAPPY),
            of(opened, "first_response_agent", agent, ~np.isnan(agent)),
            of(handed, "first_response_person", person, ~np.isnan(person)),
            of(standing, "resolution_time", open_seconds, ~np.isnan(open_seconds)),
            of(opened, "escalation", opened.columns["to_person"] != NEVER),
            of(standing, "self_service_confirmed", standing.columns["how"] == CONFIRMED),
            of(standing, "self_service_assumed", standing.columns["how"] == ASSUMED),
            of(standing, "self_service_verified", standing.columns["solved"] == SOLVED, read),
            of(ended, "reopen", soon),
            of(opened, "cost", opened.columns["money"]),
            ("productivity", _productivity(facts.work)),
            ("retention", _retention(facts.visits)),
        )
    )


def summed_up(method: Method, values: np.ndarray) -> Figure:
    """Values as one figure."""
    count = len(values)
    if method == "wilson":
        hits = int(np.count_nonzero(values))
        return _figure(hits / count if count else None, wilson(hits, count), hits, count)
    if method == "median":
        ordered = np.sort(values)
        middle = (float(ordered[(count - 1) // 2]) + float(ordered[count // 2])) / 2 if count else None
        return _figure(middle, of_median(ordered), None, count)
    total = float(values.sum())
    return _figure(total / count if count else None, of_mean(values), total, count)


def _figure(value: float | None, interval: Interval, numerator: float | None, denominator: int) -> Figure:
    low, high = (None, None) if interval is None else interval
    return Figure(value, low, high, numerator, denominator)


def _productivity(work: Rows) -> Measure:
    assert work.who is not None  # work is somebody's
    who, days = work.who.codes, work.columns["at"] // DAY

    def measure(start: int, end: int, label: Label) -> Figure:
        places = work.those(start, end, label)
        _, counts = np.unique(who[places].astype(np.int64) * _MOST_DAYS + days[places], return_counts=True)
        return summed_up("mean", counts)

    return measure


def _retention(visits: Rows) -> Measure:
    assert visits.who is not None  # a visit is a customer's
    who = visits.who.codes
    everybody = int(who.max(initial=-1)) + 1

    def there(start: int, end: int, label: Label) -> np.ndarray:
        """Who wrote in a span."""
        found = np.zeros(everybody, dtype=bool)
        found[who[visits.those(start, end, label)]] = True
        return found

    def measure(start: int, end: int, label: Label) -> Figure:
        before = there(2 * start - end, start, label)
        return summed_up("wilson", there(start, end, label)[before])

    return measure
