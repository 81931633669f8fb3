"""What the product has to know of the channel. A line in ``CHANNELS`` would be all the rest."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from fastapi import APIRouter, Request, Response

from api.channels.channel import Channel, Inlet
from api.wiring import Services
from channels.protocol import OutboundChannel
from tests.examples.sms_channel import SMS, signature
from tests.examples.sms_channel.inbound import envelope
from tests.examples.sms_channel.outbound import SmsOutbound

_PATIENCE = 2.0
"""Seconds for one request."""


def sms_channel(gateway_url: str, secret: str) -> Channel:
    """The channel, with what the product's own ones read from the settings."""

    @asynccontextmanager
    async def outbound(_services: Services) -> AsyncIterator[Sequence[OutboundChannel]]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(base_url=gateway_url, timeout=_PATIENCE, verify=tls) as http:
            yield (SmsOutbound(http),)

    router = APIRouter(prefix="/v1/sms", tags=["sms"])

    @router.post("/messages", status_code=204)
    async def receive(request: Request) -> Response:
        """Store what the gateway brings; only then is it thanked."""
        body = await request.body()
        if not signature.genuine(secret, body, request.headers.get(signature.HEADER)):
            return Response(status_code=403)
        use: Services = request.app.state.services
        settle = use.settings.settle.of(SMS)
        receipt = await use.inbox.receive(envelope(body), settle=settle)
        if receipt.waits:
            await use.signals.case_waits(receipt.case_id, after=settle.total_seconds())
        return Response(status_code=204)

    return Channel(outbound=outbound, inlets=(Inlet(router),))
