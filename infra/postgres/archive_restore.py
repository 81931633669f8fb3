"""Reading an archive back into the database: into a schema of its own, beside the product's tables.

What was sealed is sealed still. Rows of another schema version come in by their columns' names: a column that is gone
is left out, a new one is null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from psycopg.errors import DuplicateSchema
from psycopg.sql import SQL, Identifier

from infra.archive.files import read_lines, verify
from infra.archive.manifest import Manifest
from infra.postgres.archive import in_thread, refuse_difference, snapshot
from infra.postgres.database import Connection, Database
from skills.errors import BadRequestError

_BATCH = 1000
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_INSERT = (
    "insert into {place} select row.* from unnest(%(lines)s::json[]) line,"
    " json_populate_record(null::{place}, line -> 'row') row"
)


async def restore(database: Database, path: Path, schema: str) -> Manifest:
    """Put the rows of an archive into tables of their own names in a new schema, all of them or none.

    Raises:
        ArchiveError: the archive is not whole.
        BadRequestError: the schema is there already, or can't be called that.
    """
    if not _NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise BadRequestError(f"a schema can't be called {schema[:70]!r}", hint="letters, digits and _ ")
    manifest = await in_thread(verify, path)
    async with snapshot(database) as connection:
        try:
            await connection.execute(SQL("create schema {}").format(Identifier(schema)))
        except DuplicateSchema:
            raise BadRequestError(
                f"there is a schema {schema} already", hint=f"drop schema {schema} cascade, or choose another: --into"
            ) from None
        for table in manifest.tables:
            await connection.execute(
                SQL("create table {} (like {})").format(Identifier(schema, table), Identifier(table))
            )
        restored = dict.fromkeys(manifest.tables, 0)
        reader = read_lines(path)
        while batch := await in_thread(_next, reader):
            for table in manifest.tables:
                lines = [line for of, line in batch if of == table]
                if lines:
                    restored[table] += await _insert(connection, Identifier(schema, table), lines)
        for table, told in manifest.tables.items():
            refuse_difference(table, restored[table], told.rows)
    return manifest


def _next(reader: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(islice(reader, _BATCH))


async def _insert(connection: Connection, place: Identifier, lines: list[str]) -> int:
    return (await connection.execute(SQL(_INSERT).format(place=place), {"lines": lines})).rowcount
