"""How much a service can take: the highest rate at which replies stay quick and nothing piles up, by trying.

Up by half until it breaks, then halving between what held and what broke.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from evals.loadtest.record import Record
from skills.errors import ConflictError

_UP = 1.5
_HIGHEST = 100_000.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rate has to hold. Seconds."""

    reply_p95: float = 2.0
    """From when the customer meant to send until the reply is before their eyes."""
    oldest: float = 2.0
    """How long the case that is due longest may have been due when the last message arrives."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, tried. Milliseconds and seconds by name."""

    rate: float
    messages: int
    acknowledge_p99_ms: float
    reply_p50_ms: float
    reply_p95_ms: float
    oldest_seconds: float
    lost: int
    """Messages that were refused, or that nothing came after in time."""

    def holds(self, limits: Limits) -> bool:
        """Whether the service kept up."""
        return (
            self.reply_p95_ms <= limits.reply_p95 * 1000
            and self.oldest_seconds <= limits.oldest
            and not self.lost
            and self.messages > 0
        )


def step_of(rate: float, record: Record, oldest_seconds: float) -> Step:
    """A run at this rate as a step."""
    acknowledged, replied = record.all_acknowledged, record.all_replied
    return Step(
        rate=round(rate, 2),
        messages=record.sent,
        acknowledge_p99_ms=round(acknowledged.percentile(99) * 1000, 1),
        reply_p50_ms=round(replied.percentile(50) * 1000, 1),
        reply_p95_ms=round(replied.percentile(95) * 1000, 1),
        oldest_seconds=round(oldest_seconds, 2),
        lost=record.refused + record.late,
    )


async def find_capacity(
    attempt: Callable[[float], Awaitable[Step]], *, start: float, limits: Limits, halvings: int = 3
) -> tuple[float, list[Step]]:
    """The highest rate that held, and every step on the way.

    Args:
        attempt: runs a load at a rate, and waits until all of it is over.
        start: messages a second to begin with; it has to hold.
        limits: what has to hold.
        halvings: how often the space between held and broke is halved. Three come within a sixteenth.

    Raises:
        ConflictError: not even the first rate holds.
    """
    steps: list[Step] = []

    async def holds(rate: float) -> bool:
        steps.append(await attempt(rate))
        return steps[-1].holds(limits)

    held, rate = 0.0, start
    while rate < _HIGHEST and await holds(rate):
        held, rate = rate, rate * _UP
    if not held:
        raise ConflictError(
            f"{start:g} messages a second is too much already: replies at p95 in {steps[-1].reply_p95_ms:,.0f} ms",
            hint="begin lower with --start, or see what else runs on this machine",
        )
    broke = rate
    for _ in range(halvings):
        middle = (held + broke) / 2
        if await holds(middle):
            held = middle
        else:
            broke = middle
    return held, steps
