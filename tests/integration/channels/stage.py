"""The product in this process, on trivial skills, with the channels that a bench brings."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from api.app import create_app, services_of
from api.channels import open_sender
from api.channels.channel import Channel
from api.wiring import Services, build_worker
from infra.settings import Settings, SettleSettings, WorkerSettings
from tests.trivial import trivial_graph

_KEY = SecretStr(base64.b64encode(b"k" * 32).decode())


@dataclass(frozen=True, slots=True)
class Stage:
    """A product that runs."""

    url: str
    services: Services
    http: httpx.AsyncClient
    """Speaks to it from outside."""

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.services.database.connection() as connection:
            return await (await connection.execute(statement, values)).fetchall()

    async def stored(self) -> int:
        """How many messages came in so far."""
        return int((await self.rows("select count(*) as n from messages where author = 'customer'"))[0]["n"])


def settings_on(database_url: str) -> Settings:
    """Those of a product that is not to wait for anything."""
    return Settings(
        _env_file=None,
        DATABASE_URL=SecretStr(database_url),
        master_keys={"test": _KEY},
        index_key=_KEY,
        staff_keys={"kim": SecretStr("kim-key")},
        settle=SettleSettings(chat=0, form=0, whatsapp=0, email=0),
        worker=WorkerSettings(sweep_seconds=0.2),
    )


@asynccontextmanager
async def staged(settings: Settings, channels: Sequence[Channel]) -> AsyncIterator[Stage]:
    """The API, a worker and a sender, with these channels and no others."""
    app = create_app(settings, channels)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:
        assert not serving.done(), "the service did not start"
        await asyncio.sleep(0.005)
    services, stop = services_of(app), asyncio.Event()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with (
        open_sender(services, channels) as sender,
        httpx.AsyncClient(base_url=url, timeout=30, verify=tls) as http,
    ):
        loops = [asyncio.create_task(each.run(stop)) for each in (build_worker(services, trivial_graph()), sender)]
        yield Stage(url, services, http)
        stop.set()
        await asyncio.gather(*loops)
    server.should_exit = True
    await serving
    listener.close()
