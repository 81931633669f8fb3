"""Plain numbered SQL, applied in order, each file in its own transaction, once.

Crash half-way: the file that was running is rolled back whole and runs again next time. Two starts at once: an advisory
lock lets one migrate and the other find the work done. A file that changed after it was applied is an error, because
nobody knows then what the database looks like.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

from infra.postgres.database import Connection, Database
from skills.errors import ConfigurationError

_LOCK = 7_041_776
"""The advisory lock of migrations: any number, the same in every process."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``migrations/``."""

    number: int
    name: str
    sql: LiteralString

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, to see that an applied one has not been edited."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known_migrations() -> list[Migration]:
    """Every migration of this version, in order."""
    folder = files("infra.postgres").joinpath("migrations")
    found = [
        Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


async def migrate(database: Database) -> list[Migration]:
    """Bring the database up to date; returns what was applied just now.

    Raises:
        ConfigurationError: an applied file was edited, or the database is newer than this program.
    """
    async with database.connection() as connection:
        await connection.execute("set statement_timeout = 0")
        await connection.execute("select pg_advisory_lock(%s)", [_LOCK])
        try:
            await connection.execute(
                "create table if not exists migrations (number integer primary key, name text not null,"
                " checksum text not null, applied_at timestamptz not null default now())"
            )
            applied = await _applied(connection)
            _refuse_strange_history(applied)
            todo = [migration for migration in known_migrations() if migration.number not in applied]
            for migration in todo:
                await _apply(connection, migration)
            return todo
        finally:
            await connection.execute("select pg_advisory_unlock(%s)", [_LOCK])
            await connection.execute("reset statement_timeout")


async def pending(database: Database) -> list[Migration]:
    """What `csagent migrate` would apply."""
    async with database.connection() as connection:
        applied = await _applied(connection)
    return [migration for migration in known_migrations() if migration.number not in applied]


async def _applied(connection: Connection) -> dict[int, str]:
    """What the database says was applied; nothing where nobody ever migrated. Reads only."""
    there = await (await connection.execute("select to_regclass('migrations') is not null as there")).fetchone()
    if there is None or not there["there"]:
        return {}
    rows = await (await connection.execute("select number, checksum from migrations")).fetchall()
    return {row["number"]: row["checksum"] for row in rows}


def _refuse_strange_history(applied: dict[int, str]) -> None:
    known = {migration.number: migration for migration in known_migrations()}
    for number, checksum in sorted(applied.items()):
        if number not in known:
            raise ConfigurationError(
                f"the database has migration {number:04}, which this version does not know",
                hint="run the version that made it, or a newer one",
            )
        if known[number].checksum != checksum:
            raise ConfigurationError(
                f"migration {known[number].name} was changed after it was applied",
                hint="restore the file and put the change into a new migration",
            )


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into migrations (number, name, checksum) values (%s, %s, %s)",
            [migration.number, migration.name, migration.checksum],
        )
