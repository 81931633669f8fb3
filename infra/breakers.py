"""Circuit breakers: a service that keeps failing is left alone for a while, then tried with one call.

    closed ──── enough failures ────▶ open ──── the cooldown is over, and somebody asks ────▶ half-open
       ▲                               ▲                                                       │   │
       │                               └─────────────── the one probe failed ──────────────────┘   │
       └─────────────────────────────────────────────── it was answered ───────────────────────────┘

An open breaker refuses in microseconds, so that no slot, no request and no customer waits out a deadline for an answer
that will not come. What then happens instead is said by whoever asked: ``infra.models.guarded``, ``api.guarded`` and
``infra.redis.signals``.

A breaker belongs to one process and its event loop: it is a judgement of what this process sees, costs no round trip
and forgets with the process. It is our own because what we need of one is small, and purgatory, the library for it,
decides otherwise where it matters here: half open it lets every waiting caller in, failures count however far apart
they are, a call let in long before may still close or open it, and its clock is the wall's, which jumps.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from skills.errors import UnavailableError

Result = TypeVar("Result")
State = Literal["closed", "half-open", "open"]


class BreakerOpenError(UnavailableError):
    """The breaker is open.

    ``reason`` is the code of the failure that opened it; ``seconds`` says when it is worth asking again.
    """

    def __init__(self, name: str, reason: str, seconds: float) -> None:
        super().__init__(f"the breaker of {name} is open: {reason}", hint=f"asked again in {seconds:.0f} s at most")
        self.reason = reason
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """When a breaker opens, and for how long.

    It opens when at least ``failures`` of the last ``Breaker.MOST`` calls failed within ``window`` seconds, and at
    least half of those that ended in that time: a busy service that fails now and then is not down.
    """

    failures: int
    window: float
    cooldown: float
    """Seconds until one call is let through again."""


@dataclass(frozen=True, slots=True)
class Status:
    """A breaker at a glance. ``reason`` is the code of its last failure; ``None`` when there was none."""

    name: str
    state: State
    seconds: float
    """How long it has been in this state."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Permit:
    """That a call was let through, and when: one that ends after the state has changed says nothing about it."""

    epoch: int


class Breaker:
    """The state machine of one outside service. Pure but for its clock.

    Args:
        name: of the service, as operators read it.
        limits: see there.
        clock: seconds that never go back.
        on_change: is told of every new state.
    """

    MOST = 20
    """Calls that are remembered, so that a busy service's good past doesn't hide that it is down now."""

    def __init__(
        self,
        name: str,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[Status], None] = lambda _: None,
    ) -> None:
        self.name = name
        self._limits = limits
        self._clock = clock
        self._on_change = on_change
        self._state: State = "closed"
        self._since = clock()
        self._reason: str | None = None
        self._epoch = 0
        self._probing = False
        self._ended: deque[tuple[float, bool]] = deque(maxlen=self.MOST)

    @property
    def status(self) -> Status:
        """How it stands now."""
        return Status(self.name, self._state, self._clock() - self._since, self._reason)

    async def call(
        self, asked: Callable[[], Awaitable[Result]], *, fault: Callable[[Result | Exception], str | None]
    ) -> Result:
        """What ``asked`` returns or raises. It must end by itself: a probe that hangs keeps the breaker half open.

        Args:
            asked: the call.
            fault: the code of the failure that a result or an error shows, ``None`` if the service did answer.

        Raises:
            BreakerOpenError: nothing was asked.
        """
        permit = self.admit()
        try:
            result = await asked()
        except Exception as error:
            self.settle(permit, fault(error))
            raise
        except BaseException:
            self.drop(permit)
            raise
        self.settle(permit, fault(result))
        return result

    def admit(self) -> Permit:
        """Let a call through; it has to be settled or dropped.

        Raises:
            BreakerOpenError: it is open, or half open with its probe under way.
        """
        if self._state == "open" and self._clock() - self._since >= self._limits.cooldown:
            self._turn("half-open")
        if self._state == "open" or self._probing:
            left = self._limits.cooldown - (self._clock() - self._since if self._state == "open" else 0.0)
            raise BreakerOpenError(self.name, self._reason or "failing", left)
        self._probing = self._state == "half-open"
        return Permit(self._epoch)

    def settle(self, permit: Permit, reason: str | None) -> None:
        """A call has ended: with this failure, or with an answer (``None``)."""
        if permit.epoch != self._epoch:
            return
        self._reason = reason or self._reason
        if self._state == "half-open":
            self._turn("closed" if reason is None else "open")
            return
        now = self._clock()
        self._ended.append((now, reason is not None))
        while now - self._ended[0][0] > self._limits.window:
            self._ended.popleft()
        failures = sum(failed for _, failed in self._ended)
        if reason is not None and failures >= self._limits.failures and 2 * failures >= len(self._ended):
            self._turn("open")

    def drop(self, permit: Permit) -> None:
        """A call was given up by whoever made it, which says nothing about the service; the next one may probe."""
        if permit.epoch == self._epoch:
            self._probing = False

    def _turn(self, state: State) -> None:
        self._state, self._since = state, self._clock()
        self._epoch += 1
        self._probing = False
        self._ended.clear()
        self._on_change(self.status)


class Breakers:
    """The breakers of one process.

    Args:
        on_change: is told of every new state of any of them, and of each when it is added.
    """

    def __init__(self, *, on_change: Callable[[Status], None] = lambda _: None) -> None:
        self._on_change = on_change
        self._breakers: list[Breaker] = []

    def add(self, name: str, limits: Limits) -> Breaker:
        """A new breaker, closed."""
        breaker = Breaker(name, limits, on_change=self._on_change)
        self._breakers.append(breaker)
        self._on_change(breaker.status)
        return breaker

    def statuses(self) -> list[Status]:
        """How each of them stands now, in the order in which they were added."""
        return [breaker.status for breaker in self._breakers]
