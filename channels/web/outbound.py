"""Sending on the web: being visible is being delivered, so there is no provider to call."""

from __future__ import annotations

from dataclasses import dataclass

from channels.envelope import Accepted, Delivery, SendResult
from channels.web import CHAT
from skills.turn import ChannelName


@dataclass(frozen=True, slots=True)
class WebOutbound:
    """The web channel's sending half. The outbox's own commit makes the text visible to the customer's browser."""

    name: ChannelName = CHAT
    repeatable: bool = True

    async def send(self, delivery: Delivery) -> SendResult:  # noqa: ARG002 - the protocol's
        """Always accepted: nothing outside our database is involved."""
        return Accepted()
