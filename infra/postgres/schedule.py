"""Who leads among the schedulers, and when each job is due: one lease row and one row a job.

One scheduler leads as long as it renews its lease. Killed or hanging, it stops renewing, and another leads when the
lease has run out by the server's clock. A lease row and no advisory lock: behind a proxy that shares connections
among transactions, a lock of the session would belong to whoever comes next. Every reign has a token of its own; what
an old leader still wants to write about jobs is refused for its token, and ``Reign.refuse_if_over`` stops it before
it deletes.

A job is due until it has *ended*: a leader that dies half-way leaves it due, and the next one runs it again, which
every job allows for. One that has ended is due at the next beat of its interval, whoever leads then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import LeaseLostError


@dataclass(frozen=True, slots=True)
class Beat:
    """When a job is due: every ``every``, counted from ``offset`` after midnight UTC."""

    every: timedelta
    offset: timedelta = timedelta(0)


class Reign:
    """One scheduler's time as the leader."""

    def __init__(self, database: Database, holder: str, token: int) -> None:
        self._database = database
        self._sql = load("schedule")
        self._mine = {"holder": holder, "token": token}
        self.token = token

    async def refuse_if_over(self) -> None:
        """See that it goes on, before something is deleted.

        Raises:
            LeaseLostError: another scheduler may lead by now.
        """
        async with self._database.connection() as connection:
            if await (await connection.execute(self._sql["leads"], self._mine)).fetchone() is None:
                raise LeaseLostError("another scheduler leads now")

    async def due(self, names: list[str]) -> list[str]:
        """Those of the jobs that are due, the longest due first; none when the reign is over."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["due"], {**self._mine, "names": names})
            return [row["name"] for row in await cursor.fetchall()]

    async def begin(self, name: str) -> None:
        """Write down that a job begins.

        Raises:
            LeaseLostError: another scheduler may lead by now, or has done the job.
        """
        async with self._database.connection() as connection:
            if await (await connection.execute(self._sql["begin"], {**self._mine, "name": name})).fetchone() is None:
                raise LeaseLostError("another scheduler leads now")

    async def finish(self, name: str, beat: Beat, *, more: bool) -> None:
        """Write down that it ended well. ``more``: work was left over, so that it is due again at once."""
        async with self._database.connection() as connection:
            await connection.execute(self._sql["finish"], {**self._mine, "name": name, **_seconds(beat), "more": more})

    async def fail(self, name: str, beat: Beat, error: str) -> None:
        """Write down that it failed; it is tried again soon, more slowly each time."""
        async with self._database.connection() as connection:
            await connection.execute(self._sql["fail"], {**self._mine, "name": name, **_seconds(beat), "error": error})


class Schedule:
    """The lease and the jobs' times, for one scheduler.

    Args:
        database: where they are.
        holder: this process, as an operator would name it; no two processes share a name.
        lease: how long a scheduler leads without renewing it; what a take-over waits for.
    """

    def __init__(self, database: Database, *, holder: str, lease: timedelta = timedelta(seconds=6)) -> None:
        self._database = database
        self._holder = holder
        self._sql = load("schedule")
        self.lease = lease

    async def hold(self) -> Reign | None:
        """Renew the lease, or take it if nobody has it; ``None`` while another scheduler leads."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["hold"], {"holder": self._holder, "lease": self.lease})
            row = await cursor.fetchone()
        return None if row is None else Reign(self._database, self._holder, row["token"])

    async def resign(self) -> None:
        """Let another lead at once."""
        async with self._database.connection() as connection:
            await connection.execute(self._sql["resign"], {"holder": self._holder})

    async def ended(self, name: str) -> datetime | None:
        """When a job last ended well; ``None`` when it never has."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["ended"], {"name": name})).fetchone()
        return None if row is None else row["ended_at"]

    async def register(self, name: str, beat: Beat) -> None:
        """Make a job known. One that is known already keeps its times."""
        async with self._database.connection() as connection:
            await connection.execute(self._sql["register"], {"name": name, **_seconds(beat)})


def _seconds(beat: Beat) -> dict[str, float]:
    return {"every": beat.every.total_seconds(), "offset": beat.offset.total_seconds()}
