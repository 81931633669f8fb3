"""Health and metrics of a process that serves nothing else: worker, sender, scheduler.

The same routes as the API's, on a port of their own, and only where one is set. On this machine only, unless the
operator says otherwise: nobody signs in here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from api.problems import install
from api.routes import health
from api.wiring import Services
from skills.errors import ConfigurationError


@asynccontextmanager
async def health_endpoint(services: Services, *, host: str, port: int) -> AsyncIterator[int]:
    """Answer ``/health/live``, ``/health/ready`` and ``/metrics`` while the block lasts; gives the port.

    Args:
        services: of this process.
        host: the address to listen on.
        port: 0 takes any that is free.

    Raises:
        ConfigurationError: nobody can listen there.
    """
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"nothing can listen on port {port} of {host} for metrics: {error.strerror}",
            hint="each process needs a port of its own: CSAGENT_METRICS_PORT, or --metrics-port",
        ) from None
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    install(app)
    app.include_router(health.router)
    server = _Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=1
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves SIGTERM and Ctrl-C to the process that it is in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
