"""What a channel brings to be held to the contract of all channels: a customer, a provider, and its troubles.

A new channel writes one class like these and puts it into ``BENCHES`` (benches.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from api.channels.channel import Channel
from api.channels.web import WEB
from channels.web import CHAT
from infra.settings import Settings
from skills.turn import ChannelName
from tests.examples.sms_channel import SMS, signature
from tests.examples.sms_channel.channel import sms_channel
from tests.examples.sms_channel.gateway import Fault, Gateway
from tests.integration.channels.stage import Stage

Unreadable = Literal["stored for a person", "told at once"]
"""What becomes of input that can't be read. It may only be turned away where somebody sits in front of it."""
Taken = Literal["certainly", "certainly not", "perhaps"]
"""Whether a provider has a message after something went wrong, as far as the one who sent it can know."""


class Bench(Protocol):
    """One channel with its customer and its provider."""

    @property
    def name(self) -> ChannelName: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def unreadable(self) -> Unreadable: ...
    @property
    def troubles(self) -> Mapping[str, Taken]:
        """What may go wrong when the provider is asked, and what that says about the message."""
        ...

    def set_up(self, settings: Settings) -> Settings:
        """The settings with those that the channel needs."""
        ...

    async def write(self, stage: Stage, customer: str, text: str, key: str) -> int:
        """A customer writes, as their provider passes it on; the same key is the same message. Its HTTP status."""
        ...

    async def forge(self, stage: Stage, customer: str) -> list[int]:
        """Somebody writes who is not who they say they are, in every way there is. The HTTP statuses."""
        ...

    async def garble(self, stage: Stage) -> int:
        """Something genuine that can't be read. Its HTTP status."""
        ...

    async def heard(self, stage: Stage, customer: str) -> list[str]:
        """What the customer has got from us."""
        ...

    def address(self, customer: str) -> str:
        """Where the customer is written to."""
        ...

    def trouble(self, name: str) -> None:
        """Let this go wrong the next time that the provider is asked."""
        ...


@dataclass
class ChatBench:
    """The browser is the provider: whoever holds the conversation's token reads what is there."""

    name: ChannelName = CHAT
    channel: Channel = WEB
    unreadable: Unreadable = "told at once"
    troubles: Mapping[str, Taken] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def set_up(self, settings: Settings) -> Settings:
        return settings

    async def write(self, stage: Stage, customer: str, text: str, key: str) -> int:
        headers = {"Idempotency-Key": key, **self._bearer(customer)}
        answer = await stage.http.post("/v1/web/messages", json={"text": text}, headers=headers)
        if answer.is_success:
            self.tokens[customer] = answer.json()["conversation_token"]
        return answer.status_code

    async def forge(self, stage: Stage, customer: str) -> list[int]:
        token = self.tokens[customer]
        forged = [f"{token[:-2]}xx", token[:-1], f"{token}A", "ct_", "x" * 5_000]
        return [
            (
                await stage.http.post(
                    "/v1/web/messages", json={"text": "forged"}, headers={"Authorization": f"Bearer {each}"}
                )
            ).status_code
            for each in forged
        ]

    async def garble(self, stage: Stage) -> int:
        return (await stage.http.post("/v1/web/messages", content=b'{"text": "\xff', headers=JSON)).status_code

    async def heard(self, stage: Stage, customer: str) -> list[str]:
        answer = await stage.http.get("/v1/web/messages", headers=self._bearer(customer))
        return [message["text"] for message in answer.json()["messages"] if message["author"] != "customer"]

    def address(self, customer: str) -> str:
        return customer

    def trouble(self, name: str) -> None:
        raise AssertionError(f"nothing is asked of a browser, so {name} can't happen")

    def _bearer(self, customer: str) -> dict[str, str]:
        token = self.tokens.get(customer)
        return {"Authorization": f"Bearer {token}"} if token else {}


@dataclass
class SmsBench:
    """The example channel, at its invented gateway."""

    gateway: Gateway
    name: ChannelName = SMS
    unreadable: Unreadable = "stored for a person"
    numbers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.channel = sms_channel(self.gateway.url, self.gateway.secret)
        self.troubles: Mapping[str, Taken] = {
            "busy": "certainly not",
            "wrong number": "certainly not",
            "broken": "perhaps",
            "broken late": "perhaps",
            "silent": "perhaps",
            "silent late": "perhaps",
            "half an answer": "perhaps",
        }

    def set_up(self, settings: Settings) -> Settings:
        return settings

    async def write(self, stage: Stage, customer: str, text: str, key: str) -> int:
        return await self._post(stage, *self.gateway.webhook(self.address(customer), text, key))

    async def forge(self, stage: Stage, customer: str) -> list[int]:
        body, headers = self.gateway.webhook(self.address(customer), "forged", "forged")
        other = {signature.HEADER: signature.sign("another secret", body)}
        forged = [(body, other), (body, {}), (body + b" ", headers), (body[:-1], headers)]
        return [await self._post(stage, *each) for each in forged]

    async def garble(self, stage: Stage) -> int:
        return await self._post(stage, *self.gateway.signed(b'{"id": "1", "text": "\xff\x00'))

    async def heard(self, stage: Stage, customer: str) -> list[str]:  # noqa: ARG002 - others ask the product
        return self.gateway.received(self.address(customer))

    def address(self, customer: str) -> str:
        return self.numbers.setdefault(customer, f"+4915550{len(self.numbers):05}")

    def trouble(self, name: Fault | str) -> None:
        self.gateway.faults.append(name)  # type: ignore[arg-type] # one of the names in troubles

    async def _post(self, stage: Stage, body: bytes, headers: dict[str, str]) -> int:
        return (await stage.http.post("/v1/sms/messages", content=body, headers=headers)).status_code


JSON = {"Content-Type": "application/json"}
