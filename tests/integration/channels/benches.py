"""Every channel's bench, by the channel's name. A new channel is a line here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.examples.sms_channel.gateway import Gateway
from tests.integration.channels.bench import Bench, ChatBench, SmsBench
from tests.integration.channels.email_bench import email
from tests.integration.channels.whatsapp_bench import whatsapp


@asynccontextmanager
async def chat() -> AsyncIterator[Bench]:
    """The chat; the browser is its provider."""
    yield ChatBench()


@asynccontextmanager
async def sms() -> AsyncIterator[Bench]:
    """The example channel."""
    with Gateway("a secret of two") as gateway:
        yield SmsBench(gateway)


BENCHES: Mapping[str, Callable[[], AbstractAsyncContextManager[Bench]]] = {
    "chat": chat,
    "email": email,
    "sms": sms,
    "whatsapp": whatsapp,
}
WAITING: Sequence[str] = ("form",)
"""Channels of the product whose bench is still to be written."""
