"""All figures of a period: beside the period before, over time, and by channel, language, segment and topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np

from infra.analytics.definitions import DIMENSIONS, METRICS, Dimension, Key, Metric
from infra.analytics.figures import Facts, Figure, Measure, measures
from infra.analytics.periods import Period, Step
from infra.analytics.rows import DAY, Rows, Span, stamp

MOST_LABELS = 20
"""Of a dimension, the most frequent."""

ACTIONS = ("approve", "edit", "answer", "reject", "take_over", "reply", "other")
"""What reviewers do; the column ``action`` of their work has the number of one."""
REPLY = ACTIONS.index("reply")

Served = Literal["primary", "replica"]


@dataclass(frozen=True, slots=True)
class Filters:
    """Only what has these labels; ``None`` is any, an empty text is what has none."""

    channel: str | None = None
    language: str | None = None
    segment: str | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for; ``step`` is how the period is cut."""

    period: Period
    step: Step
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True, slots=True)
class Point:
    """A figure of a piece of the period, end excluded."""

    start: datetime
    end: datetime
    figure: Figure


@dataclass(frozen=True, slots=True)
class Part:
    """A figure of what has one label, and what it was in the period before."""

    label: str
    now: Figure
    before: Figure


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric of the period. ``parts`` are computed when the first of them is read."""

    metric: Metric
    now: Figure
    before: Figure
    over_time: tuple[Point, ...]
    parts: Mapping[Dimension, tuple[Part, ...]]

    @property
    def differs(self) -> bool:
        """Whether it is surely another value than before: the two 95 % intervals don't touch, which is strict."""
        ends = (self.now.low, self.now.high, self.before.low, self.before.high)
        if any(end is None for end in ends):
            return False
        low, high, low_before, high_before = (end for end in ends if end is not None)
        return low > high_before or high < low_before


@dataclass(frozen=True, slots=True)
class Reviewer:
    """What one person did in the period. ``seconds`` is the median from a request to their decision."""

    name: str
    days: int
    decisions: Mapping[str, int]
    replies: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """The answer.

    Attributes:
        question: what was asked.
        measured: each metric, in the order of ``METRICS``.
        reviewers: by name.
        labels: what each dimension has in both periods, the most frequent first.
        as_of: up to when events are in it.
        served: by which server.
        notice: what the reader should know of it, such as a replica that does not answer.
    """

    question: Question
    measured: tuple[Measured, ...]
    reviewers: tuple[Reviewer, ...]
    labels: Mapping[Dimension, tuple[str, ...]]
    as_of: datetime | None
    served: Served = "primary"
    notice: str | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to measure, neither in the period nor before it."""
        return not any(one.now.denominator or one.before.denominator for one in self.measured)

    def of(self, key: Key) -> Measured:
        """One metric."""
        return next(one for one in self.measured if one.metric.key == key)


def report(question: Question, facts: Facts, *, as_of: datetime | None) -> Report:
    """Everything, of rows from two spans before the period on."""
    labels = {dimension: _frequent(facts, dimension) for dimension in DIMENSIONS}
    steps = question.period.steps(question.step)
    by_key = measures(facts)
    return Report(
        question,
        tuple(_measured(metric, by_key[metric.key], question.period, steps, labels) for metric in METRICS),
        _reviewers(facts.work, question.period),
        labels,
        as_of,
    )


def _measured(
    metric: Metric,
    measure: Measure,
    period: Period,
    steps: Sequence[tuple[datetime, datetime]],
    labels: Mapping[Dimension, tuple[str, ...]],
) -> Measured:
    whole, earlier = [(stamp(start), stamp(end)) for start, end in ((period.start, period.end), period.before)]
    now, before, *pieces = measure.over([whole, earlier, *((stamp(start), stamp(end)) for start, end in steps)])
    points = tuple(Point(start, end, figure) for (start, end), figure in zip(steps, pieces, strict=True))
    return Measured(metric, now, before, points, _Parts(measure, whole, earlier, labels))


class _Parts(Mapping[Dimension, tuple[Part, ...]]):
    """A metric's parts. A page shows those of one metric of twelve, and all of them take as long as everything else."""

    def __init__(self, measure: Measure, now: Span, before: Span, labels: Mapping[Dimension, tuple[str, ...]]) -> None:
        self._measure, self._now, self._before, self._labels = measure, now, before, labels

    @cached_property
    def _known(self) -> Mapping[Dimension, tuple[Part, ...]]:
        now, before = (self._measure.by_label(span, self._labels) for span in (self._now, self._before))
        return {
            dimension: tuple(map(Part, names, now[dimension], before[dimension]))
            for dimension, names in self._labels.items()
        }

    def __getitem__(self, dimension: Dimension) -> tuple[Part, ...]:
        return self._known[dimension]

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)


def _frequent(facts: Facts, dimension: Dimension) -> tuple[str, ...]:
    """The labels of a dimension by how many cases and ends have them, then by name."""
    known = facts.cases.labels
    everything = np.concatenate([rows.label for rows in (facts.cases, facts.ends, facts.work)])
    counted = dict(zip(known.named[dimension].names, known.together(dimension, known.added(everything)), strict=True))
    ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return tuple(name for name, count in ordered[:MOST_LABELS] if count)


def _reviewers(work: Rows, period: Period) -> tuple[Reviewer, ...]:
    assert work.who is not None  # work is somebody's
    (part,) = work.spans([(stamp(period.start), stamp(period.end))])
    who, at = work.who.codes[part], work.columns["at"][part]
    action, seconds = work.columns["action"][part], work.columns["seconds"][part]
    found = []
    for code, name in enumerate(work.who.names):
        mine = who == code
        if not mine.any():
            continue
        did = Counter(action[mine].tolist())
        waits = seconds[mine]
        waits = waits[~np.isnan(waits)]
        found.append(
            Reviewer(
                name,
                len(np.unique(at[mine] // DAY)),
                {ACTIONS[number]: count for number, count in sorted(did.items()) if number != REPLY},
                did[REPLY],
                float(np.median(waits)) if len(waits) else None,
            )
        )
    return tuple(sorted(found, key=lambda one: one.name))
