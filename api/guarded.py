"""Outbound channels behind circuit breakers: while a provider is away its deliveries wait, and no attempt counts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime

import structlog

from channels.envelope import Accepted, Deferred, Delivery, Reconciled, Refused, SendResult, Undecided, Unknown
from channels.protocol import OutboundChannel, Reconciling
from infra.breakers import Breaker, BreakerOpenError
from skills.turn import ChannelName

_log = structlog.get_logger(__name__)


class GuardedChannel:
    """An ``OutboundChannel`` that asks another one only while its breaker lets it.

    A failure is what says something about the provider: ``Refused`` that may be retried (429, 5xx), ``Unknown``, no
    answer within the deadline, and whatever the channel raises. A refusal for good is about the one text: the provider
    works.

    Args:
        channel: who sends.
        breaker: the provider's.
        deadline: seconds for one call. Shorter than the sender's own, which would cancel the call without telling
            the breaker why.
    """

    def __init__(self, channel: OutboundChannel, breaker: Breaker, *, deadline: float = 15.0) -> None:
        self._channel = channel
        self._breaker = breaker
        self._deadline = deadline

    @property
    def name(self) -> ChannelName:
        """The sending channel's."""
        return self._channel.name

    @property
    def repeatable(self) -> bool:
        """The sending channel's."""
        return self._channel.repeatable

    async def send(self, delivery: Delivery) -> SendResult:
        """The channel's result; ``Deferred`` when it was not asked."""
        try:
            return await self._breaker.call(lambda: self._within_deadline(delivery), fault=_fault)
        except BreakerOpenError as error:
            return Deferred(f"breaker open ({error.reason})", error.seconds)

    async def _within_deadline(self, delivery: Delivery) -> SendResult:
        try:
            async with asyncio.timeout(self._deadline):
                return await self._channel.send(delivery)
        except TimeoutError:
            return Unknown("the provider did not answer in time")


class GuardedReconcilingChannel(GuardedChannel):
    """One whose provider can be asked what it has. Asking is rare, so the breaker has no say in it."""

    def __init__(
        self, channel: OutboundChannel, reconciling: Reconciling, breaker: Breaker, *, deadline: float = 15.0
    ) -> None:
        super().__init__(channel, breaker, deadline=deadline)
        self._reconciling = reconciling

    async def reconcile(
        self, delivery: Delivery, *, handed_over_at: datetime, known: Collection[str] = ()
    ) -> Reconciled:
        """The channel's finding; undecided when it takes too long or raises."""
        try:
            async with asyncio.timeout(2 * self._deadline):
                return await self._reconciling.reconcile(delivery, handed_over_at=handed_over_at, known=known)
        except TimeoutError:
            return Undecided("the provider did not answer in time", again=True)
        except Exception as error:  # noqa: BLE001 - whatever a channel's SDK may raise, nothing was found out
            _log.error("delivery.not_reconciled", outbox=str(delivery.id), error=type(error).__name__, exc_info=True)
            return Undecided(type(error).__name__, again=True)


def guarded(channel: OutboundChannel, breaker: Breaker) -> GuardedChannel:
    """A channel behind its breaker, with all that it can do."""
    if isinstance(channel, Reconciling):
        return GuardedReconcilingChannel(channel, channel, breaker)
    return GuardedChannel(channel, breaker)


def _fault(outcome: SendResult | Exception) -> str | None:
    """A code for operators; the provider's own words may hold more than should be seen."""
    match outcome:
        case Accepted() | Deferred():
            return None
        case Refused():
            return "refused for now" if outcome.retry else None
        case Unknown():
            return "unknown outcome"
        case _:
            return "raised"
