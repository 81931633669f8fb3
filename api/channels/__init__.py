"""Every channel of the product. Adding one is its folder in ``channels``, a module here and a line in ``CHANNELS``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from api.channels.channel import Channel
from api.channels.email import MAIL
from api.channels.web import WEB
from api.channels.whatsapp import WHATSAPP_CHANNEL
from api.guarded import guarded
from api.reconciler import Reconciler
from api.sender import Sender
from api.wiring import Services
from channels.addresses import AddressKind
from channels.protocol import OutboundChannel
from infra.breakers import Limits
from skills.turn import ChannelName

CHANNELS: tuple[Channel, ...] = (WEB, MAIL, WHATSAPP_CHANNEL)

_PROVIDER_LIMITS = Limits(failures=5, window=60.0, cooldown=15.0)


def code_channels(services: Services, channels: Sequence[Channel] = CHANNELS) -> dict[AddressKind, ChannelName]:
    """On which channel a one-time code reaches an address of each kind, of those that are set up."""
    found: dict[AddressKind, ChannelName] = {}
    for channel in channels:
        found.update(channel.codes(services))
    return found


@asynccontextmanager
async def open_outbound(
    services: Services, channels: Sequence[Channel] = CHANNELS
) -> AsyncIterator[dict[ChannelName, OutboundChannel]]:
    """The sending half of every channel that is set up, by name, each behind a breaker of its own."""
    async with AsyncExitStack() as stack:
        opened = [
            guarded(outbound, services.breakers.add(f"{outbound.name} provider", _PROVIDER_LIMITS))
            for channel in channels
            for outbound in await stack.enter_async_context(channel.outbound(services))
        ]
        yield {outbound.name: outbound for outbound in opened}


@asynccontextmanager
async def open_sender(services: Services, channels: Sequence[Channel] = CHANNELS) -> AsyncIterator[Sender]:
    """A sender with every channel that is set up."""
    async with open_outbound(services, channels) as opened:
        yield Sender(
            outbox=services.outbox,
            channels=opened,
            signals=services.signals,
            metrics=services.metrics,
            reconciler=Reconciler(services.reconciliations, opened, services.metrics),
            codes=services.verifications,
        )
