"""Archives of events: a month's partition at a time, whole, and then the partition is dropped.

While a month is copied, its partition takes no writes, which nobody wants of a month that is long over; everything else
goes on. Dropping it needs a moment alone with the whole table: that is asked for again and again in short moments, so
that nobody who writes an event waits longer than that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from infra.postgres.archive import Archived, Source, Terms, archiving, snapshot
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from skills.errors import DatabaseUnavailableError

_LINES = "select json_build_object('table', 'events', 'row', row_to_json(r))::text as line from {} r"
_ATTEMPTS = 40


@dataclass(frozen=True, slots=True)
class Month:
    """A partition and the time that it holds, ``first`` included, ``last`` excluded."""

    partition: str
    first: datetime
    last: datetime


class EventArchive:
    """Moves months of events to archives, or drops them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("archive")

    async def months(self, before: datetime) -> list[Month]:
        """The months that were over by then and are still in the database, oldest first."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["partitions"])).fetchall()
        return [month for row in rows if (month := _month(row["name"])).last <= before]

    async def move(self, month: Month, terms: Terms) -> Archived:
        """Archive a month and drop it.

        Raises:
            ArchiveError: nothing was dropped.
            DatabaseUnavailableError: nothing was dropped: others were in the way, another archives this month, or it is
                gone; or the answer to the commit was lost, and the archive is there.
        """
        partition = Identifier(month.partition)
        async with archiving(self._database, terms, "events", f"events-{month.first:%Y-%m}") as (connection, archive):
            await self._lock(connection, month)
            source = Source("events", SQL(_LINES).format(partition))
            manifest = await archive.copy([source], (month.first.isoformat(), month.last.isoformat()))
            await terms.check()
            data = {"month": f"{month.first:%Y-%m}", "file": archive.name, "rows": manifest.rows}
            await self._drop(connection, month)
            await self._log(connection, "events.archived", terms.actor, data)
            path = await archive.publish(manifest)
        return Archived(path, f"{month.first:%Y-%m}", {"events": manifest.rows})

    async def drop(self, month: Month, actor: str) -> Archived:
        """Drop a month without an archive.

        Raises:
            DatabaseUnavailableError: nothing was dropped.
        """
        async with snapshot(self._database) as connection:
            await self._lock(connection, month)
            counting = SQL("select count(*) as rows from {}").format(Identifier(month.partition))
            row = await (await connection.execute(counting)).fetchone()
            assert row is not None  # an aggregate always has a row
            data = {"month": f"{month.first:%Y-%m}", "rows": row["rows"]}
            await self._drop(connection, month)
            await self._log(connection, "events.dropped", actor, data)
        return Archived(None, f"{month.first:%Y-%m}", {"events": row["rows"]})

    async def _lock(self, connection: Connection, month: Month) -> None:
        """Nobody writes into the month, and nobody else archives it."""
        lock = SQL("lock table {} in share row exclusive mode").format(Identifier(month.partition))
        await connection.execute(lock)

    async def _drop(self, connection: Connection, month: Month) -> None:
        """Drop the partition, waiting a fifth of a second at a time for a moment alone."""
        await connection.execute("set local lock_timeout = '200ms'")
        for _ in range(_ATTEMPTS):
            try:
                async with connection.transaction():
                    await connection.execute(SQL("drop table {}").format(Identifier(month.partition)))
            except LockNotAvailable:
                await asyncio.sleep(0.3)
            else:
                return
        raise DatabaseUnavailableError(f"{month.partition} is in use all the time")

    async def _log(self, connection: Connection, kind: str, actor: str, data: dict[str, object]) -> None:
        await connection.execute(self._sql["log_events"], {"kind": kind, "actor": actor, "data": Jsonb(data)})


def _month(partition: str) -> Month:
    _, year, month = partition.split("_")
    first = datetime(int(year), int(month), 1, tzinfo=UTC)
    return Month(partition, first, months_later(first, 1))


def months_later(moment: datetime, months: int) -> datetime:
    """The beginning of the month so many months after (or, negative, before) the one of ``moment``, in UTC."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)
