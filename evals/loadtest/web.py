"""The web channel as a browser uses it: posts with an idempotency key, replies by server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any
from uuid import UUID

from evals.loadtest.channel import NotTakenError, Seen
from evals.loadtest.wire import Answer, Wire

_AGAIN = 0.5
"""Seconds before a broken event stream is opened again, as browsers wait."""


class WebChannel:
    """``evals.loadtest.channel.LoadChannel`` over ``/v1/web``.

    Args:
        url: where the service is.
        deadline: seconds that one request may take.

    Raises:
        BadRequestError: the address is none.
    """

    name = "chat"

    def __init__(self, url: str, *, deadline: float = 30.0) -> None:
        self._wire = Wire(url)
        self._deadline = deadline

    def begin(self) -> WebConversation:
        """A new visitor."""
        return WebConversation(self._wire, self._deadline)

    async def close(self) -> None:
        """Close every connection that is not in use."""
        await self._wire.close()


class WebConversation:
    """One visitor's talk: its token, once the first message was taken."""

    def __init__(self, wire: Wire, deadline: float) -> None:
        self._wire = wire
        self._deadline = deadline
        self._token: str | None = None

    async def send(self, key: UUID, text: str) -> str:
        """Post a message.

        Raises:
            NotTakenError: no 202 in time.
        """
        body = json.dumps({"text": text}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(key), **self._authorization()}
        taken = await self._ask("POST", "/v1/web/messages", headers, body, HTTPStatus.ACCEPTED)
        self._token = taken["conversation_token"]
        return str(taken["message_id"])

    async def watch(self) -> AsyncIterator[Seen]:
        """The event stream, opened again from where it broke."""
        after = "0"
        while True:
            try:
                async with aclosing(self._events(after)) as events:
                    async for position, seen in events:
                        after = position
                        yield seen
            except NotTakenError:
                pass
            await asyncio.sleep(_AGAIN)

    async def transcript(self) -> list[Seen]:
        """Everything, a page of a hundred at a time.

        Raises:
            NotTakenError: no 200 in time.
        """
        seen: list[Seen] = []
        after = 0
        while self._token is not None:
            page = await self._ask("GET", f"/v1/web/messages?after={after}", self._authorization(), b"", HTTPStatus.OK)
            if not page["messages"]:
                break
            seen += [Seen(message["id"], message["author"]) for message in page["messages"]]
            after = page["cursor"]
        return seen

    async def _events(self, after: str) -> AsyncGenerator[tuple[str, Seen], None]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": after, **self._authorization()}
        rest = b""
        async with aclosing(self._wire.stream("/v1/web/events", headers)) as pieces:
            async for piece in pieces:
                *events, rest = (rest + piece).split(b"\n\n")
                for event in events:
                    fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
                    if fields.get(b"event") == b"message":
                        message = json.loads(fields[b"data"])
                        yield fields[b"id"].decode(), Seen(message["id"], message["author"])

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes, expected: HTTPStatus
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._wire.request(method, path, headers, body)
        except TimeoutError:
            raise NotTakenError("timeout") from None
        if answer.status != expected:
            raise _refused(answer)
        try:
            told: dict[str, Any] = json.loads(answer.body)
        except ValueError:
            raise NotTakenError("not JSON") from None
        return told

    def _authorization(self) -> dict[str, str]:
        return {} if self._token is None else {"Authorization": f"Bearer {self._token}"}


def _refused(answer: Answer) -> NotTakenError:
    busy = answer.status == HTTPStatus.TOO_MANY_REQUESTS
    return NotTakenError(f"HTTP {answer.status}", final=answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and not busy)
