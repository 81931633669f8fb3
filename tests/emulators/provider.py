"""A provider of messages over HTTP that writes down every call, and misbehaves on demand.

    POST /messages {"id": …, "thread": …, "text": …}  →  200 {"message_id": …}

What it says is exact: 429 and 503 mean that the message was not taken, 400 that it never will be. Everything else may
or may not mean that it was taken, which is what its own log (``calls``) is for: the log lies in this process and
survives whatever becomes of the product.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self, assert_never
from uuid import UUID

from tests.emulators.loop_thread import LoopThread


@dataclass(frozen=True, slots=True)
class Take:
    """Take the message and say so, after so many seconds."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Drop:
    """Take the message and close the connection without a word."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the message and never answer."""


@dataclass(frozen=True, slots=True)
class Stumble:
    """Take the message and answer 500."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Don't take it."""

    status: int = 429


Manner = Take | Drop | Hang | Stumble | Refuse


@dataclass(frozen=True, slots=True)
class Call:
    """One request whose body was read to its end. ``at`` is ``time.time()``."""

    outbox_id: UUID
    thread: str
    text: str
    at: float
    manner: Manner
    part: int = 0
    """Which of a long text's messages."""

    @property
    def taken(self) -> bool:
        """Whether the customer got the text."""
        return not isinstance(self.manner, Refuse)


class Provider:
    """Listens on 127.0.0.1 while the ``with`` block lasts.

    Args:
        thread: where it runs.
    """

    def __init__(self, thread: LoopThread) -> None:
        self._thread = thread
        self._server: asyncio.Server | None = None
        self._next: deque[Manner] = deque()
        self._usual: Manner = Take()
        self.calls: list[Call] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._server = self._thread.run(self._listen())
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/messages"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._thread.loop.call_soon_threadsafe(self._server.close)

    def behave(self, manner: Manner, *, times: int | None = None) -> None:
        """Behave so from now on, or so many times before the usual manner goes on."""
        if times is None:
            self._usual = manner
        else:
            self._next.extend([manner] * times)

    def mend(self) -> None:
        """Be good again."""
        self._next.clear()
        self._usual = Take()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
            asked = json.loads(await reader.readexactly(length))
            # The manner is chosen before anything can go wrong with the caller: it is what the provider did.
            manner = self._next.popleft() if self._next else self._usual
            self.calls.append(Call(UUID(asked["id"]), asked["thread"], asked["text"], time.time(), manner))
            await self._answer(writer, manner, name=f"p{len(self.calls)}")
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the caller died, or the test ends; what was read is written down
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, manner: Manner, *, name: str) -> None:
        match manner:
            case Take(seconds):
                await asyncio.sleep(seconds)
                await _write(writer, 200, {"message_id": name})
            case Stumble():
                await _write(writer, 500, {"error": "something went wrong, perhaps after your message was taken"})
            case Refuse(status):
                await _write(writer, status, {"error": "not taken"})
            case Hang():
                await asyncio.sleep(600)
            case Drop():
                writer.transport.abort()
            case _:
                assert_never(manner)


async def _write(writer: asyncio.StreamWriter, status: int, answer: dict[str, str]) -> None:
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    await writer.drain()
