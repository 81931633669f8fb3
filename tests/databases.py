"""Databases for one test or one module, made on the run's server and dropped afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

DISCONNECT = """
select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and backend_type = 'client backend'
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
        server.execute(DISCONNECT, [name])
        server.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
