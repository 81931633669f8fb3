"""Finds what people have to be told of, and notes it: once for every case, deadline and step, with whom it goes to.

Everything is found in the state of the database, so nothing is lost when whoever looks is killed: the next look finds
it. An alert and its sends are one statement; two who look at once note it once. How it then gets to people is
``infra.postgres.alert_sends``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.alerts.alert import Kind, Reachable, told
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.reviews import CLAIM

_BATCH = 200
_RECENT = timedelta(days=1)
_LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class AlertTerms:
    """When people are told. ``mail``: whether there is a server to hand mails to.

    Attributes:
        warn_share: how much of the time to the deadline is over when it counts as near.
        at_once: severities that are told of as soon as they wait.
        idle_claim: how long a claim on a late case may be left untouched.
        owned: how long a customer may wait for whoever owns their case.
        give_up: for how long an alert is tried.
        keep: how long old ones are kept.
    """

    mail: bool = False
    warn_share: float = 0.7
    at_once: Sequence[str] = ("P1", "P2")
    idle_claim: timedelta = timedelta(minutes=5)
    owned: timedelta = timedelta(hours=1)
    give_up: timedelta = timedelta(hours=24)
    keep: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """An alert, and how telling it went.

    Each send is ``id, medium, to, state, attempts, error, next_at, settled_at``.
    """

    id: UUID
    kind: Kind
    subject_id: UUID
    case_id: UUID | None
    severity: str | None
    channel: str | None
    due_at: datetime | None
    created_at: datetime
    sends: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AlertState:
    """How telling goes: sends that wait and since when, those given up within a week, alerts of today for nobody."""

    waiting: int
    oldest_seconds: float
    failed: int
    untold: int
    addresses: int
    """Accounts that could be told by mail."""
    endpoints: int
    gone: int
    """Endpoints that answered 410."""


class Alerts:
    """What there is to tell.

    Args:
        database: where it shows.
        terms: when people are told.
    """

    def __init__(self, database: Database, terms: AlertTerms) -> None:
        self._database = database
        self._terms = terms
        self._sql = load("alerts")

    async def note(self) -> int:
        """Note what has come up since the last look; how many alerts there are more."""
        terms = self._terms
        steps = {"warn_share": terms.warn_share, "at_once": list(terms.at_once), "limit": _BATCH}
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(self._sql["steps"], steps)).fetchall()
            troubles = {"owned": terms.owned, "limit": _BATCH}
            rows += await (await connection.execute(self._sql["troubles"], troubles)).fetchall()
            return await self._write(connection, rows)

    async def move_on(self) -> int:
        """Let go of claims that nothing comes of, so that the next reviewer takes the case; how many there were."""
        values = {"hold": CLAIM, "idle": self._terms.idle_claim, "limit": _BATCH}
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(self._sql["move_on"], values)).fetchall()
            await self._write(connection, rows)
            return len(rows)

    async def test(self, *, by: str) -> int:
        """Tell every endpoint, and whoever asks if they have an address, that telling works; how many are told."""
        row = {"kind": "test", "subject_id": uuid7(), "mark": datetime.now(UTC)}
        found = {**dict.fromkeys(("case_id", "severity", "channel", "due_at", "claimed_by")), **row}
        async with self._database.transaction() as connection:
            await self._write(connection, [found], asked_by=by)
            values = {"subject_id": row["subject_id"]}
            counted = await (await connection.execute(self._sql["sends_of"], values)).fetchone()
        assert counted is not None  # a count always has a row
        return int(counted["sends"])

    async def listed(self, *, limit: int = 50, before: UUID | None = None, failed: bool = False) -> list[ListedAlert]:
        """The newest first.

        Args:
            limit: at most so many.
            before: older than this one.
            failed: only those that somebody was not told of.
        """
        async with self._database.connection() as connection:
            return await self._listed(connection, before=before or _LAST, limit=limit, failed=failed)

    async def state(self) -> AlertState:
        """How telling goes."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["state"], {"recent": _first_id(_RECENT)})).fetchone()
        assert row is not None  # counts always have a row
        return AlertState(**row)

    async def forget(self) -> int:
        """Delete old ones that nobody needs; how many."""
        values = {"keep": self._terms.keep, "bound_id": _first_id(self._terms.keep), "limit": 1000}
        async with self._database.connection() as connection:
            return (await connection.execute(self._sql["forget"], values)).rowcount

    async def _listed(self, connection: Connection, *, before: UUID, limit: int, failed: bool) -> list[ListedAlert]:
        values = {"before_id": before, "limit": limit, "failed_only": failed}
        rows = await (await connection.execute(self._sql["listed"], values)).fetchall()
        return [ListedAlert(**row) for row in rows]

    async def _write(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]], *, asked_by: str | None = None
    ) -> int:
        if not rows:
            return 0
        people: list[Reachable] = []
        if self._terms.mail:
            found = await (await connection.execute(self._sql["reachable"])).fetchall()
            people = [Reachable(**row) for row in found]
        endpoints = await (await connection.execute(self._sql["open_endpoints"])).fetchall()
        alerts, sends = [], []
        for row in rows:
            alert_id = uuid7()
            alerts.append({"id": alert_id, **{name: row[name] for name in _COLUMNS}})
            asking = [one for one in people if one.name == asked_by]
            whom = asking or told(cast("Kind", row["kind"]), people, claimed_by=row["claimed_by"])
            sends += [{"id": uuid7(), "alert_id": alert_id, "account_id": one.id} for one in whom]
            sends += [{"id": uuid7(), "alert_id": alert_id, "endpoint_id": one["id"]} for one in endpoints]
        values = {"alerts": _json(alerts), "sends": _json(sends)}
        return len(await (await connection.execute(self._sql["note"], values)).fetchall())


_COLUMNS = ("kind", "subject_id", "mark", "case_id", "severity", "channel", "due_at")


def _json(rows: Sequence[Mapping[str, Any]]) -> Jsonb:
    plain = [
        {name: value if value is None or isinstance(value, str) else _text(value) for name, value in row.items()}
        for row in rows
    ]
    return Jsonb(plain)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _first_id(ago: timedelta) -> UUID:
    """The lowest id of version 7 that was made so long ago."""
    return UUID(int=max(int((time.time() - ago.total_seconds()) * 1000), 0) << 80)
