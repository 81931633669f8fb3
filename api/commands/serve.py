"""``csagent api``, ``worker``, ``sender`` and ``scheduler``: one process each, for a machine that has servers.

Worker, sender and scheduler answer health and metrics where a port is set. They stop in order on SIGTERM and Ctrl-C:
nothing new is begun, what runs is finished or given back.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from types import FrameType
from typing import Annotated

import typer
import uvicorn
import uvloop
from fastapi import FastAPI

from api.agent import open_agent
from api.app import create_app, services_of
from api.channels import CHANNELS, open_sender
from api.endpoint import health_endpoint
from api.heartbeat import beating
from api.wiring import Services, build_scheduler, build_worker, open_services
from infra.models.tracing import tracing
from infra.settings import Settings, read_settings
from infra.telemetry.logs import configure_logs
from skills.errors import ConfigurationError

_NOT_STARTED = 3
"""uvicorn's own exit code for it."""
IDLE_SECONDS = 75
"""How long a connection is kept on which nothing is asked: longer than proxies keep theirs (a minute, mostly). Else a
request meets the end of its connection half-way, and what was a webhook of Twilio's is a 502 that nobody repeats."""

MetricsPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port for health and metrics; 0: none.", show_default="0")
]


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
    fd: Annotated[
        int | None, typer.Option(min=0, help="Descriptor of a socket that listens already, as systemd hands it over.")
    ] = None,
) -> None:
    """Serve HTTP: the web channel, the review API, the pages, health and metrics."""
    settings = read_settings()
    sockets = None if fd is None else [_handed_over(fd)]
    configure_logs(settings.log_level, process="api")
    app = create_app(settings)
    server = _Server(
        app,
        uvicorn.Config(
            app,
            host=host or settings.host,
            port=settings.port if port is None else port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
            timeout_keep_alive=IDLE_SECONDS,
            h11_max_incomplete_event_size=64 * 1024,
        ),
    )
    app.openapi()  # reads every route, which FastAPI else leaves to the first who asks
    keep_loaded()
    with suppress(KeyboardInterrupt):
        server.run(sockets)
    if not server.started:
        raise typer.Exit(_NOT_STARTED)


def _handed_over(descriptor: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=descriptor)
        if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return listener
        listener.detach()
    except OSError:
        pass
    raise ConfigurationError(f"descriptor {descriptor} is no socket that listens", hint="leave --fd out")


def keep_loaded() -> None:
    """Have the garbage collector pass over all that is loaded by now, and stays as long as the process.

    It is a quarter of a million objects. Walking them takes longer than any answer, and would happen within one.
    """
    gc.collect()
    gc.freeze()


class _Server(uvicorn.Server):
    """Long answers (polls, event streams) end when the process is asked to stop, not when their connections are cut."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or Ctrl-C."""
        if hasattr(self._app.state, "services"):
            services_of(self._app).stopping.set()
        super().handle_exit(sig, frame)


def worker(metrics_port: MetricsPort = None) -> None:
    """Run turns: claim cases, run the graph, commit."""
    settings = _settings(metrics_port)

    async def work(services: Services, stop: asyncio.Event) -> None:
        async with open_agent(
            settings, services.database, services.keyring, breakers=services.breakers, spending=services.metrics
        ) as graph:
            keep_loaded()  # the models, too
            # Nothing may leave the machine unasked: a stray variable in the environment must not turn tracing on.
            with tracing(allowed=settings.langsmith_api_key is not None):
                await build_worker(services, graph).run(stop)

    _run(settings, "worker", work)


def sender(metrics_port: MetricsPort = None) -> None:
    """Deliver what is in the outbox."""

    async def send(services: Services, stop: asyncio.Event) -> None:
        async with open_sender(services) as sends:
            await sends.run(stop)

    _run(_settings(metrics_port), "sender", send)


def scheduler(metrics_port: MetricsPort = None) -> None:
    """Keep house: partitions ahead of time, leftovers, late reviews, archives. Several may run; one of them leads."""

    async def schedule(services: Services, stop: asyncio.Event) -> None:
        further = [job for channel in CHANNELS for job in channel.jobs(services)]
        await build_scheduler(services, further).run(stop)

    _run(_settings(metrics_port), "scheduler", schedule)


def _settings(metrics_port: int | None) -> Settings:
    return read_settings(**({} if metrics_port is None else {"metrics_port": metrics_port}))


def _run(settings: Settings, process: str, work: Callable[[Services, asyncio.Event], Awaitable[None]]) -> None:
    configure_logs(settings.log_level, process=process)

    async def run() -> None:
        async with AsyncExitStack() as stack:
            services = await stack.enter_async_context(open_services(settings, process=process))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, services.stopping.set)
            if settings.metrics_port:
                await stack.enter_async_context(
                    health_endpoint(services, host=settings.metrics_host, port=settings.metrics_port)
                )
            await stack.enter_async_context(beating(services, process))
            keep_loaded()
            await work(services, services.stopping)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
