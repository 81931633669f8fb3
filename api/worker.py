"""The worker process: claims cases, runs turns, and loses nothing when it dies.

    a hint (or the sweeper) ─▶ claim the case ─▶ load ─▶ graph ─▶ commit ─▶ tell the sender

Killed before the commit: the lease runs out after at most ten seconds, another worker runs the turn from the messages.
Killed after the commit: there is nothing left to do. Paused past its lease (SIGSTOP, a hanging heartbeat): its fencing
token is old by then and its commit is refused; it stops its own work before that, when the lease was not renewed.
Postgres away: running turns fail and their leases are given back when it returns. SIGTERM: nothing new is claimed,
running turns may finish, the rest is given back.

A message that may have killed its worker twice runs alone in its process, so that a third death is its own doing and
not its neighbour's. After five beginnings it is buried (``infra.postgres.dead_letters``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from api.metrics import Metrics
from graph.handling import TurnHandler
from graph.ports import Lease, Ledger
from infra.postgres.dead_letters import DeadLetters
from infra.postgres.leases import Leases
from infra.signals import CaseHint, Signals
from infra.tasks import end
from skills.errors import DatabaseUnavailableError, LeaseLostError, UnavailableError

MAX_ATTEMPTS = 5
SUSPECT_AFTER = 2
"""More beginnings than this, and the case runs alone."""

_LONGEST_SETTLE = 60.0
"""Seconds. A hint that says more, or nonsense, is looked into at once."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How much a worker does at once, how often it sweeps, and how long it drains. Seconds."""

    slots: int = 20
    sweep: float = 1.0
    drain: float = 20.0


class Worker:
    """Works on cases until it is told to stop.

    Args:
        leases: the queue.
        ledger: loads and commits.
        handler: runs the graph over one case's work.
        dead_letters: where what can't be worked goes.
        signals: hints in, and on to the sender.
        limits: see there.
        metrics: what is counted.
    """

    def __init__(
        self,
        *,
        leases: Leases,
        ledger: Ledger,
        handler: TurnHandler,
        dead_letters: DeadLetters,
        signals: Signals,
        limits: WorkerLimits,
        metrics: Metrics,
    ) -> None:
        self._leases = leases
        self._ledger = ledger
        self._handler = handler
        self._dead_letters = dead_letters
        self._signals = signals
        self._limits = limits
        self._metrics = metrics
        self._slots = asyncio.Semaphore(limits.slots)
        self._quarantine = Quarantine()
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then drain."""
        listening = [asyncio.create_task(self._listen()), asyncio.create_task(self._sweep())]
        await stop.wait()
        self._stopping = True
        await end([*listening, *self._waiting])
        await self._drain()

    async def _drain(self) -> None:
        if self._running:
            _log.info("worker.draining", running=len(self._running))
            await asyncio.wait(self._running, timeout=self._limits.drain)
        for task in self._running:
            task.cancel()  # gives its case back
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _listen(self) -> None:
        async for hint in self._signals.cases():
            self._spawn(self._waiting, self._answer(hint))

    async def _answer(self, hint: CaseHint) -> None:
        """Claim the hinted case once its settle time is over and a slot is free."""
        await asyncio.sleep(hint.after if 0 < hint.after < _LONGEST_SETTLE else 0)
        await self._slots.acquire()
        try:
            lease = await self._leases.claim(hint.case_id)
        except BaseException as error:
            self._slots.release()
            if isinstance(error, DatabaseUnavailableError):
                return  # the sweeper will find it
            raise
        if lease is None:
            self._slots.release()
        else:
            self._spawn(self._running, self._occupy(lease))

    async def _sweep(self) -> None:
        """Find what no hint told: lost hints, dead workers' leases, retries that are due."""
        while True:
            await asyncio.sleep(self._limits.sweep)
            # Slots first: a lease that waited here for one would not be renewed meanwhile.
            free = 0
            while not self._slots.locked():
                await self._slots.acquire()
                free += 1
            if not free:
                continue
            leases: list[Lease] = []
            try:
                leases = await self._leases.claim_due(free)
            except DatabaseUnavailableError:
                _log.warning("worker.database_away")
            finally:
                for _ in range(free - len(leases)):
                    self._slots.release()
            for lease in leases:
                self._spawn(self._running, self._occupy(lease))

    async def _occupy(self, lease: Lease) -> None:
        """One case in one slot, whatever happens to it."""
        log = _log.bind(case=str(lease.case_id), turn=str(lease.turn_id), attempt=lease.attempts)
        try:
            async with self._held(lease), self._quarantine.enter(alone=lease.attempts > SUSPECT_AFTER):
                await self._work(lease)
        except LeaseLostError:
            log.warning("turn.lease_lost")
        except asyncio.CancelledError:
            self._spawn_last(self._give_back(lease, delay=0.0, blameless=True))
            raise
        except UnavailableError as error:
            log.warning("turn.unavailable", error=type(error).__name__)
            await self._give_back(lease, delay=1.0, blameless=True)
        except Exception as error:  # a turn's own failure must not take the worker down
            log.exception("turn.failed")
            self._metrics.turns.labels(outcome="failed").inc()
            await self._after_failure(lease, error)
        finally:
            self._slots.release()

    async def _work(self, lease: Lease) -> None:
        if lease.attempts > MAX_ATTEMPTS:
            await self._bury(lease, "its worker died again and again")
            return
        work = await self._ledger.load(lease)
        if work is None:
            await self._ledger.release(lease)
            return
        outcome = await self._handler.handle(work)
        if outcome is None:
            return
        self._metrics.observe_turn(outcome)
        _log.info(
            "turn.committed",
            case=str(lease.case_id),
            turn=str(lease.turn_id),
            paused=outcome.pause is not None,
            milliseconds=outcome.milliseconds,
        )
        await self._signals.outbox_waits()

    async def _after_failure(self, lease: Lease, error: Exception) -> None:
        if lease.attempts < MAX_ATTEMPTS:
            await self._give_back(lease, delay=float(2**lease.attempts), blameless=False)
            return
        with suppress(LeaseLostError, UnavailableError):  # its lease runs out, and the next claim buries it
            await self._bury(lease, type(error).__name__)

    async def _bury(self, lease: Lease, error: str) -> None:
        await self._dead_letters.bury(lease, error)
        self._metrics.turns.labels(outcome="dead").inc()
        _log.error("turn.dead", case=str(lease.case_id), error=error)
        await self._signals.outbox_waits()

    async def _give_back(self, lease: Lease, *, delay: float, blameless: bool) -> None:
        """Give the case back, waiting for the database if it is away; after that the lease runs out by itself."""
        for pause in (0.2, 0.5, 1.0, 2.0, 4.0):
            try:
                await self._leases.give_back(lease, delay=timedelta(seconds=delay), blameless=blameless)
            except DatabaseUnavailableError:
                await asyncio.sleep(pause)
            else:
                return

    @asynccontextmanager
    async def _held(self, lease: Lease) -> AsyncIterator[None]:
        """Keep the lease alive while the block runs; cancel the block before the lease can be somebody else's.

        Raises:
            LeaseLostError: it was not renewed in time, or another worker has it.
        """
        # A fifth of the lease is kept back, so that the work here has stopped for certain when another's begins.
        deadline = asyncio.timeout(self._leases.duration.total_seconds() * 0.8)
        try:
            async with deadline:
                heart = asyncio.create_task(self._beat(lease, deadline))
                try:
                    yield
                finally:
                    heart.cancel()
                    with suppress(asyncio.CancelledError):
                        await heart
        except TimeoutError:
            if not deadline.expired():
                raise
            raise LeaseLostError from None

    async def _beat(self, lease: Lease, deadline: asyncio.Timeout) -> None:
        loop, duration = asyncio.get_running_loop(), self._leases.duration.total_seconds()
        while True:
            await asyncio.sleep(duration / 3)
            asked = loop.time()
            with suppress(DatabaseUnavailableError):
                held = await self._leases.renew(lease)
                if deadline.expired():
                    return  # renewed too late: the work is being cancelled already
                if not held:
                    deadline.reschedule(loop.time())
                    return
                deadline.reschedule(asked + duration * 0.8)

    def _spawn(self, group: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        group.add(task)
        task.add_done_callback(group.discard)

    def _spawn_last(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that must still be done while everything else is being cancelled."""
        self._spawn(self._running, work)


class Quarantine:
    """Lets any number in at once, or one alone."""

    def __init__(self) -> None:
        self._condition = asyncio.Condition()
        self._inside = 0
        self._alone = 0
        """How many are alone inside, or wait to be: as long as there is one, nobody else comes in."""

    @asynccontextmanager
    async def enter(self, *, alone: bool) -> AsyncIterator[None]:
        """Be inside; ``alone`` waits until everybody has left and keeps everybody out."""
        async with self._condition:
            self._alone += alone
            try:
                await self._condition.wait_for(lambda: not self._inside if alone else not self._alone)
            except BaseException:
                self._alone -= alone
                self._condition.notify_all()
                raise
            self._inside += 1
        try:
            yield
        finally:
            async with self._condition:
                self._inside -= 1
                self._alone -= alone
                self._condition.notify_all()
