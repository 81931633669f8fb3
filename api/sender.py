"""The sender process: delivers what commits put into the outbox, in order, at most once for every confirmed outcome.

Claim (committed) ─▶ the channel's call ─▶ settle. Killed in between: see ``infra.postgres.outbox``.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import assert_never

import structlog

from api.metrics import Metrics
from channels.envelope import Accepted, Delivery, Refused, Unknown
from channels.protocol import OutboundChannel
from infra.postgres.outbox import Outbox
from infra.signals import Signals
from infra.tasks import end
from skills.errors import DatabaseUnavailableError
from skills.turn import ChannelName

_BATCH = 50
_LONGEST_DELAY = 300.0
_MAX_ATTEMPTS = 15
_log = structlog.get_logger(__name__)


class Sender:
    """Delivers until it is told to stop.

    Args:
        outbox: what is to be sent.
        channels: the sending halves, by name.
        signals: hints in, and on to whoever shows the conversation.
        poll: seconds between looks when no hint comes.
        call_deadline: seconds that one call to a provider may take.
        metrics: what is counted.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        channels: Mapping[ChannelName, OutboundChannel],
        signals: Signals,
        metrics: Metrics,
        poll: float = 1.0,
        call_deadline: float = 20.0,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._signals = signals
        self._metrics = metrics
        self._poll = poll
        self._call_deadline = call_deadline
        self._hinted = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set; what is being sent then is settled first."""
        listening = asyncio.create_task(self._listen())
        stopped = asyncio.create_task(stop.wait())
        repeatable = [name for name, channel in self._channels.items() if channel.repeatable]
        try:
            while not stop.is_set():
                self._hinted.clear()
                try:
                    if await self._outbox.recover(repeatable):
                        _log.warning("sender.recovered")
                    while not stop.is_set() and await self.deliver_due():
                        pass
                except DatabaseUnavailableError:
                    _log.warning("sender.database_away")
                hinted = asyncio.create_task(self._hinted.wait())
                await asyncio.wait({hinted, stopped}, timeout=self._poll, return_when=asyncio.FIRST_COMPLETED)
                hinted.cancel()
        finally:
            await end([listening])
            stopped.cancel()

    async def deliver_due(self) -> int:
        """Deliver what is due now; how many texts were tried."""
        deliveries = await self._outbox.claim(_BATCH)
        await asyncio.gather(*(self._deliver(delivery) for delivery in deliveries))
        return len(deliveries)

    async def _listen(self) -> None:
        async for _ in self._signals.outbox():
            self._hinted.set()

    async def _deliver(self, delivery: Delivery) -> None:
        result = await self._send(delivery)
        self._metrics.sends.labels(channel=delivery.channel, result=type(result).__name__.lower()).inc()
        match result:
            case Accepted():
                await self._outbox.sent(delivery, result.provider_message_id)
                await self._signals.conversation_changed(delivery.conversation_id)
            case Refused() if result.retry and delivery.attempt < _MAX_ATTEMPTS:
                await self._outbox.retry(delivery, result.reason, _delay(delivery.attempt))
            case Refused():
                await self._outbox.lost(delivery, "failed", result.reason)
                _log.error("delivery.failed", outbox=str(delivery.id), reason=result.reason)
            case Unknown():
                await self._outbox.lost(delivery, "unknown", result.reason)
                _log.error("delivery.unknown", outbox=str(delivery.id), reason=result.reason)
            case _:
                assert_never(result)

    async def _send(self, delivery: Delivery) -> Accepted | Refused | Unknown:
        channel = self._channels.get(delivery.channel)
        if channel is None:
            return Refused(f"no channel {delivery.channel!r} is set up here", retry=True)
        try:
            async with asyncio.timeout(self._call_deadline):
                return await channel.send(delivery)
        except TimeoutError:
            return Unknown("the provider did not answer in time")
        except Exception as error:  # noqa: BLE001 - whatever a channel's SDK may raise, the outcome is unknown
            _log.error("delivery.raised", outbox=str(delivery.id), error=type(error).__name__, exc_info=True)
            return Unknown(type(error).__name__)


def _delay(attempt: int) -> timedelta:
    """Exponential with full jitter, from about a second to five minutes."""
    return timedelta(seconds=random.uniform(0.5, 1.0) * min(_LONGEST_DELAY, 2.0**attempt))  # noqa: S311 - not a secret
