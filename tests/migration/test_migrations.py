"""Migrations: replayed from nothing they make the schema that is written down, and a strange history is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import dict_row

from infra.postgres.database import Database
from infra.postgres.migrate import known_migrations, migrate, pending
from skills.errors import ConfigurationError
from tests.architecture.generated import SCHEMA, schema_document
from tests.databases import a_database


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """A database with nothing in it."""
    with a_database(server_url) as url:
        yield url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, size=4)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def test_replayed_from_nothing_they_make_the_schema_that_is_written_down(empty_url: str) -> None:
    async with opened(empty_url) as database:
        assert await pending(database) == known_migrations()
        assert await migrate(database) == known_migrations()
        assert await pending(database) == []
    assert schema_document(empty_url) == SCHEMA.read_text(encoding="utf-8"), "run `make docs`"


def test_they_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in known_migrations()] == list(range(1, len(known_migrations()) + 1))


async def test_a_second_run_finds_nothing_to_do(database: Database) -> None:
    assert await migrate(database) == []


async def test_of_two_at_once_one_applies_and_the_other_finds_it_done(empty_url: str) -> None:
    async with opened(empty_url) as one, opened(empty_url) as other:
        applied = await asyncio.gather(migrate(one), migrate(other))
    assert sorted(applied, key=len) == [[], known_migrations()]


async def test_an_edited_migration_that_was_applied_is_refused(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("update migrations set checksum = 'of another text' where number = 2")
    with pytest.raises(ConfigurationError, match="0002_conversations was changed after it was applied") as refused:
        await migrate(database)
    assert "new migration" in str(refused.value.hint)


async def test_a_database_that_is_newer_than_the_program_is_refused(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("insert into migrations (number, name, checksum) values (9999, '9999_later', '')")
    with pytest.raises(ConfigurationError, match="migration 9999, which this version does not know") as refused:
        await migrate(database)
    assert "newer" in str(refused.value.hint)


async def test_a_migration_that_fails_leaves_nothing_of_itself_and_runs_again(empty_url: str) -> None:
    async with opened(empty_url) as database:
        async with database.connection() as connection:
            await connection.execute("create table outbox (in_the_way integer)")
        with pytest.raises(psycopg.errors.DuplicateTable):
            await migrate(database)
        assert await pending(database) == known_migrations()[2:]
        async with database.connection() as connection:
            made = await (await connection.execute("select to_regclass('turns') as turns")).fetchone()
            assert made == {"turns": None}
            await connection.execute("drop table outbox")
        assert await migrate(database) == known_migrations()[2:]


_CHECKPOINT_TABLES = "table_schema = 'public' and table_name like 'checkpoint%'"
_SHAPE = {
    "columns": f"""
        select table_name, column_name, ordinal_position, data_type, is_nullable, column_default
        from information_schema.columns where {_CHECKPOINT_TABLES} order by 1, 3""",
    "indexes": "select indexname, indexdef from pg_indexes where tablename like 'checkpoint%' order by 1",
    "keys": f"""
        select table_name, constraint_type, count(*)
        from information_schema.table_constraints where {_CHECKPOINT_TABLES} and constraint_type <> 'CHECK'
        group by 1, 2 order by 1, 2""",
    "version": "select v from checkpoint_migrations order by v",
}


async def test_the_checkpoint_tables_are_those_that_langgraph_makes(empty_url: str, database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(empty_url, autocommit=True, row_factory=dict_row) as connection:
        await AsyncPostgresSaver(connection).setup()
    for what, statement in _SHAPE.items():
        with psycopg.connect(empty_url) as theirs, psycopg.connect(database_url) as ours:
            assert ours.execute(statement).fetchall() == theirs.execute(statement).fetchall(), what
