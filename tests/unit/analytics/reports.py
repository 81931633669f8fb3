"""A report of chosen numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime

from infra.analytics.definitions import METRICS
from infra.analytics.figures import Figure
from infra.analytics.periods import Period
from infra.analytics.report import Filters, Measured, Part, Point, Question, Report, Reviewer

GOOD, EARLIER, NONE = (
    Figure(0.9, 0.85, 0.94, 180, 200),
    Figure(0.7, 0.63, 0.76, 140, 200),
    Figure(None, None, None, 0, 0),
)
WEEK = Period(date(2026, 3, 2), date(2026, 3, 8))
EVIL = '=<script>"&'


def a_report(now: Figure = GOOD, before: Figure = EARLIER) -> Report:
    days = [Point(start, end, now if start.day % 2 else NONE) for start, end in WEEK.steps("day")]
    parts = (Part("chat", now, before), Part(EVIL, Figure(0.5, 0.1, 0.6, 5, 10), NONE), Part("", NONE, before))
    measured = tuple(
        Measured(metric, now, before, tuple(days), {"channel": parts, "language": (), "segment": (), "topic": ()})
        for metric in METRICS
    )
    return Report(
        Question(WEEK, "day", Filters()),
        measured,
        (Reviewer("kim", 2, {"approve": 3}, 1, 90.0),),
        {"channel": ("chat", EVIL, ""), "language": (), "segment": (), "topic": ()},
        datetime(2026, 3, 9, 12, tzinfo=UTC),
        "primary",
        None,
    )
