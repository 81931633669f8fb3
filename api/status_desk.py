"""The status page put together: what checks say, what staff wrote, and the snapshot that the public reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from infra.postgres.heartbeats import Heartbeats
from infra.postgres.incidents import Incidents, StaffIncident
from infra.postgres.leases import Leases
from infra.postgres.status import StatusBoard
from infra.status.checks import judge
from infra.status.components import Component, components_of
from infra.status.snapshot import (
    OLD,
    Day,
    Incident,
    PublicComponent,
    Reach,
    Seen,
    Snapshot,
    as_reached,
    newer,
    read,
    shown_state,
    utc_now,
    write,
    written,
)
from infra.status.uptime import DAYS, DayFigures, Interval, days, uptime_of
from infra.tasks import end
from skills.errors import DatabaseUnavailableError

_PATIENCE = 2.0
"""Seconds that anything is waited for while somebody waits for the page."""
_GIVEN_UP = 10.0
"""Seconds after which a question that nobody waits for any more is given up."""
_KEPT = 5.0
"""Seconds for which what was read of the database is shown again without asking."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator has set up for the page.

    Attributes:
        company: whose page it is.
        channels: those that are set up.
        file: where the snapshot is written for a server of its own; ``None``: nowhere.
        origin: where the API's health is asked; ``None``: it is not.
        draft_after: how long a component is in trouble before a draft is opened.
        mail_job: the name of the job that reads the mailbox.
        mails: whether notices can be sent by mail.
    """

    company: str
    channels: Collection[str] = ()
    file: Path | None = None
    origin: str | None = None
    draft_after: timedelta = timedelta(minutes=5)
    mail_job: str = "gmail_sync"
    mails: bool = False

    @property
    def components(self) -> tuple[Component, ...]:
        """The lines of the page."""
        return components_of(self.channels)


class StatusDesk:
    """The page for whoever asks: checks, staff, the public.

    Args:
        board: how components stand.
        incidents: what staff wrote.
        beats: what is measured.
        leases: the queue's age.
        rules: see there.
        clock: the time, in UTC.
    """

    def __init__(
        self,
        board: StatusBoard,
        incidents: Incidents,
        beats: Heartbeats,
        leases: Leases,
        rules: Rules,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.board = board
        self.incidents = incidents
        self.rules = rules
        self._beats = beats
        self._leases = leases
        self._clock = clock
        self._kept: Snapshot | None = None
        self._reachable = True
        self._asked_at = float("-inf")
        self._question: asyncio.Task[None] | None = None

    async def look(self) -> dict[str, int]:
        """One round: check, open drafts, remind, publish. It may run twice, or be broken off anywhere."""
        now = self._clock()
        backlog = await self._leases.backlog()
        measures = await self._beats.measure(
            queue=backlog.oldest_seconds, api_answers=await self._api_answers(), mail_job=self.rules.mail_job
        )
        turned = await self.board.record(judge(measures, self.rules.components), now)
        standing = await self.board.components(self.rules.components)
        opened = await self.incidents.open_drafts(standing, self.rules.draft_after, now)
        reminded = await self.incidents.raise_reminders(now)
        await self.publish()
        return {"turned": turned, "drafts": opened, "reminded": reminded}

    async def forget(self) -> dict[str, int]:
        """Delete what no page shows any more."""
        return {"beats": await self._beats.forget(), "intervals": await self.board.forget()}

    async def publish(self) -> Snapshot:
        """Let the public read what is true now, here and in the file."""
        snapshot = await self._made(self._clock())
        await self.board.publish(snapshot)
        if self.rules.file is not None:
            await asyncio.to_thread(write, self.rules.file, written(snapshot))
        self._kept = snapshot
        return snapshot

    async def seen(self) -> Seen:
        """What the public reads; when the database is away, what it read last, and that it is so."""
        await self._ask_again()
        now = self._clock()
        snapshot = self._kept or Snapshot(company=self.rules.company, made_at=now)
        reach: Reach = "fresh" if self._reachable else "not_ready"
        if reach == "fresh" and now - snapshot.made_at > OLD:
            reach = "old"
        return Seen(as_reached(snapshot, reach), reach, now)

    async def close(self) -> None:
        """Ask nothing any more."""
        await end([] if self._question is None else [self._question])

    async def _ask_again(self) -> None:
        """Ask the database unless it was asked a moment ago; all readers wait for one answer, and none for long.

        A question that hangs, as on a server that was stopped, is waited for by nobody after its time and asked once.
        """
        now = asyncio.get_running_loop().time()
        if (self._question is None or self._question.done()) and now - self._asked_at > _KEPT:
            self._asked_at = now
            self._question = asyncio.create_task(self._ask())
        if self._question is None or self._question.done():
            return
        done, _ = await asyncio.wait({self._question}, timeout=max(self._asked_at + _PATIENCE - now, 0.0))
        if not done:
            self._reachable = False

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_GIVEN_UP):
                found = await self.board.published()
            self._reachable = True
        except (DatabaseUnavailableError, TimeoutError):
            self._reachable = False
            found = None if self.rules.file is None else await asyncio.to_thread(read, self.rules.file)
        self._kept = newer(self._kept, found)

    async def _api_answers(self) -> bool | None:
        return None if self.rules.origin is None else await answers(self.rules.origin)

    async def _made(self, now: datetime) -> Snapshot:
        components = self.rules.components
        since = now - timedelta(days=DAYS)
        intervals = await self.board.intervals(components, since)
        incidents = [one for one in await self.incidents.listed(since) if one.published_at is not None]
        maintenance = await self.incidents.maintenance(since)
        standing = {one.id: one for one in await self.board.components(components)}
        public = [_public(one) for one in incidents]
        lines = []
        for component in components:
            away = [
                (one.starts_at, one.ends_at)
                for one in maintenance
                if component.id in one.components and one.cancelled_at is None
            ]
            # What was announced as an outage is one, though no check could record it: the database may have been away.
            told = [
                Interval(one.impact, one.started_at, one.ended_at or now)
                for one in incidents
                if component.id in one.components
            ]
            figures = days([*intervals[component.id], *told], away, now)
            known = standing.get(component.id)
            state = "unknown" if known is None or now - known.checked_at > OLD else known.state
            lines.append(
                PublicComponent(
                    id=component.id,
                    name=component.name,
                    about=component.about,
                    state=shown_state(component.id, state, public, maintenance, now),
                    uptime=uptime_of(figures),
                    days=tuple(_day(one) for one in figures),
                )
            )
        return Snapshot(
            company=self.rules.company,
            made_at=now,
            components=tuple(lines),
            incidents=tuple(public),
            maintenance=tuple(maintenance),
        )


async def answers(origin: str) -> bool:
    """Whether the API at this address says that it is ready."""
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE) as client:
            return (await client.get(f"{origin}/health/ready")).is_success
    except httpx.HTTPError:
        return False


def _public(one: StaffIncident) -> Incident:
    return Incident(
        id=one.id,
        title=one.title,
        severity=one.severity,
        impact=one.impact,
        components=one.components,
        started_at=one.started_at,
        ended_at=one.ended_at,
        updates=one.updates,
        report=one.report,
        report_url=one.report_url,
        reported_at=one.reported_at,
    )


def _day(one: DayFigures) -> Day:
    return Day(
        day=one.day,
        kind=one.kind,
        uptime=one.uptime,
        operational=round(one.operational),
        degraded=round(one.degraded),
        down=round(one.down),
        maintenance=round(one.maintenance),
    )
