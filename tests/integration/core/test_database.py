"""The pool: what is refused at its opening, how errors are translated, and that it recovers by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from infra.postgres.database import Connection, Database, refuse_unfit_server, translated
from skills.errors import ConfigurationError, DatabaseUnavailableError


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def refusal(url: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refused:
        await Database(url).open()
    assert "\n" not in str(refused.value)
    assert refused.value.hint
    return refused.value


async def test_an_address_where_nobody_answers_is_one_line_with_a_hint() -> None:
    error = await refusal(f"postgresql://nobody:secret@127.0.0.1:{closed_port()}/none")
    assert str(error).startswith("PostgreSQL does not answer: ")
    assert "secret" not in str(error)
    assert "DATABASE_URL" in str(error.hint)


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://", "http://x", "postgresql://127.0.0.1:99999/x", "host=\udcff"]
)
async def test_an_address_that_makes_no_sense_is_one_line_with_a_hint(url: str) -> None:
    await refusal(url if url != "postgresql://" else f"postgresql://127.0.0.1:{closed_port()}")


async def test_a_database_that_does_not_exist_is_named(server_url: str) -> None:
    error = await refusal(server_url.rpartition("/")[0] + "/no_such_database")
    assert "no_such_database" in str(error)


class Server:
    """A connection to a server of another kind."""

    def __init__(self, version: int, *, vector: bool) -> None:
        self.info = SimpleNamespace(server_version=version)
        self._vector = vector

    async def execute(self, _statement: str) -> Any:
        row = {"?column?": 1} if self._vector else None

        async def fetchone() -> dict[str, int] | None:
            return row

        return SimpleNamespace(fetchone=fetchone)


@pytest.mark.parametrize(
    ("version", "vector", "says"),
    [
        (150008, True, "PostgreSQL 15 is too old"),
        (90624, True, "PostgreSQL 9 is too old"),
        (160000, False, "no pgvector"),
    ],
)
async def test_an_unfit_server_is_refused_with_what_to_do(version: int, vector: bool, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        await refuse_unfit_server(cast("Connection", Server(version, vector=vector)))
    assert refused.value.hint


async def test_a_fit_server_is_taken() -> None:
    await refuse_unfit_server(cast("Connection", Server(160000, vector=True)))


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Database]:
    """A pool of two with short patience."""
    database = Database(database_url, size=2, statement_timeout=0.1, wait=0.2, application="csagent hasty")
    await database.open()
    yield database
    await database.close()


async def test_a_statement_that_takes_too_long_is_given_up(hasty: Database) -> None:
    with pytest.raises(DatabaseUnavailableError, match="too long") as late:
        async with hasty.connection() as connection:
            await connection.execute("select pg_sleep(5)")
    assert isinstance(late.value.__cause__, psycopg.errors.QueryCanceled)
    async with hasty.connection() as connection:
        assert await (await connection.execute("select 1 as one")).fetchone() == {"one": 1}


async def test_an_exhausted_pool_is_said_after_a_short_wait(hasty: Database) -> None:
    async with hasty.connection(), hasty.connection():
        with pytest.raises(DatabaseUnavailableError):
            async with hasty.connection():
                pass


async def test_a_programming_error_passes_as_it_is(hasty: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with hasty.connection() as connection:
            await connection.execute("select * from nothing_of_the_kind")
    with pytest.raises(ValueError, match="mine"), translated():
        raise ValueError("mine")


async def test_a_transaction_is_all_or_nothing(hasty: Database) -> None:
    async def count() -> int:
        async with hasty.connection() as connection:
            row = await (await connection.execute("select count(*) as n from dead_letters")).fetchone()
        assert row is not None
        return int(row["n"])

    statement = (
        "insert into events (id, kind) values (gen_random_uuid(), 'test');"
        " create table if not exists made_in_a_transaction (a int)"
    )
    with pytest.raises(ValueError, match="no"):  # noqa: PT012 - the block is what is translated
        async with hasty.transaction() as connection:
            await connection.execute(statement)
            raise ValueError("no")
    async with hasty.connection() as connection:
        found = await (await connection.execute("select to_regclass('made_in_a_transaction') as t")).fetchone()
        assert found == {"t": None}
    assert await count() == 0


async def test_connections_say_who_they_are_and_keep_utc(hasty: Database) -> None:
    async with hasty.connection() as connection:
        row = await (
            await connection.execute(
                "select current_setting('application_name') as name, current_setting('timezone') as zone,"
                " current_setting('idle_in_transaction_session_timeout') as idle"
            )
        ).fetchone()
    assert row is not None
    assert (row["name"], row["zone"].lower(), row["idle"]) == ("csagent hasty", "utc", "15s")


async def test_a_pool_whose_connections_were_all_cut_recovers_by_itself(hasty: Database, database_url: str) -> None:
    for _ in range(3):
        async with hasty.connection() as one, hasty.connection() as two:
            await one.execute("select 1")
            await two.execute("select 1")
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'csagent hasty'"
            )
        async with asyncio.timeout(5):
            while True:
                try:
                    async with hasty.connection() as connection:
                        await connection.execute("select 1")
                    break
                except DatabaseUnavailableError:
                    await asyncio.sleep(0.05)


async def test_a_connection_that_is_cut_while_it_is_used_is_unavailable(hasty: Database, database_url: str) -> None:
    with pytest.raises(DatabaseUnavailableError):  # noqa: PT012 - the block is what is translated
        async with hasty.transaction() as connection:
            await connection.execute("select 1")
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
            await connection.execute("select 1")


async def test_a_process_with_thousands_of_open_files_still_reaches_the_database(database_url: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2000:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    database = Database(database_url, size=2)
    try:
        await database.open()
        for _ in range(2):
            async with database.connection() as connection:
                assert connection.pgconn.socket > 1024
                await connection.execute("select 1")
    finally:
        await database.close()
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
