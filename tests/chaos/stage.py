"""Everything that a run needs, for real: servers behind a bad network, a provider, and the product's processes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from redis.asyncio import Redis

from evals.sample_company.stage import open_providers
from infra.embedded.servers import EmbeddedServers, RunningServers
from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from skills.turn import ChannelName
from tests.chaos.correspondents import BY_PROVIDER, Correspondents, Writer
from tests.chaos.customers import Customers
from tests.chaos.reviewers import Reviewers
from tests.emulators.loop_thread import LoopThread
from tests.emulators.provider import Provider
from tests.emulators.tcp_proxy import TcpProxy
from tests.product import NAMES, Product, environment, free_port

LEASE = 5.0
"""Seconds. Shorter than what ships (10), so that a bounded run sees more recoveries."""

QUICK = {"CSAGENT_GMAIL__POLL_SECONDS": "3", "CSAGENT_SETTLE__WHATSAPP": "0.1", "CHAOS_SETTLING": "10"}
"""Time pressed together: mail is looked for every 3 s (ships: 30), a provider's list is believed to be whole 10 s after
a call (ships: 2 and 5 minutes)."""


@dataclass
class Stage:
    """A running product and the world around it.

    Args:
        product: its processes.
        database: theirs, reached directly and not through the bad network.
        servers: the embedded servers.
        postgres: the network before PostgreSQL.
        redis: the network before Redis; nothing is behind it where there is no Redis.
        provider: of the relay channel.
        customers: who write, and what they were told.
        reviewers: who decide, and what they were told.
        dice: the run's chance.
        correspondents: customers who write through the emulators of Gmail and Twilio, where those were asked for.
    """

    product: Product
    database: Database
    servers: RunningServers
    postgres: TcpProxy
    redis: TcpProxy | None
    provider: Provider
    customers: Customers
    reviewers: Reviewers
    dice: random.Random
    correspondents: Correspondents | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def writer(self, kind: ChannelName) -> Writer:
        """A new customer on any channel."""
        if kind in BY_PROVIDER:
            assert self.correspondents is not None, "the stage has emulated providers"
            return self.correspondents.talk(kind)
        return self.customers.talk(kind)

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return await (await connection.execute(statement, values)).fetchall()

    async def restart_postgres(self, number: signal.Signals = signal.SIGQUIT) -> datetime:
        """End PostgreSQL at once, as ``pg_ctl -m immediate`` does; when it took connections again.

        Its keeper starts it again; what is measured from here is the product's own recovery.
        """
        pid_file = self.servers.folder / "postgres" / "postmaster.pid"
        old = int((await asyncio.to_thread(pid_file.read_text)).split()[0])
        os.kill(old, number)
        async with asyncio.timeout(60):
            while _runs(old):  # noqa: ASYNC110 - another process's end
                await asyncio.sleep(0.01)
            while True:
                try:
                    async with await psycopg.AsyncConnection.connect(self.servers.database_url, connect_timeout=2):
                        return datetime.now(UTC)
                except psycopg.OperationalError:
                    await asyncio.sleep(0.02)

    async def terminate_backends(self) -> int:
        """End every connection of the product to PostgreSQL; how many there were."""
        rows = await self.rows(
            "select count(pg_terminate_backend(pid)) as n from pg_stat_activity"
            " where application_name like 'csagent %%' and datname = current_database()"
        )
        return int(rows[0]["n"])

    async def with_redis(self, *command: str | int) -> None:
        """One command to the Redis server itself."""
        assert self.servers.redis_url is not None
        async with Redis.from_url(self.servers.redis_url) as client:
            await client.execute_command(*command)  # type: ignore[no-untyped-call] # the client's own gap

    async def restart_redis(self) -> None:
        """kill -9; the keeper starts an empty one."""
        assert self.servers.redis_url is not None
        async with Redis.from_url(self.servers.redis_url) as client:
            pid = int((await client.info("server"))["process_id"])
        os.kill(pid, signal.SIGKILL)

    def mend(self) -> None:
        """A good network and a good provider again."""
        self.postgres.mend()
        if self.redis is not None:
            self.redis.mend()
        self.provider.mend()
        if self.correspondents is not None:
            self.correspondents.gmail.faults.mend()
            self.correspondents.twilio.mend()


@asynccontextmanager
async def set_up(
    *,
    seed: int,
    redis: bool = True,
    emulators: bool = False,
    place: Path | None = None,
    names: tuple[str, ...] = (*NAMES, "scheduler"),
    **settings: str,
) -> AsyncIterator[Stage]:
    """A stage with an empty database.

    Args:
        seed: of the run's chance.
        redis: whether the product has one.
        emulators: whether the product has a mailbox and WhatsApp, at emulated providers.
        place: a folder for the servers' data; a temporary one otherwise.
        names: the product's processes.
        settings: of the product, beyond the usual.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="csagent-", dir=place or "/tmp")))
        os.chmod(folder, 0o755)  # noqa: PTH101 - as root the servers run as somebody else, who has to get in
        marks = folder / "deaths"
        marks.mkdir()
        ready = folder / "ready"
        ready.mkdir()
        servers = await stack.enter_async_context(EmbeddedServers(folder / "data", system_folder=folder / "system"))
        thread = stack.enter_context(LoopThread())
        postgres = stack.enter_context(TcpProxy(thread, _port(servers.database_url)))
        before_redis = None
        if redis and servers.redis_url is not None:
            before_redis = stack.enter_context(TcpProxy(thread, _port(servers.redis_url)))
        provider = stack.enter_context(Provider(thread))
        database = Database(servers.database_url, size=6, application="chaos", statement_timeout=60, wait=30)
        await database.open()
        stack.push_async_callback(database.close)
        await migrate(database)
        port, correspondents, channels = free_port(), None, {}
        if emulators:
            providers = stack.enter_context(open_providers(f"http://127.0.0.1:{port}"))
            correspondents, channels = Correspondents(providers), {**providers.environment, **QUICK}
        chosen = {
            **channels,
            "CSAGENT_WORKER__LEASE_SECONDS": str(LEASE),
            "CSAGENT_WORKER__SWEEP_SECONDS": "1.0",
            "CHAOS_FOLDER": str(marks),
            "CHAOS_PROVIDER": provider.url,
            **settings,
        }
        redis_url = None
        if before_redis is not None and servers.redis_url is not None:
            redis_url = _through(servers.redis_url, before_redis.port)
        product = Product(
            environment(_through(servers.database_url, postgres.port), redis_url, **chosen),
            ready,
            names=names,
            log=_log_folder(),
            port=port,
        )
        customers = await stack.enter_async_context(Customers(product.port))
        reviewers = await stack.enter_async_context(Reviewers(product.port))
        await stack.enter_async_context(product)
        if emulators:
            await _mailbox_followed(database)
        yield Stage(
            product=product,
            database=database,
            servers=servers,
            postgres=postgres,
            redis=before_redis,
            provider=provider,
            customers=customers,
            reviewers=reviewers,
            dice=random.Random(seed),
            correspondents=correspondents,
            settings=chosen,
        )


async def _mailbox_followed(database: Database) -> None:
    """What lay in the mailbox before the product began to follow it is not its own."""
    async with asyncio.timeout(60):
        while True:
            async with database.connection() as connection:
                if await (await connection.execute("select 1 from mailboxes where history_id is not null")).fetchone():
                    return
            await asyncio.sleep(0.1)


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None, "embedded servers listen on a port"
    return port


def _through(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0] + f":{port}"))


def _log_folder() -> Path | None:
    named = os.environ.get("CHAOS_LOGS")
    if named is None:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
