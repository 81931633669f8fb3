"""uvicorn in a thread of its own, whose connections can be cut, and which leaves the process's logging alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from skills.errors import UnavailableError

_PATIENCE = 10.0

Client = tuple[str, int]


class Connections:
    """The open connections by their clients' addresses."""

    def __init__(self) -> None:
        self._open: dict[Client, asyncio.Transport] = {}
        self._closing = asyncio.Event()

    def opened(self, client: Client, transport: asyncio.Transport) -> None:
        """Somebody is there."""
        self._open[client] = transport

    def closed(self, client: Client) -> None:
        """Somebody is gone."""
        self._open.pop(client, None)

    def cut(self, client: Client) -> None:
        """End one at once. To be called in the loop."""
        if client in self._open:
            self._open[client].abort()

    def cut_all(self) -> None:
        """End all at once, for good. To be called in the loop."""
        self._closing.set()
        for transport in tuple(self._open.values()):
            transport.abort()

    async def pause(self, seconds: float) -> None:
        """Sleep, but not past the end."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), seconds)


class _Config(uvicorn.Config):
    def configure_logging(self) -> None:
        """Leave it as it is: the product may log from the same process."""


class Server:
    """Serves an application on 127.0.0.1 from ``start`` to ``stop``.

    Args:
        application: what to serve.
        connections: told of every one.
        port: 0 for any that is free.
    """

    def __init__(self, application: ASGIApp, connections: Connections, port: int) -> None:
        self._connections = connections
        self._port = port
        self._uvicorn = uvicorn.Server(
            _Config(
                application,
                http=_protocol(connections),
                ws="none",
                lifespan="off",
                log_config=None,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread: Thread | None = None
        self._begun = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        """What else runs in the loop; cancelled when the server stops."""

    def start(self) -> int:
        """Begin to listen, and return the port.

        Raises:
            UnavailableError: it did not begin.
        """
        listener = socket.create_server(("127.0.0.1", self._port))  # from here on callers are taken, and wait
        self._thread = Thread(target=lambda: asyncio.run(self._serve(listener)), name="gmail-emulator", daemon=True)
        self._thread.start()
        if not self._begun.wait(_PATIENCE):
            raise UnavailableError("The Gmail emulator did not start")
        port: int = listener.getsockname()[1]
        return port

    def stop(self) -> None:
        """Cut what is open and end the thread."""
        self._uvicorn.should_exit = True
        self.soon(self._connections.cut_all)
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The thread's."""
        if self._loop is None:
            raise UnavailableError("The Gmail emulator is not running")
        return self._loop

    def soon(self, do: Callable[..., object], *args: Any) -> None:
        """Do something in the loop, from any thread; nothing, once the loop has ended."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(do, *args)

    async def _serve(self, listener: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun.set()
        try:
            await self._uvicorn.serve(sockets=[listener])
        finally:
            for task in tuple(self.tasks):
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)


def _protocol(connections: Connections) -> type[H11Protocol]:
    class Protocol(H11Protocol):
        """HTTP, with the connection known to whoever may cut it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            super().connection_made(transport)
            self.access_log = False
            # asyncio does this only for sockets that name their protocol, and a listener made in one line doesn't.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.client is not None:
                connections.opened(self.client, transport)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.client is not None:
                connections.closed(self.client)

    return Protocol
