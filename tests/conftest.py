"""Real servers for every test that asks: one PostgreSQL and one Redis a run, one empty migrated database a test."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
from hypothesis import settings

from infra.crypto.keyring import Keyring
from infra.embedded.servers import EmbeddedServers, RunningServers
from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from tests.databases import LentDatabases, OpenPools, a_database

# In the background of a shell Ctrl-C is ignored, behind nohup the hang-up; programs of tests would inherit that.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)

# As the product's own logs: an exception with its place. With every variable around it, which is what structlog shows a
# developer, one line takes seconds, and a test that provokes failures takes minutes.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

# The same examples in every run, however slow the machine: what hypothesis finds is found on purpose, not by luck.
settings.register_profile("csagent", deadline=None, derandomize=True)
settings.load_profile("csagent")


UNTRACED = {"acceptance", "architecture", "chaos", "evals", "loadtest", "mutation"}
"""Folders of tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: a run is over when its last file is.

    And it runs untraced, as do the browsers' tests, the children of all, and what tests no code of the product by
    itself: tracing takes half as long as what it traces, and the quick tests are to cover the code by themselves.
    """
    early = {item.path for item in items if item.get_closest_marker("early")}
    items.sort(key=lambda item: item.path not in early)
    for item in items:
        if item.path in early or item.get_closest_marker("browser") or item.path.parent.name in UNTRACED:
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[RunningServers]:
    """PostgreSQL and Redis for the whole run: those that the environment names, else embedded ones."""
    given = os.environ.get("CSAGENT_TEST_DATABASE_URL")
    if given:
        yield RunningServers(given, os.environ.get("CSAGENT_TEST_REDIS_URL"), Path(), joined=True)
        return
    with tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as place:
        folder = Path(place)
        os.chmod(place, 0o755)  # noqa: PTH101 - as root the servers run as somebody else, who has to get in
        async with EmbeddedServers(folder / "data", durable=False, system_folder=folder / "system") as running:
            yield running


@pytest.fixture(scope="session")
def server_url(servers: RunningServers) -> str:
    """The PostgreSQL server of this run."""
    return servers.database_url


@pytest.fixture(scope="session")
def redis_url(servers: RunningServers) -> str:
    """The Redis server of this run; tests use a prefix of their own."""
    if servers.redis_url is None:
        pytest.skip("no redis-server was found on this machine")
    return servers.redis_url


@pytest.fixture(scope="session")
async def template(server_url: str) -> AsyncIterator[str]:
    """The name of a migrated database that tests copy."""
    with a_database(server_url) as url:
        database = Database(url)
        await database.open()
        await migrate(database)
        await database.close()
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture(scope="session")
def databases(server_url: str, template: str) -> Iterator[LentDatabases]:
    """Migrated databases that tests borrow."""
    lent = LentDatabases(server_url, template)
    yield lent
    lent.close()


@pytest.fixture
def database_url(databases: LentDatabases) -> Iterator[str]:
    """A migrated database with nothing in it."""
    with databases.lend() as url:
        yield url


@pytest.fixture(scope="session")
async def pools(databases: LentDatabases) -> AsyncIterator[OpenPools]:
    """Opened pools, one for each database that tests borrow."""
    opened = OpenPools(databases)
    yield opened
    await opened.close()


@pytest.fixture
async def database(database_url: str, pools: OpenPools) -> AsyncIterator[Database]:
    """An opened pool on a fresh migrated database."""
    async with pools.lend(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """Keys of this run."""
    return Keyring({"test": b"m" * 32}, b"i" * 32)
