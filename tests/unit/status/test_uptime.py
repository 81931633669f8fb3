"""Uptime from intervals: an example reckoned by hand, and the same arithmetic quarter by quarter."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.status.uptime import Interval, Span, days, merged, uptime_of, without

START = datetime(2026, 11, 1, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_three_days_reckoned_by_hand() -> None:
    """Day 2: up from 06:00 (nothing known before) but for 12:00 to 13:00 (down) and 20:00 to 22:00 (degraded).

    Day 3: down from 01:00 to 05:00, of which 02:00 to 04:00 was announced. Day 4 has twelve hours so far, all up, with
    a hole in the records from 03:00 to 04:00.
    """
    intervals = [
        Interval("operational", at(2, 6), at(2, 12)),
        Interval("down", at(2, 12), at(2, 13)),
        Interval("operational", at(2, 13), at(2, 20)),
        Interval("degraded", at(2, 20), at(2, 22)),
        Interval("operational", at(2, 22), at(3, 1)),
        Interval("down", at(3, 1), at(3, 5)),
        Interval("operational", at(3, 5), at(4, 3)),
        Interval("operational", at(4, 4), at(4, 12)),
    ]
    first, second, third, fourth = days(intervals, [(at(3, 2), at(3, 4))], at(4, 12), count=4)
    hour = 3600
    assert (first.day, first.kind, first.uptime, first.no_data) == (date(2026, 11, 1), "no_data", None, 24 * hour)
    assert (second.operational, second.degraded, second.down) == (15 * hour, 2 * hour, 1 * hour)
    assert (second.no_data, second.kind) == (6 * hour, "down")
    assert second.uptime == pytest.approx(17 / 18)
    assert (third.down, third.maintenance) == (2 * hour, 2 * hour)
    assert third.uptime == pytest.approx(20 / 22)
    assert (fourth.operational, fourth.no_data, fourth.kind, fourth.uptime) == (11 * hour, hour, "operational", 1.0)
    assert uptime_of([first, second, third, fourth]) == pytest.approx(1 - 3 / (18 + 22 + 11))


QUARTERS = 3 * 96
"""Three days in quarters of an hour."""
quarters = st.integers(0, QUARTERS)
spans = st.tuples(quarters, quarters)
states = st.sampled_from(["operational", "degraded", "down"])


def when(quarter: int) -> datetime:
    return START + timedelta(minutes=15 * quarter)


@given(st.lists(st.tuples(states, spans), max_size=8), st.lists(spans, max_size=3), st.integers(1, QUARTERS))
def test_every_quarter_counts_once_and_as_the_worst_that_was_recorded_of_it(
    recorded: list[tuple[str, tuple[int, int]]], planned: list[tuple[int, int]], until: int
) -> None:
    intervals = [Interval(state, when(one), when(other)) for state, (one, other) in recorded]  # type: ignore[arg-type] # sampled
    figures = days(intervals, [(when(one), when(other)) for one, other in planned], when(until), count=4)
    counted = dict.fromkeys(("maintenance", "down", "degraded", "operational", "no_data"), 0)
    for quarter in range(until):
        here = {state for state, (began, ended) in recorded if began <= quarter < ended}
        away = any(began <= quarter < ended for began, ended in planned)
        kind = (
            "maintenance"
            if away
            else next((one for one in ("down", "degraded", "operational") if one in here), "no_data")
        )
        counted[kind] += 900
    counted["no_data"] += sum(24 * 3600 for day in figures if day.day < START.date())
    for kind, seconds in counted.items():
        assert sum(getattr(day, kind) for day in figures) == seconds
    for day in figures:
        began = datetime.combine(day.day, time(), UTC)
        length = min(began + timedelta(days=1), when(until)) - began
        assert day.known + day.maintenance + day.no_data == length.total_seconds()
        assert (day.uptime is None) == (day.known == 0)
        assert day.uptime is None or 0 <= day.uptime <= 1


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6))
def test_what_lies_in_no_hole_and_what_lies_in_one_make_the_whole(
    some: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    def seconds(parts: list[Span]) -> float:
        return sum((ended - began).total_seconds() for began, ended in parts)

    whole = merged((when(one), when(other)) for one, other in some)
    holes = merged((when(one), when(other)) for one, other in others)
    left = without(whole, holes)
    inside = without(whole, without([(when(0), when(QUARTERS))], holes))
    assert seconds(left) + seconds(inside) == seconds(whole)
    assert merged(left) == left
