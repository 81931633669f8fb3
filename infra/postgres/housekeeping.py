"""What the scheduler keeps in order: partitions ahead of time, leftovers, late reviews, idle threads.

Each of these may run twice at once, and be broken off anywhere: what is half done is done the next time.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from infra.postgres.database import Connection, Database
from infra.postgres.queries import load

BATCH = 1000
"""Threads that one statement prunes at most."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """Threads that were idle, and the rows that they had. ``more``: the time was up first."""

    threads: int
    rows: int
    more: bool


async def nothing_to_check() -> None:
    """For whoever works without a scheduler's lease."""


class Housekeeping:
    """The scheduler's small jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("housekeeping")

    async def make_partitions(self) -> int:
        """Make the events' partitions of this month and the next three; how many there were to make."""
        async with self._database.transaction() as connection:
            if not await self._alone(connection):
                return 0
            row = await (await connection.execute(self._sql["make_partitions"])).fetchone()
        assert row is not None  # the function always answers
        return int(row["made"])

    async def forget_model_replies(self) -> int:
        """Drop kept model replies that no turn in progress needs; how many."""
        return await self._count(self._sql["forget_model_replies"])

    async def note_late_reviews(self) -> int:
        """Write down which reviews are late, each once; how many were found late for the first time."""
        async with self._database.transaction() as connection:
            if not await self._alone(connection):
                return 0
            return (await connection.execute(self._sql["log_late"])).rowcount

    async def close_dead_letters(self) -> int:
        """Close the dead letters of cases that people have resolved; how many."""
        return await self._count(self._sql["close_dead_letters"])

    async def prune_threads(
        self, idle: timedelta, *, seconds: float = 20.0, check: Callable[[], Awaitable[None]] = nothing_to_check
    ) -> Pruned:
        """Delete what LangGraph kept of threads that have been idle; never of a paused one.

        Args:
            idle: how long nothing may have happened in the case.
            seconds: how long to go on.
            check: asked before each batch; it raises to break off.
        """
        deadline = time.monotonic() + seconds
        bound = _first_id_after(time.time() - idle.total_seconds())
        behind, threads, rows = "", 0, 0
        while time.monotonic() < deadline:
            await check()
            async with self._database.connection() as connection:
                cursor = await connection.execute(
                    self._sql["threads"], {"behind": behind, "bound": bound, "limit": BATCH}
                )
                found = [row["thread_id"] for row in await cursor.fetchall()]
                if not found:
                    return Pruned(threads, rows, more=False)
                cursor = await connection.execute(
                    self._sql["prune"], {"cases": [UUID(name) for name in found if _is_id(name)], "idle": idle}
                )
                done = await cursor.fetchone()
            assert done is not None  # two counts
            threads, rows, behind = threads + done["threads"], rows + done["rows"], found[-1]
        return Pruned(threads, rows, more=True)

    async def _alone(self, connection: Connection) -> bool:
        row = await (await connection.execute(self._sql["lock"])).fetchone()
        return row is not None and bool(row["mine"])

    async def _count(self, statement: LiteralString) -> int:
        async with self._database.connection() as connection:
            return (await connection.execute(statement)).rowcount


def _first_id_after(moment: float) -> str:
    """The lowest UUID of version 7 that is made at this moment, in seconds since 1970, as text."""
    return str(UUID(int=max(int(moment * 1000), 0) << 80))


def _is_id(name: str) -> bool:
    """Whether a thread is a case's; somebody may keep threads of their own in LangGraph's tables."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
