"""A TCP proxy in front of a server, so that a test can have a bad network: slow, cut, half-open, or none.

proxy.latency = 0.25   # seconds, each way
proxy.reset()          # every connection ends with an RST
proxy.frozen = True    # connections stay open, nothing moves; new ones are taken and left alone
proxy.refusing = True  # new connections are taken and reset at once
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from types import TracebackType
from typing import Self

from tests.emulators.loop_thread import LoopThread

_LOOK = 0.02
"""Seconds between looks whether a frozen network has thawed."""


class TcpProxy:
    """Listens on 127.0.0.1 while the ``with`` block lasts.

    Args:
        thread: where it runs.
        port: of the server behind it, on 127.0.0.1.
    """

    def __init__(self, thread: LoopThread, port: int) -> None:
        self._thread = thread
        self._behind = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.latency = 0.0
        self.frozen = False
        self.refusing = False
        self.refused = 0

    def __enter__(self) -> Self:
        self._server = self._thread.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._thread.loop.call_soon_threadsafe(self._server.close)
        self.reset()

    def reset(self) -> None:
        """Cut every connection that is open now."""
        self._thread.run(self._reset())

    def mend(self) -> None:
        """A good network again; what hung in a frozen one is cut, as a network does in the end."""
        if self.frozen:
            self.reset()
        self.latency, self.frozen, self.refusing = 0.0, False, False

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**18)

    async def _reset(self) -> None:
        for writer in tuple(self._open):
            _abort(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            self.refused += 1
            _abort(writer)
            return
        try:
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._behind, limit=2**18)
        except OSError:
            _abort(writer)
            return
        both = {writer, behind_writer}
        self._open |= both
        try:
            await asyncio.gather(self._carry(reader, behind_writer), self._carry(behind_reader, writer))
        finally:
            self._open -= both
            for end in both:
                _abort(end)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction. Each piece leaves at its own time, so that latency costs no throughput."""
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        deliver = asyncio.create_task(self._deliver(due, writer))
        try:
            while data := await reader.read(2**16):
                due.put_nowait((time.monotonic() + self.latency, data))
        except OSError:
            pass
        finally:
            due.put_nowait((0.0, b""))
            await deliver

    async def _deliver(self, due: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                at, data = await due.get()
                if (wait := at - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                while self.frozen:  # noqa: ASYNC110 - the flag is another thread's
                    await asyncio.sleep(_LOOK)
                if not data:
                    break
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
        except (OSError, RuntimeError):
            _abort(writer)


def _abort(writer: asyncio.StreamWriter) -> None:
    """End a connection with an RST, as a crashed machine or an impatient firewall does."""
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
