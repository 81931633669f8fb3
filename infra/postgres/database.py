"""The pool of connections, and the one place where psycopg's errors become ours.

A connection is checked before it is lent and retired after half an hour, so that a restart of the server costs a retry,
never a stuck pool. Every statement has a deadline. Connections are in autocommit: a single statement is its own
transaction, ``Database.transaction()`` opens a longer one.

Who comes when every connection is lent waits, for a while and in limited company; then it is turned away with
``DatabaseBusyError``, which is told apart from a server that is away. A lane is a part of the pool for a part of the
work, such as everything that the public can cause: however much of it comes, the rest of the pool stays free.
"""

from __future__ import annotations

import asyncio
import copy
import select
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from infra.postgres.vectors import with_vectors
from skills.errors import ConfigurationError, DatabaseBusyError, DatabaseUnavailableError

Connection = AsyncConnection[DictRow]

MINIMUM_VERSION = 160000
"""PostgreSQL 16: what the SQL here needs; 18 is what it is tested on."""

_RECONNECT_SECONDS = 0.5
"""Between two attempts to reach a server that is away. The pool would double its pauses, and so sleep on for seconds
when the server is back; it is told to give up at once instead, and then to begin anew."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """A pool at this moment (``size``, ``available``, ``waiting``) and since the start of the process (the rest)."""

    size: int
    available: int
    waiting: int
    waits: int
    """How often somebody had to wait for a connection."""
    wait_seconds: float
    """How long all of them waited."""
    refused: int
    """How many were turned away, at once or after their wait."""


class Database:
    """A pool on one PostgreSQL server.

    Args:
        url: a libpq connection address, ``postgresql://…``.
        size: the most connections that this process may hold.
        application: shown in ``pg_stat_activity``, so that an operator sees who is who.
        statement_timeout: seconds after which the server gives a statement up.
        wait: seconds that a caller waits for a free connection.
        max_waiting: how many may wait at once; 0 for any number.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 10,
        application: str = "csagent",
        statement_timeout: float = 5.0,
        wait: float = 5.0,
        max_waiting: int = 0,
    ) -> None:
        self.url = url
        self.size = size
        self._crowd = _Crowd()
        self._gate: _Gate | None = None
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=min(2, size),
            max_size=size,
            timeout=wait,
            max_waiting=max_waiting,
            max_idle=120.0,
            max_lifetime=1800.0,
            reconnect_timeout=_RECONNECT_SECONDS,
            reconnect_failed=_begin_anew,
            open=False,
            check=refuse_closed,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "context": with_vectors(),
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

    async def open_whenever(self) -> None:
        """Connect in the background, again and again: to a server that nobody waits for, such as a replica."""
        await self.pool.open()

    async def close(self) -> None:
        """Give every connection back to the server."""
        await self.pool.close(timeout=5.0)

    def lane(self, most: int) -> Self:
        """The same pool for work that may hold ``most`` connections at once.

        It waits as long, and in as large a company, as the pool's own callers may. It is neither opened nor closed.
        """
        lane = copy.copy(self)
        gate = _Gate(most, wait=self.pool.timeout, max_waiting=self.pool.max_waiting, crowd=self._crowd)
        lane._gate = gate  # noqa: SLF001 - it is one of us
        return lane

    def state(self) -> PoolState:
        """How busy the pool is, its lanes included."""
        told, crowd = self.pool.get_stats(), self._crowd
        return PoolState(
            size=told.get("pool_size", 0),
            available=told.get("pool_available", 0),
            waiting=told.get("requests_waiting", 0) + crowd.waiting,
            waits=told.get("requests_queued", 0) + crowd.waits,
            wait_seconds=told.get("requests_wait_ms", 0) / 1000 + crowd.wait_seconds,
            refused=told.get("requests_errors", 0) + crowd.refused,
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit.

        Raises:
            DatabaseBusyError: every connection was in use, for too long or with too many waiting.
            DatabaseUnavailableError: the server went away, or a statement overran.
        """
        with translated():
            async with self._gate or nullcontext():
                try:
                    async with self.pool.connection() as connection:
                        self._crowd.lent += 1
                        try:
                            yield connection
                        finally:
                            self._crowd.lent -= 1
                except (PoolTimeout, TooManyRequests) as error:
                    if self._crowd.lent < self.size:
                        raise  # there would be room: it is the server that gives no connections
                    raise DatabaseBusyError(
                        "pool_timeout" if isinstance(error, PoolTimeout) else "pool_full"
                    ) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection within one transaction: committed at the end of the block, rolled back by any error."""
        async with self.connection() as connection, connection.transaction():
            yield connection


@dataclass(slots=True)
class _Crowd:
    """Who has a connection, and who waits before a lane; one for a pool and all its lanes."""

    lent: int = 0
    waiting: int = 0
    waits: int = 0
    wait_seconds: float = 0.0
    refused: int = 0


class _Gate:
    """Lets so many into a lane at once, and keeps the queue before it short."""

    def __init__(self, most: int, *, wait: float, max_waiting: int, crowd: _Crowd) -> None:
        self._places = asyncio.Semaphore(most)
        self._waiting = 0
        self._wait = wait
        self._max_waiting = max_waiting
        self._crowd = crowd

    async def __aenter__(self) -> None:
        if not self._places.locked():
            await self._places.acquire()  # without a pause: there is a place
            return
        if self._max_waiting and self._waiting >= self._max_waiting:
            self._crowd.refused += 1
            raise DatabaseBusyError("lane_full")
        began = time.monotonic()
        self._waiting += 1
        self._crowd.waiting += 1
        self._crowd.waits += 1
        try:
            async with asyncio.timeout(self._wait):
                await self._places.acquire()
        except TimeoutError as error:
            self._crowd.refused += 1
            raise DatabaseBusyError("lane_timeout") from error
        finally:
            self._waiting -= 1
            self._crowd.waiting -= 1
            self._crowd.wait_seconds += time.monotonic() - began

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._places.release()


async def _begin_anew(pool: AsyncConnectionPool[Connection]) -> None:
    if not pool.closed:
        await pool.check()  # makes a pool that has no connection try for one


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
