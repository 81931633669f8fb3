"""Each figure of ``definitions`` over rows: for any span of time, for all of them or those with one label."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from infra.analytics.definitions import HAPPY, REOPEN_DAYS, Dimension, Key, Method
from infra.analytics.intervals import Interval, of_mean, of_median, wilson
from infra.analytics.rows import DAY, NEVER, Labelled, Labels, Rows, Span

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


class Measure(Protocol):
    """How a figure is taken of the facts."""

    def over(self, spans: Sequence[Span]) -> list[Figure]:
        """The figure of each span."""

    def by_label(self, span: Span, labels: Mapping[Dimension, Sequence[str]]) -> dict[Dimension, list[Figure]]:
        """The figure of what has each of these labels in a span."""


def measures(facts: Facts) -> Mapping[Key, Measure]:
    """How each figure is taken."""
    cases, ends = facts.cases.columns, facts.ends.columns
    opened = facts.cases.by_time(cases["opened"], columns=("to_person", "money", "agent_seconds"))
    gone = facts.cases.by_time(cases["to_person"], columns=("person_seconds",))
    ended = facts.ends.by_time(ends["ended"], columns=("reopened", "how", "open_seconds", "solved"))
    rated = facts.ends.by_time(ends["rated"], columns=("rating",))
    answered = opened.only(~np.isnan(opened.columns["agent_seconds"]), "agent_seconds")
    helped = gone.only(~np.isnan(gone.columns["person_seconds"]), "person_seconds")
    standing = ended.only(ended.columns["reopened"] == NEVER, "how", "open_seconds", "solved")
    settled = standing.only(~np.isnan(standing.columns["open_seconds"]), "open_seconds")
    alone = np.isin(standing.columns["how"], (CONFIRMED, ASSUMED))
    read = standing.only(alone & (standing.columns["solved"] != UNREAD), "solved")
    reopened = ended.columns["reopened"]
    soon = (reopened != NEVER) & (reopened - ended.columns["at"] <= REOPEN_DAYS * DAY)
    return {
        "csat": Values(rated, rated.columns["rating"] >= HAPPY, "wilson"),
        "first_response_agent": Values(answered, answered.columns["agent_seconds"], "median"),
        "first_response_person": Values(helped, helped.columns["person_seconds"], "median"),
        "resolution_time": Values(settled, settled.columns["open_seconds"], "median"),
        "escalation": Values(opened, opened.columns["to_person"] != NEVER, "wilson"),
        "self_service_confirmed": Values(standing, standing.columns["how"] == CONFIRMED, "wilson"),
        "self_service_assumed": Values(standing, standing.columns["how"] == ASSUMED, "wilson"),
        "self_service_verified": Values(read, read.columns["solved"] == SOLVED, "wilson"),
        "reopen": Values(ended, soon, "wilson"),
        "cost": Values(opened, opened.columns["money"], "mean"),
        "productivity": PersonDays(facts.work),
        "retention": Returning(facts.visits),
    }


@dataclass(frozen=True, slots=True)
class Values:
    """A figure that is summed up of a value in each row; for a share the value is whether the row counts."""

    rows: Rows
    values: np.ndarray
    method: Method

    def over(self, spans: Sequence[Span]) -> list[Figure]:
        """The figure of each span."""
        places = self.rows.spans(spans)
        if self.method == "median":
            return [median(np.sort(self.values[part])) for part in places]
        if self.method == "mean":
            return [_mean_of(self.values[part]) for part in places]
        upto = np.concatenate(([0], np.cumsum(self.values)))
        return [share(int(upto[part.stop] - upto[part.start]), part.stop - part.start) for part in places]

    def by_label(self, span: Span, labels: Mapping[Dimension, Sequence[str]]) -> dict[Dimension, list[Figure]]:
        """The figure of what has each of these labels in a span."""
        (part,) = self.rows.spans([span])
        values, label, known = self.values[part], self.rows.label[part], self.rows.labels
        if self.method == "median":
            return _medians(values, label, known, labels)
        if self.method == "mean":
            return _means(values, label, known, labels)
        count, hits = known.added(label), known.added(label[values])
        found: dict[Dimension, list[Figure]] = {}
        for dimension, names in labels.items():
            of, those = (known.together(dimension, one).tolist() for one in (count, hits))
            found[dimension] = [share(round(those[code]), round(of[code])) for code in known.codes(dimension, names)]
        return found


def _means(
    values: np.ndarray, label: np.ndarray, known: Labels, labels: Mapping[Dimension, Sequence[str]]
) -> dict[Dimension, list[Figure]]:
    shift = float(values.mean()) if len(values) else 0.0
    sums = known.added(label), known.added(label, values), known.added(label, (values - shift) ** 2)
    found: dict[Dimension, list[Figure]] = {}
    for dimension, names in labels.items():
        of, total, squares = (known.together(dimension, one).tolist() for one in sums)
        found[dimension] = [
            mean(round(of[code]), total[code], squares[code], shift) for code in known.codes(dimension, names)
        ]
    return found


def _medians(
    values: np.ndarray, label: np.ndarray, known: Labels, labels: Mapping[Dimension, Sequence[str]]
) -> dict[Dimension, list[Figure]]:
    # Sorted once: what has one label stays in order when it is taken apart.
    order = np.argsort(values)
    values, label = values[order], label[order]
    found: dict[Dimension, list[Figure]] = {}
    for dimension, names in labels.items():
        groups = known.apart(dimension, label, values)
        found[dimension] = [median(groups[code]) for code in known.codes(dimension, names)]
    return found


class PersonDays:
    """How much each person does on a day on which they do any of it. Spans are whole days."""

    def __init__(self, work: Rows) -> None:
        self._work = work
        self._all = _person_days(work, np.zeros(len(work.label), dtype=np.int64), Labels(1, {}))

    @cached_property
    def _by_label(self) -> Mapping[Dimension, Values]:
        return {
            dimension: _person_days(self._work, labelled.codes[self._work.label], _alone(dimension, labelled.names))
            for dimension, labelled in self._work.labels.named.items()
        }

    def over(self, spans: Sequence[Span]) -> list[Figure]:
        """The figure of each span."""
        return self._all.over(spans)

    def by_label(self, span: Span, labels: Mapping[Dimension, Sequence[str]]) -> dict[Dimension, list[Figure]]:
        """The figure of what has each of these labels in a span."""
        found: dict[Dimension, list[Figure]] = {}
        for dimension, names in labels.items():
            found |= self._by_label[dimension].by_label(span, {dimension: names})
        return found


def _alone(dimension: Dimension, names: tuple[str, ...]) -> Labels:
    """Labels that have a name in one dimension only."""
    return Labels(len(names), {dimension: Labelled(np.arange(len(names)), names)})


def _person_days(work: Rows, codes: np.ndarray, labels: Labels) -> Values:
    """How much a person did on a day in what has one label, given by its number for each row."""
    assert work.who is not None  # work is somebody's
    days = work.columns["at"] // DAY
    # By the day first, so that they are in the order of time.
    keys = (days * len(work.who.names) + work.who.codes) * labels.count + codes
    _, places, counts = np.unique(keys, return_index=True, return_counts=True)
    return Values(Rows({"at": days[places] * DAY}, codes[places], labels), counts, "mean")


class Returning:
    """How many of the customers who wrote in the span before wrote in a span too."""

    def __init__(self, visits: Rows) -> None:
        assert visits.who is not None  # a visit is a customer's
        self._visits = visits
        self._who = visits.who.codes
        self._everybody = int(self._who.max(initial=-1)) + 1

    def over(self, spans: Sequence[Span]) -> list[Figure]:
        """The figure of each span."""
        now, before = self._visits.spans(spans), self._visits.spans([_before(span) for span in spans])
        return [self._share(self._who[there], self._who[then]) for there, then in zip(now, before, strict=True)]

    def by_label(self, span: Span, labels: Mapping[Dimension, Sequence[str]]) -> dict[Dimension, list[Figure]]:
        """The figure of what has each of these labels in a span."""
        parts = self._visits.spans([span, _before(span)])
        found: dict[Dimension, list[Figure]] = {}
        known = self._visits.labels
        for dimension, names in labels.items():
            now, before = (known.apart(dimension, self._visits.label[part], self._who[part]) for part in parts)
            found[dimension] = [self._share(now[code], before[code]) for code in known.codes(dimension, names)]
        return found

    def _share(self, now: np.ndarray, before: np.ndarray) -> Figure:
        there, then = (np.zeros(self._everybody, dtype=bool) for _ in range(2))
        there[now] = then[before] = True
        return share(int(np.count_nonzero(there & then)), int(np.count_nonzero(then)))


def _before(span: Span) -> Span:
    start, end = span
    return 2 * start - end, start


def share(hits: int, count: int) -> Figure:
    """How many of a number, as a figure."""
    return _figure(hits / count if count else None, wilson(hits, count), hits, count)


def median(ordered: np.ndarray) -> Figure:
    """The middle of values in ascending order, as a figure."""
    count = len(ordered)
    middle = (float(ordered[(count - 1) // 2]) + float(ordered[count // 2])) / 2 if count else None
    return _figure(middle, of_median(ordered), None, count)


def _mean_of(values: np.ndarray) -> Figure:
    shift = float(values.mean()) if len(values) else 0.0
    return mean(len(values), float(values.sum()), float(((values - shift) ** 2).sum()), shift)


def mean(count: int, total: float, squares: float, shift: float) -> Figure:
    """The mean of so many values, as a figure.

    Args:
        count: how many.
        total: their sum.
        squares: the sum of the squares of how far each is away from ``shift``.
        shift: a value near their mean, so that the squares are not much larger than what they differ by.
    """
    if count == 0:
        return _figure(None, None, total, count)
    middle = total / count
    spread = max(0.0, squares - count * (middle - shift) ** 2)
    deviation = math.sqrt(spread / (count - 1)) if count > 1 else 0.0
    return _figure(middle, of_mean(count, middle, deviation), total, count)


def _figure(value: float | None, interval: Interval, numerator: float | None, denominator: int) -> Figure:
    low, high = (None, None) if interval is None else interval
    return Figure(value, low, high, numerator, denominator)
