"""The scheduler's jobs: what is done, how often, and what retention settings make of it.

What is archived at night goes on in rounds of a minute; a round that had to leave work over is followed by the next at
once, under whoever leads then.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.alerter import Alerter
from api.scheduler import Done, Job
from api.status_desk import StatusDesk
from infra.postgres.analytics_rows import AnalyticsRows
from infra.postgres.archive import Terms
from infra.postgres.archive_cases import CaseArchive
from infra.postgres.archive_events import EventArchive, months_later
from infra.postgres.database import Database
from infra.postgres.housekeeping import Housekeeping
from infra.postgres.lives import Lives
from infra.postgres.schedule import Beat, Reign
from infra.postgres.surveys import Surveys
from infra.postgres.verification import Verifications
from infra.postgres.words import Words
from infra.signals import Signals

_ROUND = 60.0
"""Seconds after which no new archive is begun."""
_HOURLY = Beat(timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept; a length of 0 is for ever.

    Attributes:
        idle_thread: after which LangGraph's rows of a case at rest go.
        case: after which a resolved case goes to the archive.
        event_months: whole months after which a month of events does.
        folder: of the archives; without one there are none, and nothing is deleted that would go there.
        hour: of the night, UTC, for archives.
    """

    idle_thread: timedelta = timedelta(days=1)
    case: timedelta = timedelta(days=365)
    event_months: int = 13
    folder: Path | None = None
    hour: int = 2


def jobs(database: Database, retention: Retention, codes: Verifications | None = None) -> list[Job]:
    """What a scheduler does under these settings."""
    house = Housekeeping(database)

    async def partitions(_reign: Reign) -> Done:
        return Done({"made": await house.make_partitions()})

    async def late_reviews(_reign: Reign) -> Done:
        return Done({"late": await house.note_late_reviews(), "closed": await house.close_dead_letters()})

    async def model_replies(_reign: Reign) -> Done:
        return Done({"forgotten": await house.forget_model_replies()})

    async def threads(reign: Reign) -> Done:
        done = await house.prune_threads(retention.idle_thread, check=reign.refuse_if_over)
        return Done({"threads": done.threads, "rows": done.rows}, more=done.more)

    found = [
        Job("partitions", Beat(timedelta(hours=1)), partitions),
        Job("late_reviews", Beat(timedelta(seconds=30)), late_reviews),
        Job("model_replies", Beat(timedelta(hours=1)), model_replies),
    ]
    if codes is not None:

        async def forget_codes(_reign: Reign) -> Done:
            return Done({"forgotten": await codes.forget()})

        found.append(Job("codes", Beat(timedelta(hours=1)), forget_codes))
    if retention.idle_thread:
        found.append(Job("threads", Beat(timedelta(minutes=10)), threads))
    if retention.folder is not None:
        found += _nightly(database, retention, retention.folder)
    return found


def life_jobs(lives: Lives, surveys: Surveys, signals: Signals) -> list[Job]:
    """What is done in cases that are at rest: asking, closing, asking how it was."""

    async def look(_reign: Reign) -> Done:
        done = await lives.look()
        if done.asked:
            await signals.outbox_waits()
        return Done({"asked": done.asked, "closed": done.closed}, more=done.more)

    async def ask(_reign: Reign) -> Done:
        asked = await surveys.ask()
        if asked:
            await signals.outbox_waits()
        return Done({"asked": asked})

    return [Job("lives", Beat(timedelta(seconds=30)), look), Job("surveys", Beat(timedelta(seconds=30)), ask)]


def figure_jobs(rows: AnalyticsRows) -> list[Job]:
    """What figures are made of: what is new, and at night once more what happened lately."""

    async def compute(reign: Reign) -> Done:
        done = await rows.refresh(check=reign.refuse_if_over)
        return Done({"cases": done.cases, "changed": done.changed}, more=done.more)

    async def look_back(_reign: Reign) -> Done:
        await rows.look_back()
        return Done({})

    return [
        Job("figures", Beat(timedelta(seconds=30)), compute),
        Job("figures_again", Beat(timedelta(days=1), timedelta(hours=3)), look_back),
    ]


def alert_jobs(alerter: Alerter) -> list[Job]:
    """Finding what the staff have to be told of, and telling them."""
    noted = alerter.desk.noted

    async def note(_reign: Reign) -> Done:
        moved = await noted.move_on()
        return Done({"moved_on": moved, "noted": await noted.note()})

    async def deliver(_reign: Reign) -> Done:
        return Done({"tried": await alerter.deliver()})

    async def forget(_reign: Reign) -> Done:
        return Done({"forgotten": await noted.forget()})

    soon = Beat(timedelta(seconds=5))
    return [Job("alerts", soon, note), Job("alert_sends", soon, deliver), Job("old_alerts", _HOURLY, forget)]


def word_jobs(words: Words) -> list[Job]:
    """What lets staff find messages by their words, some seconds after they came in."""

    async def write(reign: Reign) -> Done:
        written = await words.write(check=reign.refuse_if_over)
        return Done({"messages": written.messages, "customers": written.customers}, more=written.more)

    return [Job("words", Beat(timedelta(seconds=5)), write)]


def status_jobs(status: StatusDesk, every: timedelta) -> list[Job]:
    """What keeps the status page true."""

    async def look(_reign: Reign) -> Done:
        return Done(await status.look())

    async def forget(_reign: Reign) -> Done:
        return Done(await status.forget())

    return [Job("status", Beat(every), look), Job("status_leftovers", Beat(timedelta(hours=1)), forget)]


def _nightly(database: Database, retention: Retention, folder: Path) -> list[Job]:
    cases, events = CaseArchive(database), EventArchive(database)
    night = Beat(timedelta(days=1), timedelta(hours=retention.hour))

    async def archive_cases(reign: Reign) -> Done:
        before = datetime.now(UTC) - retention.case
        terms = Terms(folder, "scheduler", reign.refuse_if_over)
        end, archives, rows = time.monotonic() + _ROUND, 0, 0
        while time.monotonic() < end:
            moved = await cases.move(before, terms)
            if moved is None:
                return Done({"archives": archives, "rows": rows})
            archives, rows = archives + 1, rows + sum(moved.rows.values())
        return Done({"archives": archives, "rows": rows}, more=True)

    async def archive_events(reign: Reign) -> Done:
        over = await events.months(months_later(datetime.now(UTC), -retention.event_months))
        terms = Terms(folder, "scheduler", reign.refuse_if_over)
        end, archives, rows = time.monotonic() + _ROUND, 0, 0
        for month in over:
            if time.monotonic() >= end:
                break
            moved = await events.move(month, terms)
            archives, rows = archives + 1, rows + sum(moved.rows.values())
        return Done({"archives": archives, "rows": rows}, more=archives < len(over))

    found = []
    if retention.case:
        found.append(Job("archive_cases", night, archive_cases))
    if retention.event_months:
        found.append(Job("archive_events", night, archive_events))
    return found
