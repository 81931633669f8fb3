"""Keeps the rows that figures are made of: of every case in which something happened, computed again from its events.

A row is computed whole, from everything that is known of its case, and written over what was there. So it does not
matter in which order events come in, how late, or how often they are read. Killed anywhere: the step's transaction is
not there, and the next one does it. Two at once: the second leaves it to the first.

What went to the archive is not computed any more; its rows stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from skills.errors import ConflictError
from skills.turn import CaseId

OVERLAP = timedelta(minutes=2)
"""Events are read again for so long: their time is their transaction's beginning, and a slow one commits late."""
LOOK_BACK = timedelta(hours=36)
"""What is read once more at night."""
_BATCH = 500
"""Cases computed by one statement: far from its deadline."""
_ROUND = 20.0
"""Seconds after which no new step is begun."""


@dataclass(frozen=True, slots=True)
class Computed:
    """How many cases were looked at, in how many of them a figure may have changed, and whether there is more to do."""

    cases: int
    changed: int
    more: bool


class AnalyticsRows:
    """Computes them.

    Args:
        database: the one that is written to, never a replica.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("analytics_rows")

    async def refresh(self, *, check: Callable[[], Awaitable[None]] | None = None, seconds: float = _ROUND) -> Computed:
        """Compute what is new since the last time; the first time, everything there is.

        Args:
            check: is asked before every step, and raises when somebody else is to do it.
            seconds: after which no new step is begun.

        Raises:
            DatabaseUnavailableError: the last step was not done.
        """
        end = time.monotonic() + seconds
        cases = changed = 0
        while True:
            if check is not None:
                await check()
            step = await self._step()
            cases, changed = cases + step.cases, changed + step.changed
            if not step.more or time.monotonic() >= end:
                return Computed(cases, changed, step.more)

    async def look_back(self) -> None:
        """Have the events of the last days read once more, by the next steps."""
        async with self._database.connection() as connection:
            await connection.execute(self._sql["look_back"], {"span": LOOK_BACK})

    async def start_over(self) -> None:
        """Have every case computed again that is in the database, by the next steps."""
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["begin"])
            await connection.execute(self._sql["start_over"])

    async def judge(self, case_id: CaseId, *, solved: bool, person: str) -> None:
        """Write down that somebody has read a case that is over, and whether its matter is solved.

        Raises:
            ConflictError: there is no such case, or it is open.
        """
        values = {"event_id": uuid7(), "case_id": case_id, "person": person, "solved": solved}
        async with self._database.connection() as connection:
            if await (await connection.execute(self._sql["judge"], values)).fetchone() is None:
                raise ConflictError("only a case that is over can be judged", hint="look at its status first")

    async def _step(self) -> Computed:
        async with self._database.transaction() as connection:
            lock = await (await connection.execute(self._sql["lock"])).fetchone()
            if lock is None or not lock["mine"]:
                return Computed(0, 0, more=False)
            await connection.execute(self._sql["begin"])
            progress = await (await connection.execute(self._sql["progress"])).fetchone()
            assert progress is not None  # it was begun
            if progress["filled_to"] is not None:
                return await self._fill(connection, progress["filled_to"])
            span = {"since": progress["seen_at"] - OVERLAP, "until": progress["until"]}
            rows = await (await connection.execute(self._sql["changed"], span)).fetchall()
            found = [row["case_id"] for row in rows]
            changed = 0
            for first in range(0, len(found), _BATCH):
                changed += await self._compute(connection, found[first : first + _BATCH])
            changed += (await connection.execute(self._sql["follow_customers"], span)).rowcount
            await connection.execute(self._sql["seen"], {"until": progress["until"]})
            return Computed(len(found), changed, more=progress["until"] < progress["now"])

    async def _fill(self, connection: Connection, behind: UUID) -> Computed:
        """The next cases in the order of their ids."""
        cursor = await connection.execute(self._sql["cases_behind"], {"behind_id": behind, "limit": _BATCH})
        cases = [row["id"] for row in await cursor.fetchall()]
        changed = await self._compute(connection, cases) if cases else 0
        over = len(cases) < _BATCH
        await connection.execute(self._sql["filled"], {"last_id": None if over else cases[-1]})
        return Computed(len(cases), changed, more=True)

    async def _compute(self, connection: Connection, cases: Sequence[UUID]) -> int:
        """How many rows are different now."""
        changed = 0
        await connection.execute(self._sql["compute_labels"], {"cases": cases})
        for block in ("compute_cases", "compute_ends", "sum_ends", "withdraw_work", "compute_work", "label_work"):
            changed += (await connection.execute(self._sql[block], {"cases": cases})).rowcount
        return changed
