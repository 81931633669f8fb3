"""Asks providers about deliveries of which nobody knows, and settles what is found out.

A lane of the sender's own: what it asks may take long, and nobody waits for it but the conversations held back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from api.metrics import Metrics
from channels.envelope import Arrived, Reconciled
from channels.protocol import OutboundChannel, Reconciling
from infra.postgres.reconciliations import Reconciliations, UnknownSend
from skills.turn import ChannelName

_BATCH = 10

_log = structlog.get_logger(__name__)


class Reconciler:
    """One look at a time.

    Args:
        unknown: the unknown deliveries.
        channels: the sending halves, by name; those that can't be asked are left to people.
        metrics: what is counted.
    """

    def __init__(
        self, unknown: Reconciliations, channels: Mapping[ChannelName, OutboundChannel], metrics: Metrics
    ) -> None:
        self._unknown = unknown
        self._channels = {name: channel for name, channel in channels.items() if isinstance(channel, Reconciling)}
        self._metrics = metrics

    async def look(self) -> int:
        """Ask about those that are due; how many conversations go on now."""
        if not self._channels:
            return 0
        claimed = await self._unknown.claim(_BATCH, list(self._channels))
        return sum(await asyncio.gather(*(self._ask(one) for one in claimed)))

    async def _ask(self, one: UnknownSend) -> bool:
        found = await self._found(one)
        kind = type(found).__name__.lower()
        self._metrics.reconciled.labels(channel=one.delivery.channel, found=kind).inc()
        _log.info("delivery.reconciled", outbox=str(one.delivery.id), found=kind, asked=one.asked)
        return await self._unknown.settle(one, found)

    async def _found(self, one: UnknownSend) -> Reconciled:
        if one.reported_name is not None:
            return Arrived((one.reported_name,))
        channel = self._channels[one.delivery.channel]
        return await channel.reconcile(one.delivery, handed_over_at=one.handed_over_at, known=one.known)
