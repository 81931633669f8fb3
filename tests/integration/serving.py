"""The product in this process, on trivial skills, over real HTTP: nothing has to be started and import everything."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import uvicorn
from pydantic import SecretStr

from api.app import create_app, services_of
from api.channels import CHANNELS, open_sender
from api.channels.channel import Channel
from api.commands.serve import IDLE_SECONDS
from api.wiring import Services, build_scheduler, build_worker
from graph.build import Graph
from infra.settings import Settings, SettleSettings, WorkerSettings
from infra.staff_settings import StaffSettings
from tests.trivial import trivial_graph

Part = Literal["worker", "sender", "scheduler"]
PARTS: Collection[Part] = ("worker", "sender")
"""What there is beside the API, unless a test asks for something else."""
_KEY = SecretStr(base64.b64encode(b"k" * 32).decode())


@dataclass(frozen=True, slots=True)
class Served:
    """Where it answers, and what it runs on."""

    url: str
    services: Services
    cut: Callable[[], None]
    """Resets every connection, as a network that goes away does."""


def settings_on(database_url: str) -> Settings:
    """Those of a product that is not to wait for anything."""
    return Settings(
        _env_file=None,
        DATABASE_URL=SecretStr(database_url),
        REDIS_URL=None,
        master_keys={"test": _KEY},
        index_key=_KEY,
        staff_keys={"kim": SecretStr("kim-key")},
        settle=SettleSettings(chat=0, form=0, whatsapp=0, email=0),
        worker=WorkerSettings(sweep_seconds=0.2),
        staff=StaffSettings(password_memory_kib=32),
    )


@asynccontextmanager
async def serving(
    settings: Settings,
    channels: Sequence[Channel] = CHANNELS,
    *,
    parts: Collection[Part] = PARTS,
    port: int = 0,
    graph: Graph | None = None,
) -> AsyncIterator[Served]:
    """The API, and with it a worker and a sender; trivial skills and any port unless others are given."""
    app = create_app(settings, channels)
    listener = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_keep_alive=IDLE_SECONDS)
    )
    answering = asyncio.create_task(server.serve([listener]))
    while not server.started:
        assert not answering.done(), "the service did not start"
        await asyncio.sleep(0.005)
    services, stop = services_of(app), asyncio.Event()
    async with AsyncExitStack() as stack:
        loops = []
        if "sender" in parts:
            sender = await stack.enter_async_context(open_sender(services, channels))
            loops.append(asyncio.create_task(sender.run(stop)))
        if "worker" in parts:
            loops.append(asyncio.create_task(build_worker(services, graph or trivial_graph()).run(stop)))
        if "scheduler" in parts:
            jobs = [job for channel in channels for job in channel.jobs(services)]
            loops.append(asyncio.create_task(build_scheduler(services, jobs).run(stop)))
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", services, lambda: _cut(server))
        services.stopping.set()  # or a poll that a closed page has left behind is held to its end
        stop.set()
        await asyncio.gather(*loops)
    services.stopping.set()  # as SIGTERM does: long answers end
    server.should_exit = True
    await answering
    listener.close()


def _cut(server: uvicorn.Server) -> None:
    for connection in list(server.server_state.connections):
        transport = getattr(connection, "transport", None)
        if transport is not None:
            transport.abort()
