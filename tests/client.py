"""An HTTP client that costs next to nothing, so that what is measured is the service and not the measuring."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4


class Connection:
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def post_message(self, text: str, token: str | None = None) -> dict[str, Any]:
        """``POST /v1/web/messages``; the answer's JSON."""
        body = json.dumps({"text": text}).encode()
        authorization = "" if token is None else f"Authorization: Bearer {token}\r\n"
        head = (
            f"POST /v1/web/messages HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {uuid4()}\r\n{authorization}Content-Length: {len(body)}\r\n\r\n"
        )
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(head.encode() + body)
        status, *headers = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = next(int(line.split(":")[1]) for line in headers if line.lower().startswith("content-length"))
        answer: dict[str, Any] = json.loads(await self._reader.readexactly(length))
        assert " 202 " in status, f"{status}: {answer}"
        return answer
