"""When staff are reminded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.status.components import SEVERITIES, Severity
from infra.status.timers import Clock, Kind, Terms, reminders

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
ID = UUID(int=1)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def kinds(clock: Clock, minutes: float) -> list[Kind]:
    return [kind for kind, _ in reminders(clock, Terms(), after(minutes))]


def test_a_p1_that_nobody_announced_reminds_while_there_is_time_and_when_there_is_none() -> None:
    clock = Clock(ID, "P1", START)
    assert [kinds(clock, minutes) for minutes in (19.9, 20, 29.9, 30, 600)] == [
        [], ["notice_soon"], ["notice_soon"], ["notice_late"], ["notice_late"],
    ]  # fmt: skip
    assert reminders(clock, Terms(), after(25)) == [("notice_soon", after(30))]


def test_a_p2_that_is_over_wants_its_report_within_a_day() -> None:
    clock = Clock(ID, "P2", START, published_at=after(5), ended_at=after(60))
    day = 60 + 24 * 60
    assert [kinds(clock, minutes) for minutes in (61, day - 8 * 60, day - 0.1, day)] == [
        [], ["report_soon"], ["report_soon"], ["report_late"],
    ]  # fmt: skip
    assert reminders(clock, Terms(), after(day)) == [("report_late", after(day))]


@pytest.mark.parametrize("severity", ["P3", "P4"])
def test_smaller_incidents_have_no_timers(severity: Severity) -> None:
    assert kinds(Clock(ID, severity, START), 10_000) == []


times = st.none() | st.integers(0, 5_000).map(after)


@given(st.sampled_from(SEVERITIES), times, times, times, times, st.booleans(), st.integers(0, 6_000))
def test_what_is_done_or_dismissed_is_not_reminded_of(
    severity: Severity,
    ended: datetime | None,
    published: datetime | None,
    reported: datetime | None,
    dismissed: datetime | None,
    by_checks: bool,
    minute: int,
) -> None:
    clock = Clock(ID, severity, START, ended, published, reported, dismissed, by_checks)
    found = kinds(clock, minute)
    assert not (found and dismissed)
    assert not (published and {"drafted", "notice_soon", "notice_late"} & {*found})
    assert not ((reported or not ended or not published) and {"report_soon", "report_late"} & {*found})
    assert all(due <= after(minute) for kind, due in reminders(clock, Terms(), after(minute)) if kind.endswith("late"))
