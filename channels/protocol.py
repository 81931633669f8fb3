"""What every channel can do, whatever its provider."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol, runtime_checkable

from channels.envelope import Delivery, Reconciled, SendResult
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


@runtime_checkable
class Reconciling(Protocol):
    """What a channel can do besides whose provider can be asked what it has: find out about an unknown outcome."""

    async def reconcile(
        self, delivery: Delivery, *, handed_over_at: datetime, known: Collection[str] = ()
    ) -> Reconciled:
        """What became of a delivery whose sending ended in ``Unknown``. Never raises for what a provider may do.

        Args:
            delivery: as it was sent.
            handed_over_at: when its call began.
            known: the provider's names of messages that belong to other deliveries of the conversation.
        """
        ...
