"""A channel of the tests' own, with everything that a real provider's channel has.

A webhook that is repeated until it gets a 2xx, and sending over HTTP to a provider that takes no idempotency key.

It says the truth of each call: ``Refused`` where the message certainly was not taken, ``Unknown`` where nobody knows.
"""

from __future__ import annotations

import json
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.routes.visitor import services
from api.wiring import Services
from channels.envelope import Accepted, Delivery, Envelope, Refused, SendResult, Unknown
from infra.postgres.inbox import MAX_CHARACTERS
from skills.turn import ChannelName
from tests.chaos.deaths import Deaths

RELAY = ChannelName("relay")
NOT_TAKEN = {429, 503}

router = APIRouter(prefix="/v1/relay", tags=["relay"])


class Webhook(BaseModel):
    """What the provider posts."""

    id: str = Field(min_length=1, max_length=200)
    thread: str = Field(min_length=1, max_length=200)
    sender: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=MAX_CHARACTERS)


class Received(BaseModel):
    """The message is stored."""

    message_id: str
    case_id: str
    duplicate: bool


@router.post("/webhook")
async def receive(webhook: Webhook, use: Annotated[Services, Depends(services)]) -> Received:
    """Store the message, then answer."""
    settle = use.settings.settle.of(RELAY)
    receipt = await use.inbox.receive(
        Envelope(
            channel=RELAY,
            provider_message_id=webhook.id,
            thread=webhook.thread,
            address=webhook.sender,
            verified=True,
            text=webhook.text,
        ),
        settle=settle,
    )
    if receipt.waits:
        await use.signals.case_waits(receipt.case_id, after=settle.total_seconds())
    return Received(message_id=str(receipt.message_id), case_id=str(receipt.case_id), duplicate=receipt.duplicate)


class RelayOutbound:
    """The sending half.

    Args:
        url: the provider's.
        deaths: where a text may tell this process to die.
    """

    name = RELAY
    repeatable = False

    def __init__(self, url: str, deaths: Deaths) -> None:
        self._url = url
        self._deaths = deaths
        # No kept connections: one that the provider closed meanwhile would make an outcome unknown for no good reason.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(8.0, connect=2.0), limits=httpx.Limits(max_keepalive_connections=0), trust_env=False
        )

    async def send(self, delivery: Delivery) -> SendResult:
        """One call, never repeated here."""
        self._deaths.die_at("send.before", delivery.text)
        self._deaths.die_soon_at("send.in", delivery.text)
        body = {"id": str(delivery.id), "thread": delivery.address, "text": delivery.text}
        try:
            answer = await self._client.post(self._url, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Refused(type(error).__name__, retry=True)
        except httpx.HTTPError as error:
            return Unknown(type(error).__name__)
        self._deaths.die_at("send.after", delivery.text)
        return _result(answer)


def _result(answer: httpx.Response) -> SendResult:
    if answer.is_success:
        try:
            return Accepted(str(answer.json()["message_id"]))
        except (json.JSONDecodeError, KeyError, TypeError):
            return Accepted()
    if answer.status_code in NOT_TAKEN:
        return Refused(f"status {answer.status_code}", retry=True)
    if answer.is_client_error:
        return Refused(f"status {answer.status_code}", retry=False)
    return Unknown(f"status {answer.status_code}")
