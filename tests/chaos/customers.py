"""Customers who write, over the web and over a provider's webhook, and keep what they were told.

Each repeats a message under the same id until it is acknowledged, as browsers and providers do. What was acknowledged
is what the product has promised to keep: the judge asks for exactly that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

import httpx

from channels.web import CHAT
from skills.turn import ChannelName
from tests.chaos.relay import RELAY

CHANNELS = (CHAT, RELAY)
PATIENCE = 120.0
"""Seconds that a customer tries to get rid of one message."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A message that the product said it has. ``number`` counts within its talk."""

    message_id: UUID
    case_id: UUID
    talk: int
    number: int
    text: str
    in_order: bool = True
    """Whether it was written after the acknowledgement of the one before it."""
    owed: bool = True
    """Whether there has to be an answer: a machine is owed none."""


@dataclass
class Talk:
    """One customer's conversation."""

    customers: Customers
    number: int
    kind: ChannelName
    token: str | None = None
    written: int = 0

    @property
    def thread(self) -> str:
        """What the relay's provider calls it."""
        return f"t{self.number}"

    async def say(self, more: str = "") -> Acknowledged:
        """The next message; returns once it is acknowledged."""
        number = self.written
        self.written += 1
        return await self.say_as(number, more, in_order=True)

    async def say_as(
        self, number: int, more: str = "", *, key: str | None = None, in_order: bool = False
    ) -> Acknowledged:
        """A message with a number of its own, for those who write several at once."""
        text = f"m{self.number}-{number} {more}".strip()
        if self.kind == CHAT:
            taken = await self._write_on_the_web(text, key or str(uuid4()))
        else:
            taken = await self.customers.post(
                "/v1/relay/webhook",
                {
                    "id": key or f"{self.thread}/{number}",
                    "thread": self.thread,
                    "sender": self.thread,
                    "text": text,
                },
            )
        acknowledged = Acknowledged(
            UUID(taken["message_id"]), UUID(taken["case_id"]), self.number, number, text, in_order
        )
        self.customers.acknowledged[acknowledged.message_id] = acknowledged
        return acknowledged

    async def _write_on_the_web(self, text: str, key: str) -> dict[str, Any]:
        headers = {"Idempotency-Key": key}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        taken: dict[str, Any] = await self.customers.post("/v1/web/messages", {"text": text}, headers)
        self.token = taken["conversation_token"]
        return taken


@dataclass
class Customers:
    """All of them, on one client.

    Args:
        port: of the product's API.
    """

    port: int
    acknowledged: dict[UUID, Acknowledged] = field(default_factory=dict)
    talks: list[Talk] = field(default_factory=list)
    retries: int = 0

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=15.0,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    def talk(self, kind: ChannelName) -> Talk:
        """A new customer."""
        talk = Talk(self, len(self.talks), kind)
        self.talks.append(talk)
        return talk

    async def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
        """Post until it is acknowledged."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    answer = await self._client.post(path, json=body, headers=headers)
                except httpx.TransportError:
                    pass
                else:
                    if answer.is_success:
                        return answer.json()
                    if answer.status_code not in {429, 500, 502, 503, 504}:
                        raise AssertionError(f"{path}: {answer.status_code} {answer.text}")
                self.retries += 1
                await asyncio.sleep(0.2)
