"""How components stand and stood, and the snapshot that the public reads.

A check is written in one transaction under the component's row: its standing, and the interval that it continues, ends
or begins. A scheduler that dies between two checks leaves an interval that ends with its last one; when checks go on
after a gap that is too long, another interval begins, and the time between has no data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.status.checks import Verdict
from infra.status.components import BY_ID, Component, State
from infra.status.snapshot import Snapshot, parsed, written
from infra.status.steady import Standing, steady
from infra.status.uptime import Interval
from skills.errors import BadRequestError, NotFoundError


@dataclass(frozen=True, slots=True)
class ComponentStanding:
    """A component as staff see it. ``state`` is what counts: a person's word, else the checks'."""

    id: str
    state: State
    checks: State
    since: datetime
    troubled_since: datetime | None
    reason: str
    checked_at: datetime
    override_by: str | None = None
    override_at: datetime | None = None


class StatusBoard:
    """Components over time.

    Args:
        database: where they are.
        period: between two checks.
    """

    def __init__(self, database: Database, *, period: timedelta = timedelta(seconds=30)) -> None:
        self._database = database
        self._sql = load("status")
        self._period = period
        self._patience = 3 * period

    async def record(self, verdicts: Sequence[Verdict], now: datetime) -> int:
        """Write down what checks said; how many components have turned to another state."""
        turned = 0
        for verdict in verdicts:
            async with self._database.transaction() as connection:
                turned += await self._record(connection, verdict, now)
        return turned

    async def _record(self, connection: Connection, verdict: Verdict, now: datetime) -> bool:
        component = {"component": verdict.component, "now": now}
        row = await (await connection.execute(self._sql["component"], component)).fetchone()
        if row is None:
            await connection.execute(self._sql["add_component"], component)
            row = await (await connection.execute(self._sql["component"], component)).fetchone()
            assert row is not None  # it was put there
        if now - row["checked_at"] < self._period / 2:
            return False  # another scheduler has just looked
        before = _standing(row)
        after = steady(before, verdict.state, now)
        values = {
            **component,
            "state": after.state,
            "since": after.since,
            "run": after.run,
            "run_worse": after.run_worse,
            "run_since": after.run_since,
            "troubled_since": after.troubled_since,
            "reason": verdict.reason,
        }
        await connection.execute(self._sql["keep_component"], values)
        # A person's word counts from when it was given; a turn of the checks from the first of those that made it.
        counts: State = row["override"] or after.state
        began = after.since if counts == after.state and after.state != before.state else now
        await self._extend(connection, verdict.component, counts, began, now)
        if after.state == before.state:
            return False
        kind, data = "status.turned", {"component": verdict.component, "state": after.state, "reason": verdict.reason}
        await self._log(connection, kind, "checks", data)
        return True

    async def _extend(
        self, connection: Connection, component: str, state: State, began: datetime, now: datetime
    ) -> None:
        """Let the last interval go on, or end it where another began."""
        values = {"component": component}
        last = await (await connection.execute(self._sql["last_interval"], values)).fetchone()
        follows = last is not None and now - last["seen_at"] <= self._patience
        if last is not None and follows:
            goes_on = last["state"] == state
            seen = now if goes_on else max(last["began_at"], began)
            # Of a state that its checks took back at once nothing is left.
            block = self._sql["see_interval" if goes_on or seen > last["began_at"] else "drop_interval"]
            await connection.execute(block, {"id": last["id"], "seen_at": seen})
            if goes_on:
                return
        if state == "unknown":
            return
        start = began if follows else now
        new = {"id": uuid7(), **values, "state": state, "began_at": start, "now": now}
        await connection.execute(self._sql["add_interval"], new)

    async def components(self, known: Sequence[Component]) -> list[ComponentStanding]:
        """How these stand, in their order; those that were never checked are left out."""
        async with self._database.connection() as connection:
            values = {"components": [one.id for one in known]}
            rows = await (await connection.execute(self._sql["components"], values)).fetchall()
        found = {row["id"]: row for row in rows}
        return [_component(found[one.id]) for one in known if one.id in found]

    async def intervals(self, known: Sequence[Component], since: datetime) -> dict[str, list[Interval]]:
        """What these were since then."""
        found: dict[str, list[Interval]] = {one.id: [] for one in known}
        async with self._database.connection() as connection:
            values = {"components": list(found), "since": since}
            for row in await (await connection.execute(self._sql["intervals"], values)).fetchall():
                found[row["component"]].append(Interval(row["state"], row["began_at"], row["seen_at"]))
        return found

    async def override(self, component: str, state: State | None, *, by: str) -> None:
        """A person's word over the checks', until it is taken back (``None``).

        Raises:
            BadRequestError: nobody can say that it is unknown.
            NotFoundError: there is no such component, or it was never checked.
        """
        if state == "unknown":
            raise BadRequestError("a component can't be set to unknown", hint="operational, degraded, down, or nothing")
        values = {"component": component, "state": state, "by": None if state is None else by}
        async with self._database.transaction() as connection:
            if await (await connection.execute(self._sql["override"], values)).fetchone() is None:
                raise NotFoundError("there is no such component", hint=f"one of {', '.join(BY_ID)}")
            await self._log(connection, "status.overridden", by, {"component": component, "state": state})

    async def publish(self, snapshot: Snapshot) -> None:
        """Let the public read this from now on, unless a newer one is there."""
        values = {"made_at": snapshot.made_at, "snapshot": written(snapshot)}
        async with self._database.connection() as connection:
            await connection.execute(self._sql["publish"], values)

    async def published(self) -> Snapshot | None:
        """What the public reads; ``None`` while nothing was published."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["published"])).fetchone()
        return None if row is None else parsed(row["snapshot"])

    async def forget(self) -> int:
        """Delete intervals that no page shows any more; how many."""
        async with self._database.connection() as connection:
            return (await connection.execute(self._sql["forget_intervals"])).rowcount

    async def _log(self, connection: Connection, kind: str, actor: str, data: dict[str, Any]) -> None:
        values = {"event_id": uuid7(), "kind": kind, "actor": actor, "data": Jsonb(data)}
        await connection.execute(self._sql["log"], values)


def _standing(row: dict[str, Any]) -> Standing:
    return Standing(row["state"], row["since"], row["run"], row["run_worse"], row["run_since"], row["troubled_since"])


def _component(row: dict[str, Any]) -> ComponentStanding:
    return ComponentStanding(
        id=row["id"],
        state=row["override"] or row["state"],
        checks=row["state"],
        since=row["since"],
        troubled_since=row["troubled_since"],
        reason=row["reason"],
        checked_at=row["checked_at"],
        override_by=row["override_by"],
        override_at=row["override_at"],
    )
