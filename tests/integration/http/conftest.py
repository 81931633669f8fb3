"""The service over real HTTP, with the worker and the sender in the same process, on trivial skills."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from api.app import create_app, services_of
from api.channels import CHANNELS, open_sender
from api.channels.channel import Channel
from api.commands.serve import IDLE_SECONDS
from api.wiring import Services, build_worker
from infra.settings import Settings, SettleSettings, WorkerSettings
from infra.staff_settings import StaffSettings
from tests.trivial import trivial_graph

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
KEY = SecretStr(base64.b64encode(b"k" * 32).decode())


@dataclass(frozen=True)
class Service:
    url: str
    services: Services
    customer: httpx.AsyncClient
    kim: httpx.AsyncClient
    lee: httpx.AsyncClient


def settings_on(database_url: str, redis_url: str | None) -> Settings:
    return Settings(
        _env_file=None,
        DATABASE_URL=SecretStr(database_url),
        REDIS_URL=None if redis_url is None else SecretStr(redis_url),
        redis_prefix=uuid4().hex,
        master_keys={"test": KEY},
        index_key=KEY,
        staff_keys={"kim": SecretStr("kim-key"), "lee": SecretStr("lee-key")},
        settle=SettleSettings(web=0.0),
        worker=WorkerSettings(sweep_seconds=0.2),
        staff=StaffSettings(password_memory_kib=32),
    )


def caller(url: str, *, key: str | None = None) -> httpx.AsyncClient:
    """A client; without the certificates of the world, which every new one would read again for nothing."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(base_url=url, timeout=30, headers=headers, verify=NO_CERTIFICATES)


@pytest.fixture
async def service(database_url: str, redis_url: str) -> AsyncIterator[Service]:
    async with running(settings_on(database_url, redis_url)) as service:
        yield service


@asynccontextmanager
async def running(settings: Settings, channels: Sequence[Channel] = CHANNELS) -> AsyncIterator[Service]:
    """The service with its worker and sender, on these channels."""
    app = create_app(settings, channels)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, lifespan="on", timeout_keep_alive=IDLE_SECONDS
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), "the service did not start"
        await asyncio.sleep(0.01)
    services, stop = services_of(app), asyncio.Event()
    url = f"http://127.0.0.1:{port}"
    async with open_sender(services, channels) as sender:
        loops = [asyncio.create_task(each.run(stop)) for each in (build_worker(services, trivial_graph()), sender)]
        async with caller(url) as customer, caller(url, key="kim-key") as kim, caller(url, key="lee-key") as lee:
            yield Service(url, services, customer, kim, lee)
        services.stopping.set()  # or a poll that a closed page has left behind is held to its end
        stop.set()
        await asyncio.gather(*loops)
    services.stopping.set()  # as SIGTERM does: long answers end
    server.should_exit = True
    await serving
