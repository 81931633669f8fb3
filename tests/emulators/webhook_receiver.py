"""A program on this machine that is told by webhook, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """``answers`` are given one by one; afterwards all is well. ``None`` never answers, ``""`` hangs up."""

    port: int = 0
    answers: list[str | None] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
            self.requests.append(Request(headers, await reader.readexactly(int(headers["content-length"]))))
            answer = self.answers.pop(0) if self.answers else "204 No Content"
            if answer is None:
                await self.closing.wait()
            elif answer:
                writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
        writer.close()


@asynccontextmanager
async def receiver(*answers: str | None) -> AsyncIterator[Receiver]:
    """A receiver for as long as the block lasts."""
    served = Receiver(answers=list(answers))
    server = await asyncio.start_server(served.talk, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        served.closing.set()
        server.close()
        await server.wait_closed()
