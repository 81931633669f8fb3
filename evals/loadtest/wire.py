"""HTTP/1.1 to one service, cheap enough that what is measured is the service and not the measuring.

The load generator shares its cores with what it loads. A request costs it about a tenth of a millisecond here, with
uvicorn's own C parser; the general client that the rest of the project uses takes about one.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

from evals.loadtest.channel import NotTakenError
from skills.errors import BadRequestError

_READ = 64 * 1024
_OK = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes


class Wire:
    """As many kept-alive connections to one service as there are requests at once.

    Args:
        url: ``http://host:port`` or ``https://host``, with or without a path before the service's own.
        idle: seconds after which an unused connection is not used again, because the server may be closing it.

    Raises:
        BadRequestError: that is not such an address.
    """

    def __init__(self, url: str, *, idle: float = 3.0) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadRequestError(f"{url!r} is not the address of a service", hint="such as http://127.0.0.1:8000")
        self._host = parts.hostname
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = port or (443 if self._tls else 80)
        self._authority = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")
        self._idle = idle
        self._free: deque[tuple[float, _Connection]] = deque()

    async def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request and its whole answer.

        Raises:
            NotTakenError: there was no whole answer. It is not tried again here.
        """
        connection = await self._connection()
        try:
            answer = await connection.exchange(self._head(method, path, headers, body) + body)
        except BaseException:
            connection.close()
            raise
        if connection.reusable:
            self._free.append((time.monotonic(), connection))
        else:
            connection.close()
        return answer

    async def stream(self, path: str, headers: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """The body of an answer that goes on, piece by piece as it comes, on a connection of its own.

        Raises:
            NotTakenError: the answer is not 200, or it broke off.
        """
        connection = await self._open()
        try:
            connection.send(self._head("GET", path, headers, b""))
            async with aclosing(connection.pieces()) as pieces:
                async for piece in pieces:
                    if connection.status != _OK:
                        raise NotTakenError(f"HTTP {connection.status}")
                    yield piece
        finally:
            connection.close()

    async def close(self) -> None:
        """Close what is open and not in use."""
        while self._free:
            self._free.pop()[1].close()

    async def _connection(self) -> _Connection:
        while self._free:
            since, connection = self._free.pop()
            if time.monotonic() - since < self._idle:
                return connection
            connection.close()
        return await self._open()

    async def _open(self) -> _Connection:
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        except OSError as error:
            raise NotTakenError("no connection") from error
        return _Connection(reader, writer)

    def _head(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""] if body or method != "GET" else ["", ""]
        return "\r\n".join(lines).encode("latin-1")


class _Connection:
    """One connection; httptools calls the ``on_…`` methods."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._bodies: list[bytes] = []
        self._complete = False
        self.status = 0
        self.reusable = False

    def on_body(self, body: bytes) -> None:
        self._bodies.append(body)

    def on_message_complete(self) -> None:
        self._complete = True

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    def close(self) -> None:
        with suppress(OSError, RuntimeError):  # a loop that is closing, a connection that is gone
            self._writer.close()

    async def exchange(self, data: bytes) -> Answer:
        self.send(data)
        body = b"".join([piece async for piece in self.pieces()])
        return Answer(self.status, body)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        parser = HttpResponseParser(self)
        self._bodies.clear()
        self._complete, self.status, self.reusable = False, 0, False
        while not self._complete:
            try:
                data = await self._reader.read(_READ)
                if not data:
                    raise NotTakenError("connection lost")
                parser.feed_data(data)
            except OSError as error:
                raise NotTakenError("connection lost") from error
            except HttpParserError as error:
                raise NotTakenError("not HTTP") from error
            self.status = parser.get_status_code()
            for body in self._bodies:
                yield body
            self._bodies.clear()
        self.reusable = parser.should_keep_alive()
