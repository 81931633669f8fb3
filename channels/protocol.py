"""What every channel can do, whatever its provider."""

from __future__ import annotations

from typing import Protocol

from channels.envelope import Delivery, SendResult
from skills.turn import ChannelName


class OutboundChannel(Protocol):
    """Delivers texts to customers on one channel."""

    @property
    def name(self) -> ChannelName:
        """The channel's name, as it stands in every row."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether sending a delivery twice has the effect of once. Only then is an unknown outcome sent again."""
        ...

    async def send(self, delivery: Delivery) -> SendResult:
        """Hand one text to the provider, once. Never raises for what a provider may do: the result says it."""
        ...
