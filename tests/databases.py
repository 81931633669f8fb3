"""Databases for one test or one module, made on the run's server.

Making and dropping one costs more than most tests do: a drop alone is a checkpoint of the whole server. So migrated
databases are lent: what a test wrote is deleted when it gives its database back, and the next test has it. One whose
schema was changed, or that grew, is dropped instead. The connection that does it stays: a new one would read what is
known of all tables first, and that takes longer than the rest.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg_pool import PoolTimeout

from infra.postgres.database import Database

_CATALOGUES: tuple[LiteralString, ...] = (
    "pg_attribute",
    "pg_attrdef",
    "pg_constraint",
    "pg_index",
    "pg_namespace",
    "pg_proc",
    "pg_trigger",
)
"""Every change of a schema writes rows into one of these, under a new transaction's number."""

_SEEDED: tuple[LiteralString, ...] = ("migrations", "checkpoint_migrations", "scheduler_lease")
"""Tables that migrations write rows into."""

STATE = sql.SQL("""
select
    {catalogues},
    {seeded},
    (select array_agg(oid order by oid) from pg_class),
    (select setconfig from pg_db_role_setting s where s.setdatabase = d.oid),
    datconnlimit
from pg_database d
where datname = current_database()
""").format(
    catalogues=sql.SQL(", ").join(
        sql.SQL("(select row(count(*), sum(xmin::text::bigint)) from {})").format(sql.Identifier(name))
        for name in _CATALOGUES
    ),
    seeded=sql.SQL(", ").join(
        sql.SQL("(select array_agg(t::text order by t::text) from {} t)").format(sql.Identifier(name))
        for name in _SEEDED
    ),
)
"""What has to be as it was for the next test: the schema, the rows of migrations, the database's own settings."""

LARGE = 20_000_000
"""Bytes from which on deleting what a test wrote costs more than a new database."""

EMPTY = """
do $$
declare
    place regclass;
    filled boolean;
    deletions text;
begin
    for place in
        select oid from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> all({seeded})
    loop
        execute format('select exists (select from only %s)', place) into filled;
        if filled and (select relispartition from pg_class where oid = place) then
            execute format('truncate %s', place);  -- events may be added only
        elsif filled then
            deletions := concat_ws(', ', deletions, format('%I as (delete from only %s)', 'in_' || place, place));
        end if;
    end loop;
    -- In one statement, so that rows which refer to each other go at once.
    if deletions is not null then
        execute 'with ' || deletions || ' select';
    end if;
    perform setval(oid::regclass, 1, false) from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace;
end $$
"""

FORGET = "close all; reset all; unlisten *; select pg_advisory_unlock_all(); discard temp; discard sequences"
"""`discard all` but for prepared statements, of which the client keeps the names."""

DISCONNECT = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = %s and backend_type = 'client backend' and pid <> pg_backend_pid() and pid <> all(%s::int[])
"""


def on(url: str, database: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@contextmanager
def a_database(server_url: str, *, template: str | None = None) -> Iterator[str]:
    """The address of a database that is gone at the end, with whoever is still connected to it.

    `drop database ... with (force)` would refuse where autovacuum is at work, which an owner may not terminate; the
    plain form asks it to leave and waits.
    """
    name = f"test_{uuid4().hex[:12]}"
    create = sql.SQL("create database {}").format(sql.Identifier(name))
    if template is not None:
        create += sql.SQL(" template {}").format(sql.Identifier(template))
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(create)
    yield on(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(DISCONNECT, [name, []])
        server.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


class LentDatabases:
    """Copies of one migrated database, each lent to one test at a time."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self._template = template
        self._made: dict[str, ExitStack] = {}
        self._free: list[str] = []
        self._sweepers: dict[tuple[int, str], psycopg.Connection] = {}
        self.spared: dict[str, list[int]] = {}
        """By address: the server's processes whose connections stay when a database is given back."""
        with psycopg.connect(on(server_url, template)) as connection:
            self._sound = connection.execute(STATE).fetchone()

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The address of a database as it is after its migrations."""
        url = self._free.pop() if self._free else self._make()
        yield url
        if self._as_new(url):
            self._free.append(url)
        else:
            self._drop(url)

    def close(self) -> None:
        """Drop all."""
        for url in list(self._made):
            self._drop(url)

    def _make(self) -> str:
        made = ExitStack()
        url = made.enter_context(a_database(self._server_url, template=self._template))
        self._made[url] = made
        return url

    def _drop(self, url: str) -> None:
        sweeper = self._sweepers.pop((os.getpid(), url), None)
        if sweeper is not None:
            sweeper.close()
        self.spared.pop(url, None)
        self._made.pop(url).close()

    def _as_new(self, url: str) -> bool:
        """Empty it; false when that is not enough to make it as it was."""
        sweeper = self._sweeper(url)
        sweeper.execute(DISCONNECT, [urlsplit(url).path.removeprefix("/"), self.spared.get(url, [])])
        size = sweeper.execute("select pg_database_size(current_database())").fetchone()
        if size is None or size[0] > LARGE or sweeper.execute(STATE).fetchone() != self._sound:
            return False
        sweeper.execute(sql.SQL(EMPTY).format(seeded=sql.Literal(list(_SEEDED))))
        return True

    def _sweeper(self, url: str) -> psycopg.Connection:
        """The connection that stays; another where the test has ended it, and in a process that was forked off."""
        place = os.getpid(), url
        if place in self._sweepers:
            try:
                self._sweepers[place].execute("select")
            except psycopg.OperationalError:
                self._sweepers.pop(place).close()
        if place not in self._sweepers:
            self._sweepers[place] = psycopg.connect(url, autocommit=True)
        return self._sweepers[place]


class OpenPools:
    """Pools that stay open from one test to the next, for each new connection costs as much as a small test.

    Args:
        databases: where they are; a database that is dropped takes its pool along.
    """

    def __init__(self, databases: LentDatabases) -> None:
        self._databases = databases
        self._open: dict[str, Database] = {}

    @asynccontextmanager
    async def lend(self, url: str) -> AsyncIterator[Database]:
        """An opened pool, whose connections know nothing of who had it before."""
        database = self._open.pop(url, None)
        if database is not None and url not in self._databases.spared:
            await database.close()  # the database has been dropped
            database = None
        if database is None:
            database = Database(url, size=20)
            await database.open()
        yield database
        kept = await _forget(database)
        if kept:
            self._open[url], self._databases.spared[url] = database, kept
        else:
            self._databases.spared.pop(url, None)
            await database.close()

    async def close(self) -> None:
        """Close all."""
        for database in self._open.values():
            await database.close()


async def _forget(database: Database) -> list[int]:
    """Make a pool's connections as new, and tell the server's processes behind them; none if it is not at rest."""
    pool = database.pool
    if pool.closed:
        return []
    stats = pool.get_stats()
    if stats["pool_size"] != stats["pool_available"] or stats.get("requests_waiting"):
        return []
    taken = []
    try:
        for _ in range(stats["pool_size"]):
            taken.append(await pool.getconn())
            await taken[-1].execute(FORGET)
        return [connection.info.backend_pid for connection in taken]
    except (psycopg.Error, PoolTimeout):
        return []
    finally:
        for connection in taken:
            await pool.putconn(connection)
