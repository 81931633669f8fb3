"""What staff are reminded of: an incident that nobody announced, a report that nobody wrote.

A P1 or P2 has a public notice within 30 minutes of its start and a report within 24 hours of its end. Staff are told
while there is time left, and again when there is none. Each reminder is a row, once; alerts
take it to people (``infra/postgres/alerts.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from infra.status.components import Severity

Kind = Literal["drafted", "notice_soon", "notice_late", "report_soon", "report_late"]
"""``drafted``: checks have opened a draft."""

TIMED: frozenset[Severity] = frozenset({"P1", "P2"})


@dataclass(frozen=True, slots=True)
class Terms:
    """How long staff have. ``ahead`` is the part of it that is left when they are reminded first."""

    notice: timedelta = timedelta(minutes=30)
    report: timedelta = timedelta(hours=24)
    ahead: float = 1 / 3


@dataclass(frozen=True, slots=True)
class Clock:
    """What the timers look at of an incident."""

    incident_id: UUID
    severity: Severity
    started_at: datetime
    ended_at: datetime | None = None
    published_at: datetime | None = None
    reported_at: datetime | None = None
    dismissed_at: datetime | None = None
    by_checks: bool = False


def reminders(clock: Clock, terms: Terms, now: datetime) -> list[tuple[Kind, datetime]]:
    """What is to be reminded of by now, each with when it is due; what was done in time is not among it."""
    found: list[tuple[Kind, datetime]] = []
    if clock.dismissed_at is not None:
        return found
    if clock.by_checks and clock.published_at is None and clock.ended_at is None:
        found.append(("drafted", clock.started_at + terms.notice))
    if clock.severity not in TIMED:
        return found
    if clock.published_at is None:
        due = clock.started_at + terms.notice
        found += _by(now, due, terms.notice * terms.ahead, "notice_soon", "notice_late")
    elif clock.ended_at is not None and clock.reported_at is None:
        due = clock.ended_at + terms.report
        found += _by(now, due, terms.report * terms.ahead, "report_soon", "report_late")
    return found


def _by(now: datetime, due: datetime, ahead: timedelta, soon: Kind, late: Kind) -> list[tuple[Kind, datetime]]:
    if now >= due:
        return [(late, due)]
    return [(soon, due)] if now >= due - ahead else []
