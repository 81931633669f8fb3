"""Periods of whole days, and how they are cut."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.analytics.periods import STEPS, Period, Step, last_days
from skills.errors import BadRequestError

DAYS = st.dates(date(2000, 1, 1), date(2199, 1, 1))


@given(DAYS, st.integers(0, 300), st.sampled_from(STEPS))
def test_the_pieces_of_a_period_cover_it_without_a_gap(first: date, more: int, step: Step) -> None:
    period = Period(first, first + timedelta(days=more))
    pieces = period.steps(step)
    assert (pieces[0][0], pieces[-1][1]) == (period.start, period.end)
    assert all(before[1] == after[0] for before, after in pairwise(pieces))
    assert all(start < end for start, end in pieces)
    assert {start.weekday() for start, _ in pieces[1:]} <= ({0} if step == "week" else set(range(7)))
    assert {start.day for start, _ in pieces[1:]} <= ({1} if step == "month" else set(range(1, 32)))
    assert period.before == (period.start - timedelta(days=period.days), period.start)


def test_the_usual_step_suits_the_length_and_today_is_not_over_yet() -> None:
    assert last_days(30, date(2026, 3, 31)) == Period(date(2026, 3, 1), date(2026, 3, 30))
    assert [last_days(days, date(2026, 3, 31)).usual_step for days in (31, 32, 184, 185)] == [
        *("day", "week", "week", "month")
    ]


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), "ends before it begins"),
        (date(2010, 1, 1), date(2026, 1, 1), "3660 days at most"),
        (date(1999, 12, 31), date(2000, 1, 1), "no time of ours"),
        (date.max, date.max, "no time of ours"),
    ],
)
def test_a_period_that_can_not_be_is_refused(first: date, last: date, why: str) -> None:
    with pytest.raises(BadRequestError, match=why):
        Period(first, last)


def test_too_many_pieces_are_refused() -> None:
    with pytest.raises(BadRequestError, match="more than 400"):
        Period(date(2024, 1, 1), date(2026, 1, 1)).steps("day")
