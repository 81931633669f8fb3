"""Incidents, planned maintenance and reminders: what staff write for the status page, and what they forget to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.status import ComponentStanding
from infra.status.components import BY_ID, Impact, Phase, Severity
from infra.status.snapshot import Maintenance, Update
from infra.status.timers import Clock, Terms, reminders
from skills.errors import BadRequestError, ConflictError, NotFoundError

LONGEST_TITLE, LONGEST_TEXT = 120, 8_000
CHECKS = "checks"
"""Who opened a draft that nobody of the staff did."""
_MOST = 100
_BACKDATED = timedelta(days=31)
_TIMED = timedelta(days=60)
"""Older incidents are not reminded of any more."""


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody writes about an incident."""

    title: str
    severity: Severity
    impact: Impact
    components: tuple[str, ...]
    started_at: datetime


@dataclass(frozen=True, slots=True)
class StaffIncident:
    """An incident as staff see it; a draft while ``published_at`` is ``None``. The newest update comes first."""

    id: UUID
    title: str
    severity: Severity
    impact: Impact
    components: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None
    published_at: datetime | None
    dismissed_at: datetime | None
    opened_by: str
    report: str | None
    report_url: str | None
    reported_at: datetime | None
    updates: tuple[Update, ...] = ()

    @property
    def clock(self) -> Clock:
        """What timers look at."""
        return _clock({name: getattr(self, name) for name in (*_CLOCK, "id", "opened_by")})


class Incidents:
    """Writes and reads them.

    Args:
        database: where they are.
        terms: how long staff have for notice and report.
    """

    def __init__(self, database: Database, terms: Terms | None = None) -> None:
        self._database = database
        self._sql = load("incidents")
        self.terms = terms or Terms()

    async def open(self, written: Written, *, by: str, now: datetime) -> UUID:
        """A draft, which nobody outside sees before its first update.

        Raises:
            BadRequestError: something of it can't be.
        """
        _refuse(written, now)
        incident_id = uuid7()
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["open"], {"id": incident_id, **_values(written), "by": by})
            await self._log(connection, "status.incident_opened", by, incident_id, severity=written.severity)
        return incident_id

    async def change(self, incident_id: UUID, written: Written, *, by: str, now: datetime) -> None:
        """Correct what was written.

        Raises:
            NotFoundError: there is none.
            BadRequestError: something of it can't be.
        """
        _refuse(written, now)
        async with self._database.transaction() as connection:
            row = await self._locked(connection, incident_id)
            if row["ended_at"] is not None and row["ended_at"] < written.started_at:
                raise BadRequestError("it would end before it begins")
            await connection.execute(self._sql["change"], {"id": incident_id, **_values(written)})
            await self._log(connection, "status.incident_changed", by, incident_id, severity=written.severity)

    async def update(self, incident_id: UUID, phase: Phase, text: str, *, by: str, now: datetime) -> UUID:
        """Tell the public. The first update publishes a draft; ``resolved`` ends it, any other opens it again.

        Raises:
            NotFoundError: there is none.
            BadRequestError: there is no text, or too much of it.
            ConflictError: it was dismissed.
        """
        body = _text(text, "text", LONGEST_TEXT)
        update_id = uuid7()
        async with self._database.transaction() as connection:
            row = await self._locked(connection, incident_id)
            if row["dismissed_at"] is not None:
                raise ConflictError("this draft was dismissed", hint="open another incident")
            values = {"id": update_id, "incident_id": incident_id, "phase": phase, "body": body, "by": by, "now": now}
            await connection.execute(self._sql["add_update"], values)
            await connection.execute(self._sql["announce"], {"id": incident_id, "phase": phase, "now": now})
            first = row["published_at"] is None
            kind = "status.incident_published" if first else "status.incident_updated"
            await self._log(connection, kind, by, incident_id, phase=phase)
        return update_id

    async def dismiss(self, incident_id: UUID, *, by: str, now: datetime) -> None:
        """A draft was nothing.

        Raises:
            NotFoundError: there is none.
            ConflictError: the public has read it.
        """
        async with self._database.transaction() as connection:
            row = await self._locked(connection, incident_id)
            if row["published_at"] is not None:
                raise ConflictError("the public has read of it", hint="write an update that says what it was")
            if row["dismissed_at"] is None:
                await connection.execute(self._sql["dismiss"], {"id": incident_id, "now": now})
                await self._log(connection, "status.incident_dismissed", by, incident_id)

    async def report(self, incident_id: UUID, text: str, url: str, *, by: str) -> None:
        """What happened and what is done about it: a text, the address of one, or both.

        Raises:
            NotFoundError: there is none.
            BadRequestError: neither is there, or the address is none.
            ConflictError: it is not over, or nobody outside has heard of it.
        """
        if not text.strip() and not url.strip():
            raise BadRequestError("a report needs a text or an address")
        if url.strip() and not url.strip().startswith("https://"):
            raise BadRequestError("the report's address does not begin with https://")
        values = {
            "id": incident_id,
            "report": _text(text, "report", LONGEST_TEXT) if text.strip() else None,
            "report_url": _text(url, "address", 500) if url.strip() else None,
        }
        async with self._database.transaction() as connection:
            row = await self._locked(connection, incident_id)
            if row["ended_at"] is None or row["published_at"] is None:
                raise ConflictError("a report comes after the end", hint="write an update that says resolved first")
            await connection.execute(self._sql["report"], values)
            await self._log(connection, "status.incident_reported", by, incident_id)

    async def listed(self, since: datetime) -> list[StaffIncident]:
        """Open ones, drafts too, and those that began since then; dismissed ones are left out. At most a hundred."""
        async with self._database.connection() as connection:
            values = {"since": since, "limit": _MOST}
            rows = await (await connection.execute(self._sql["listed"], values)).fetchall()
            return await self._with_updates(connection, rows)

    async def one(self, incident_id: UUID) -> StaffIncident:
        """An incident.

        Raises:
            NotFoundError: there is none.
        """
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["one"], {"id": incident_id})).fetchall()
            if not rows:
                raise NotFoundError("there is no such incident")
            return (await self._with_updates(connection, rows))[0]

    async def open_drafts(self, components: Sequence[ComponentStanding], after: timedelta, now: datetime) -> int:
        """Open one draft of all that has been in trouble for so long and is no incident's yet; end those that are over.

        Returns:
            How many were opened: one at most.
        """
        async with self._database.transaction() as connection:
            ended = await (await connection.execute(self._sql["end_drafts"], {"now": now})).fetchall()
            for row in ended:
                await self._log(connection, "status.incident_ended", CHECKS, row["id"])
            troubled = [
                (one, one.troubled_since)
                for one in components
                if one.troubled_since is not None and one.state != "operational" and now - one.troubled_since >= after
            ]
            fresh = [(one, since) for one, since in troubled if not await self._covered(connection, one.id, since, now)]
            if not fresh:
                return 0
            names = ", ".join(BY_ID[one.id].name for one, _ in fresh)
            down = any(one.checks == "down" for one, _ in fresh)
            draft = Written(
                title=f"Trouble with {names}"[:LONGEST_TITLE],
                severity="P2" if down else "P3",
                impact="down" if down else "degraded",
                components=tuple(one.id for one, _ in fresh),
                started_at=min(since for _, since in fresh),
            )
            incident_id = uuid7()
            await connection.execute(self._sql["open"], {"id": incident_id, **_values(draft), "by": CHECKS})
            await self._log(connection, "status.incident_opened", CHECKS, incident_id, severity=draft.severity)
        return 1

    async def _covered(self, connection: Connection, component: str, since: datetime, now: datetime) -> bool:
        values = {"component": component, "since": since, "oldest": now - timedelta(days=365)}
        return await (await connection.execute(self._sql["covered"], values)).fetchone() is not None

    async def plan(
        self,
        title: str,
        text: str,
        components: Collection[str],
        starts_at: datetime,
        ends_at: datetime,
        *,
        by: str,
        now: datetime,
    ) -> UUID:
        """Announce maintenance. Only what is to come can be: nobody takes an outage out of the uptime afterwards.

        Raises:
            BadRequestError: something of it can't be.
        """
        _refuse_components(components)
        if starts_at < now - timedelta(minutes=5):
            raise BadRequestError("maintenance is announced before it begins", hint="write an incident instead")
        if ends_at <= starts_at or ends_at - starts_at > timedelta(days=7):
            raise BadRequestError("it ends after it begins, within a week")
        maintenance_id = uuid7()
        values = {
            "id": maintenance_id,
            "title": _text(title, "title", LONGEST_TITLE),
            "body": _text(text, "text", LONGEST_TEXT),
            "components": sorted(set(components)),
            "starts_at": starts_at,
            "ends_at": ends_at,
            "by": by,
        }
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["plan"], values)
            await self._log(connection, "status.maintenance_announced", by, maintenance_id)
        return maintenance_id

    async def end_maintenance(
        self, maintenance_id: UUID, *, by: str, now: datetime, ends_at: datetime | None = None
    ) -> None:
        """Cancel what has not begun, end what goes on, or let it go on until ``ends_at``.

        Raises:
            NotFoundError: there is none.
            ConflictError: it is over.
            BadRequestError: the new end has passed.
        """
        async with self._database.transaction() as connection:
            found = await connection.execute(self._sql["lock_maintenance"], {"id": maintenance_id})
            row = await found.fetchone()
            if row is None:
                raise NotFoundError("there is no such maintenance")
            if row["cancelled_at"] is not None or row["ends_at"] <= now:
                raise ConflictError("it is over already")
            if ends_at is not None and ends_at <= max(now, row["starts_at"]):
                raise BadRequestError("the new end is in the past, or before it begins")
            begun = row["starts_at"] < now
            values = {
                "id": maintenance_id,
                "ends_at": ends_at or (now if begun else row["ends_at"]),
                "cancelled_at": None if begun or ends_at else now,
            }
            await connection.execute(self._sql["move_maintenance"], values)
            kind = "moved" if ends_at else "ended" if begun else "cancelled"
            await self._log(connection, f"status.maintenance_{kind}", by, maintenance_id)

    async def maintenance(self, since: datetime) -> list[Maintenance]:
        """What ends later than that, the latest first; cancelled ones too. At most a hundred."""
        async with self._database.connection() as connection:
            values = {"since": since, "limit": _MOST}
            rows = await (await connection.execute(self._sql["maintenance"], values)).fetchall()
        return [Maintenance(**{name: row[name] for name in row if name != "body"}, text=row["body"]) for row in rows]

    async def raise_reminders(self, now: datetime) -> int:
        """Write down what staff have to be reminded of, once each; how many were new."""
        new = 0
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(self._sql["timed"], {"oldest": now - _TIMED})).fetchall()
            for row in rows:
                for kind, due in reminders(_clock(row), self.terms, now):
                    values = {"id": uuid7(), "incident_id": row["id"], "kind": kind, "due_at": due}
                    if await (await connection.execute(self._sql["remind"], values)).fetchone() is not None:
                        await self._log(connection, "status.reminder", CHECKS, row["id"], reminder=kind)
                        new += 1
        return new

    async def _with_updates(self, connection: Connection, rows: list[dict[str, Any]]) -> list[StaffIncident]:
        ids = [row["id"] for row in rows]
        updates: dict[UUID, list[Update]] = {one: [] for one in ids}
        for row in await (await connection.execute(self._sql["updates"], {"ids": ids})).fetchall():
            update = Update(id=row["id"], at=row["at"], phase=row["phase"], text=row["body"])
            updates[row["incident_id"]].append(update)
        return [
            StaffIncident(**{**row, "components": tuple(row["components"])}, updates=tuple(updates[row["id"]]))
            for row in rows
        ]

    async def _locked(self, connection: Connection, incident_id: UUID) -> dict[str, Any]:
        row = await (await connection.execute(self._sql["lock"], {"id": incident_id})).fetchone()
        if row is None:
            raise NotFoundError("there is no such incident")
        return row

    async def _log(self, connection: Connection, kind: str, actor: str, about: UUID, **data: str) -> None:
        values = {"event_id": uuid7(), "kind": kind, "actor": actor, "data": Jsonb({"id": str(about), **data})}
        await connection.execute(self._sql["log"], values)


_CLOCK = ("severity", "started_at", "ended_at", "published_at", "reported_at", "dismissed_at")


def _clock(row: dict[str, Any]) -> Clock:
    return Clock(row["id"], **{name: row[name] for name in _CLOCK}, by_checks=row["opened_by"] == CHECKS)


def _values(written: Written) -> dict[str, Any]:
    return {
        "title": _text(written.title, "title", LONGEST_TITLE),
        "severity": written.severity,
        "impact": written.impact,
        "components": sorted(set(written.components)),
        "started_at": written.started_at,
    }


def _refuse(written: Written, now: datetime) -> None:
    _refuse_components(written.components)
    if not now - _BACKDATED <= written.started_at <= now + timedelta(minutes=1):
        raise BadRequestError("an incident began within the last month", hint="planned work is maintenance")


def _refuse_components(components: Collection[str]) -> None:
    if not components or not {*components} <= {*BY_ID}:
        raise BadRequestError("say which components are affected", hint=f"of {', '.join(BY_ID)}")


def _text(text: str, name: str, longest: int) -> str:
    plain = text.strip().replace("\r\n", "\n")
    if not plain or len(plain) > longest or "\0" in plain:
        raise BadRequestError(f"the {name} is missing or too long", hint=f"1 to {longest:,} characters")
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise BadRequestError(f"the {name} is not valid Unicode", hint="encode it as UTF-8") from None
    return plain
