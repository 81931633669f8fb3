"""How many messages a second leave from our number, and whether Twilio has asked us to wait.

Each message gets the next place in line. A place that is near is waited for in the call; one that is far puts the text
off without an attempt, so that nobody's claim runs out in the line, and whoever waited longest comes first again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic


class Pace:
    """The line of one number in one process.

    Args:
        rate: messages a second.
        burst: how many may leave at once after a rest.
        patience: seconds that somebody waits for a place in the call.
        clock: seconds of some clock that only goes forward.
    """

    def __init__(
        self, rate: float, *, burst: int = 10, patience: float = 3.0, clock: Callable[[], float] = monotonic
    ) -> None:
        self._gap = 1 / rate
        self._credit = self._gap * (burst - 1)
        self._patience = patience
        self._clock = clock
        self._next = 0.0
        self._closed_until = 0.0

    def reserve(self) -> tuple[float, bool]:
        """Seconds until the next place, and whether it is taken: one that is too far away is not."""
        now = self._clock()
        place = max(self._next, now - self._credit)
        wait = max(place, self._closed_until, now) - now
        if wait > self._patience:
            return wait, False
        self._next = place + self._gap
        return wait, True

    async def turn(self) -> float:
        """Wait for a place; the seconds to come again in, if it is too far away, else 0."""
        wait, taken = self.reserve()
        if not taken:
            return wait
        if wait > 0:
            await asyncio.sleep(wait)
        return 0.0

    def close(self, seconds: float) -> None:
        """Let nobody go for a while: the provider said that it is too much."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)
