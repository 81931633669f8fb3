"""The sender process: delivers what commits put into the outbox, in order, at most once for every confirmed outcome.

Claim (committed) ─▶ the channel's call ─▶ settle. Killed in between: see ``infra.postgres.outbox``. Every channel has
a lane of its own, so that a provider that hangs holds up nobody else's texts; what a channel has taken is settled
together with whatever else was taken meanwhile.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import assert_never

import structlog

from api.codes import send_codes
from api.metrics import Metrics
from api.reconciler import Reconciler
from channels.envelope import Accepted, Deferred, Delivery, Refused, SendResult, Unknown
from channels.protocol import OutboundChannel
from infra.postgres.outbox import Outbox
from infra.postgres.verification import Verifications
from infra.signals import Signals
from infra.tasks import end
from skills.errors import DatabaseUnavailableError
from skills.turn import ChannelName

_BATCH = 50
_LONGEST_DELAY = 300.0
_LINGER = 0.02
"""Seconds between claims while there is something to send: what comes in meanwhile is claimed and settled together."""
_MAX_ATTEMPTS = 15
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to settle, together well below the time that a claim holds."""
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
        reconciler: asks providers about what is unknown; without one that is for people only.
        codes: one-time codes, which have an outbox of their own.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        channels: Mapping[ChannelName, OutboundChannel],
        signals: Signals,
        metrics: Metrics,
        codes: Verifications | None = None,
        poll: float = 1.0,
        call_deadline: float = 20.0,
        reconciler: Reconciler | None = None,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._signals = signals
        self._metrics = metrics
        self._codes = codes
        self._poll = poll
        self._call_deadline = call_deadline
        self._reconciler = reconciler
        self._hinted = {name: asyncio.Event() for name in channels}
        self._codes_hinted = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set; what is being sent then is settled first."""
        listening = asyncio.create_task(self._listen())
        try:
            async with asyncio.TaskGroup() as lanes:
                for channel in self._channels:
                    lanes.create_task(self._lane(stop, self._hinted[channel], partial(self.deliver_due, [channel])))
                lanes.create_task(self._lane(stop, asyncio.Event(), self._tend))
                lanes.create_task(self._lane(stop, asyncio.Event(), self.reconcile))
                lanes.create_task(self._lane(stop, self._codes_hinted, self.send_codes))
        finally:
            await end([listening])

    async def deliver_due(self, channels: Collection[ChannelName] | None = None) -> int:
        """Deliver what is due now on these channels, by default on all; how many texts were tried."""
        return await self._deliver(await self._outbox.claim(_BATCH, channels))

    async def send_codes(self) -> int:
        """Send the one-time codes that are due now; how many were tried."""
        return 0 if self._codes is None else await send_codes(self._codes, self._channels, self._send)

    async def _lane(self, stop: asyncio.Event, hinted: asyncio.Event, work: Callable[[], Awaitable[int]]) -> None:
        """Work as long as there is some, then wait for a hint or the next look."""
        stopped = asyncio.create_task(stop.wait())
        while not stop.is_set():
            hinted.clear()
            try:
                if await work():
                    await asyncio.sleep(_LINGER)
                    continue
            except DatabaseUnavailableError:
                _log.warning("sender.database_away")
            hint = asyncio.create_task(hinted.wait())
            await asyncio.wait({hint, stopped}, timeout=self._poll, return_when=asyncio.FIRST_COMPLETED)
            hint.cancel()
        stopped.cancel()

    async def _tend(self) -> int:
        """Settle what dead senders left, and put off what is meant for a channel that is not set up."""
        repeatable = [name for name, channel in self._channels.items() if channel.repeatable]
        if await self._outbox.recover(repeatable):
            _log.warning("sender.recovered")
            self._wake()
        return await self._deliver(await self._outbox.claim(_BATCH, list(self._channels), others=True))

    async def reconcile(self) -> int:
        """Find out about unknown deliveries; how many conversations go on now."""
        going_on = 0 if self._reconciler is None else await self._reconciler.look()
        if going_on:
            self._wake()
        return going_on

    async def _listen(self) -> None:
        async for _ in self._signals.outbox():
            self._wake()

    def _wake(self) -> None:
        for hinted in (*self._hinted.values(), self._codes_hinted):
            hinted.set()

    async def _deliver(self, deliveries: Sequence[Delivery]) -> int:
        """Send all at once; settle each as soon as its channel has answered, together with those that answer then."""
        answered: asyncio.Queue[tuple[Delivery, SendResult]] = asyncio.Queue()

        async def send(delivery: Delivery) -> None:
            answered.put_nowait((delivery, await self._send(delivery)))

        calls = [asyncio.create_task(send(delivery)) for delivery in deliveries]
        try:
            left = len(deliveries)
            while left:
                settling = [await answered.get()]
                while not answered.empty():
                    settling.append(answered.get_nowait())
                await self._settle(settling)
                left -= len(settling)
        finally:
            await end(calls)
        return len(deliveries)

    async def _settle(self, results: Sequence[tuple[Delivery, SendResult]]) -> None:
        taken: list[tuple[Delivery, str | None]] = []
        for delivery, result in results:
            self._metrics.sends.labels(channel=delivery.channel, result=type(result).__name__.lower()).inc()
            match result:
                case Accepted():
                    taken.append((delivery, result.provider_message_id))
                case Deferred():
                    delay = timedelta(seconds=result.seconds)
                    await _insist(partial(self._outbox.retry, delivery, result.reason, delay, counts=False))
                case Refused() if result.retry and delivery.attempt < _MAX_ATTEMPTS:
                    delay = max(_delay(delivery.attempt), timedelta(seconds=result.seconds))
                    await _insist(partial(self._outbox.retry, delivery, result.reason, delay))
                case Unknown() if self._repeats(delivery):
                    await _insist(partial(self._outbox.retry, delivery, result.reason, _delay(delivery.attempt)))
                case Refused():
                    await _insist(partial(self._outbox.lost, delivery, "failed", result.reason))
                    _log.error("delivery.failed", outbox=str(delivery.id), reason=result.reason)
                case Unknown():
                    await _insist(partial(self._outbox.lost, delivery, "unknown", result.reason))
                    _log.error("delivery.unknown", outbox=str(delivery.id), reason=result.reason)
                case _:
                    assert_never(result)
        if taken:
            await _insist(partial(self._outbox.sent, taken))
            await self._signals.conversation_changed(*(delivery.conversation_id for delivery, _ in taken))

    def _repeats(self, delivery: Delivery) -> bool:
        """Whether a text that may have gone may go again: its channel makes one of two."""
        channel = self._channels.get(delivery.channel)
        return channel is not None and channel.repeatable and delivery.attempt < _MAX_ATTEMPTS

    async def _send(self, delivery: Delivery) -> SendResult:
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


async def _insist(settle: Callable[[], Awaitable[object]]) -> None:
    """Settle what is known, waiting for a database that is away: forgotten, it would have to be called unknown.

    Raises:
        DatabaseUnavailableError: it stayed away until the claim ran out.
    """
    for pause in _PAUSES:
        try:
            await settle()
        except DatabaseUnavailableError:
            await asyncio.sleep(pause)
        else:
            return
    await settle()


def _delay(attempt: int) -> timedelta:
    """Exponential with full jitter, from about a second to five minutes."""
    return timedelta(seconds=random.uniform(0.5, 1.0) * min(_LONGEST_DELAY, 2.0**attempt))  # noqa: S311 - not a secret
