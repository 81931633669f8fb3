"""Databases that outlive the tests of one mutant: making one costs more than most tests do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from tests.databases import DISCONNECT, LentDatabases, a_database


@contextmanager
def a_template(server_url: str) -> Iterator[str]:
    """The name of a migrated database."""
    with a_database(server_url) as url:
        asyncio.run(_migrate(url))
        yield urlsplit(url).path.removeprefix("/")


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.open()
    await migrate(database)
    await database.close()


class Lane:
    """One place at which one mutant at a time is tried, with a database of its own."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self.template = template
        self.databases = LentDatabases(server_url, template)
        self._make_ready()

    @property
    def urls(self) -> frozenset[str]:
        """The databases that are there, as this process knows."""
        return frozenset(self.databases._made)

    def renew(self, left: frozenset[str]) -> None:
        """Have one empty database ready, after a child had ``left`` at its end: it drops some and makes others."""
        for url in left - self.urls:
            name = urlsplit(url).path.removeprefix("/")
            with psycopg.connect(self._server_url, autocommit=True) as server:
                server.execute(DISCONNECT, [name])
                server.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(name)))
        for url in self.urls - left:
            self.databases._made.pop(url).pop_all()  # it is gone, there is nothing to be done for it any more
            self.databases._free.remove(url)
        self._make_ready()

    def close(self) -> None:
        self.databases.close()

    def _make_ready(self) -> None:
        with self.databases.lend():
            pass
