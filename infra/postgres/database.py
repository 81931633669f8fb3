"""The pool of connections, and the one place where psycopg's errors become ours.

A connection is checked before it is lent and retired after half an hour, so that a restart of the server costs a retry,
never a stuck pool. Every statement has a deadline. Connections are in autocommit: a single statement is its own
transaction, ``Database.transaction()`` opens a longer one.
"""

from __future__ import annotations

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from skills.errors import ConfigurationError, DatabaseUnavailableError

Connection = AsyncConnection[DictRow]

MINIMUM_VERSION = 160000
"""PostgreSQL 16: what the SQL here needs; 18 is what it is tested on."""


class Database:
    """A pool on one PostgreSQL server.

    Args:
        url: a libpq connection address, ``postgresql://…``.
        size: the most connections that this process may hold.
        application: shown in ``pg_stat_activity``, so that an operator sees who is who.
        statement_timeout: seconds after which the server gives a statement up.
        wait: seconds that a caller waits for a free connection.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 10,
        application: str = "csagent",
        statement_timeout: float = 5.0,
        wait: float = 5.0,
    ) -> None:
        self.url = url
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=min(2, size),
            max_size=size,
            timeout=wait,
            max_idle=120.0,
            max_lifetime=1800.0,
            reconnect_timeout=60.0,
            open=False,
            check=refuse_closed,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "application_name": application,
                "connect_timeout": 5,
                "options": (
                    f"-c statement_timeout={int(statement_timeout * 1000)}"
                    " -c idle_in_transaction_session_timeout=15000 -c timezone=utc"
                    " -c jit=off"  # our statements are short; compiling one costs more than it saves
                ),
            },
        )

    async def open(self) -> None:
        """Connect, and see that the server is one that this product can run on.

        Raises:
            ConfigurationError: nobody answers at the address, the server is too old, or pgvector is missing.
        """
        try:
            connection = await AsyncConnection.connect(
                self.url, autocommit=True, row_factory=dict_row, connect_timeout=5
            )
        except (psycopg.Error, UnicodeError) as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            raise ConfigurationError(
                f"PostgreSQL does not answer: {reason}",
                hint="check DATABASE_URL, or leave it out to use the embedded server",
            ) from None
        async with connection:
            await refuse_unfit_server(connection)
        await self.pool.open()

    async def close(self) -> None:
        """Give every connection back to the server."""
        await self.pool.close(timeout=5.0)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit.

        Raises:
            DatabaseUnavailableError: no connection was free in time, the server went away, or a statement overran.
        """
        with translated():
            async with self.pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection within one transaction: committed at the end of the block, rolled back by any error."""
        async with self.connection() as connection, connection.transaction():
            yield connection


async def refuse_closed(connection: Connection) -> None:
    """See whether the server closed an idle connection, without asking it: its end then has something to read.

    A round trip at every loan would cost a tenth of a worker's time.
    """
    idle = select.poll()  # not select.select, which refuses descriptors above 1023
    idle.register(connection.pgconn.socket, select.POLLIN)
    if idle.poll(0):
        await AsyncConnectionPool.check_connection(connection)


class translated:  # noqa: N801 - reads as a verb where it is used
    """Turns psycopg's ways of saying "the server is gone" into ours; programming errors pass as they are."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, psycopg.errors.QueryCanceled):
            raise DatabaseUnavailableError("the database took too long over a statement") from error
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | PoolTimeout):
            raise DatabaseUnavailableError from error


async def refuse_unfit_server(connection: Connection) -> None:
    """Raise ConfigurationError unless the server is new enough and has, or can make, the vector extension."""
    if connection.info.server_version < MINIMUM_VERSION:
        raise ConfigurationError(
            f"PostgreSQL {connection.info.server_version // 10000} is too old",
            hint=f"use PostgreSQL {MINIMUM_VERSION // 10000} or newer (18 is tested)",
        )
    cursor = await connection.execute("select 1 from pg_available_extensions where name = 'vector'")
    if await cursor.fetchone() is None:
        raise ConfigurationError(
            "the PostgreSQL server has no pgvector",
            hint="install pgvector on the server (package postgresql-NN-pgvector) and start again",
        )
