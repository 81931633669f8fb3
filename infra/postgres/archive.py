"""From the database to an archive, verified before anything is deleted.

One transaction each: rows → ``.partial`` file, forced to the disk → read back and compared with the database, by
count and checksum of every table → deleted → the file gets its name → commit. Killed anywhere before the commit: the
rows are all there, and the file is a ``.partial`` that the next run removes, or whole and verified and a copy too
many. Killed after it: the file is whole and verified. There is no moment at which neither is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from psycopg.sql import SQL, Composed
from uuid_utils.compat import uuid7

from infra.archive.files import SUFFIX, PartialArchive, sweep
from infra.archive.manifest import ArchiveError, Kind, Manifest, Table
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load

_FETCH = 2000
_PATIENT = SQL(
    "set local statement_timeout = '10min'; set local idle_in_transaction_session_timeout = '10min';"
    " set local lock_timeout = '2s'; set local timezone = 'UTC'; set local bytea_output = 'hex'"
)
"""A month of events takes longer than a turn; and rows must read the same in every session."""
_TALLY = (
    "with lines as ({}) select count(*) as rows, coalesce(sum("
    "('x' || encode(substring(sha256(convert_to(line, 'UTF8')) for 8), 'hex'))::bit(64)::bigint"
    "), 0)::text as checksum from lines"
)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Archived:
    """One archive that was written, and what went into it. ``path`` is ``None`` where rows were dropped without one."""

    path: Path | None
    what: str
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class Terms:
    """Where archives go, and on whose behalf.

    Attributes:
        folder: where the files are put.
        actor: who wants it, for the records: ``scheduler``, or an operator's name.
        check: asked before rows are deleted; it raises to break off.
    """

    folder: Path
    actor: str
    check: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of one table as lines."""

    table: str
    lines: SQL | Composed
    values: Mapping[str, Any] = field(default_factory=dict)


class Archive:
    """An archive in the making, and the transaction that deletes its rows.

    Args:
        connection: in a transaction of ``archiving``.
        draft: the file.
        kind: what it is of.
        actor: who wants it.
    """

    def __init__(self, connection: Connection, draft: PartialArchive, kind: Kind, actor: str) -> None:
        self._connection = connection
        self._draft = draft
        self._kind: Kind = kind
        self._actor = actor
        self._sql = load("archive")
        self.name = draft.path.name

    async def copy(self, sources: list[Source], span: tuple[str, str]) -> Manifest:
        """Write the rows down, read them back from the disk, and compare them with the database.

        Args:
            sources: parents before children, so that they can be put back in this order.
            span: first and last time, ISO 8601.

        Raises:
            ArchiveError: they could not be written, or the file does not hold what the database does.
        """
        for source in sources:
            async with self._connection.cursor(name="archive") as cursor:
                await cursor.execute(source.lines, source.values)
                while rows := await cursor.fetchmany(_FETCH):
                    await in_thread(self._draft.write, [row["line"] for row in rows])
        await in_thread(self._draft.finish)
        stored = await in_thread(self._draft.read_back)
        tables = {source.table: await self._table(source) for source in sources}
        size, sha256 = await in_thread(self._draft.digest)
        manifest = Manifest(
            file=self.name,
            kind=self._kind,
            first=span[0],
            last=span[1],
            migration=await self._migration(),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by=self._actor,
            size=size,
            sha256=sha256,
            tables=tables,
        )
        manifest.refuse_other_rows(stored)
        return manifest

    async def publish(self, manifest: Manifest) -> Path:
        """Give the file its name: the last thing before the commit."""
        await in_thread(self._draft.publish, manifest)
        return self._draft.path

    async def _table(self, source: Source) -> Table:
        """The database's own count and checksum of the rows, and the table's columns."""
        counted = await self._connection.execute(SQL(_TALLY).format(source.lines), source.values)
        row = await counted.fetchone()
        names = await self._connection.execute(self._sql["columns"], {"table": source.table})
        assert row is not None  # an aggregate always has a row
        return Table(row["rows"], row["checksum"], [found["name"] for found in await names.fetchall()])

    async def _migration(self) -> int:
        row = await (await self._connection.execute(self._sql["migration"])).fetchone()
        assert row is not None  # an aggregate always has a row
        return int(row["number"] or 0)


@asynccontextmanager
async def archiving(
    database: Database, terms: Terms, kind: Kind, stem: str
) -> AsyncIterator[tuple[Connection, Archive]]:
    """A transaction and an archive: both are kept at the end of the block, or after an error the rows only.

    Raises:
        ArchiveError: the folder can't be written to.
    """
    await in_thread(sweep, terms.folder)
    name = f"{stem}-{uuid7().hex[-12:]}{SUFFIX}"
    async with snapshot(database) as connection:
        draft = await in_thread(PartialArchive, terms.folder, name)
        try:
            yield connection, Archive(connection, draft, kind, terms.actor)
        finally:
            await in_thread(draft.abandon)


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """A patient transaction in which every statement sees the same rows, and none that others change is deleted."""
    async with database.transaction() as connection:
        await connection.execute("set transaction isolation level repeatable read")
        await connection.execute(_PATIENT)
        yield connection


async def in_thread(work: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
    """Run what blocks beside the loop. A cancellation waits for it, so that nobody else touches its file meanwhile."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise


def refuse_difference(what: str, deleted: int, archived: int) -> None:
    """Raise ArchiveError when other rows were about to be deleted than those that were archived."""
    if deleted != archived:
        raise ArchiveError(
            f"{deleted:,} rows of {what} would go, {archived:,} were archived", hint="nothing was deleted"
        )
