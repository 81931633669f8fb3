"""The scheduler process: what has to happen now and then, done by the one scheduler that leads.

Several run, one leads (``infra.postgres.schedule``); the others ask every second whether it still does. Killed or
hanging, it has no successor until its lease runs out; stopped in order, it has one within a second. Every job may be
broken off anywhere and run again, and two schedulers at once do no harm: the lease saves work, the jobs are safe by
themselves. Jobs run side by side, so that a long one keeps no short one waiting, and one that fails stops no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import structlog

from api.metrics import Metrics
from infra.postgres.schedule import Beat, Reign, Schedule
from infra.tasks import end
from skills.errors import DatabaseUnavailableError, LeaseLostError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What a job has done, in figures for the log. ``more``: its time was up before its work was."""

    counts: Mapping[str, int] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do on a beat. It asks ``Reign.refuse_if_over`` before each step that deletes."""

    name: str
    beat: Beat
    run: Callable[[Reign], Awaitable[Done]]


class Scheduler:
    """Leads or stands by until it is told to stop.

    Args:
        schedule: the lease, and the jobs' times.
        jobs: what is to be done.
        metrics: what is counted, and whether this one leads.
        tick: seconds between looks at the lease and at what is due.
    """

    def __init__(self, schedule: Schedule, jobs: Sequence[Job], *, metrics: Metrics, tick: float = 1.0) -> None:
        self._schedule = schedule
        self._jobs = {job.name: job for job in jobs}
        self._metrics = metrics
        self._tick = tick
        self._patience = schedule.lease.total_seconds() * 0.8
        self._running: dict[str, asyncio.Task[None]] = {}
        self._registered = False
        self._reign: Reign | None = None
        self._renewed = 0.0

    @property
    def leads(self) -> bool:
        """Whether this scheduler is the one that works."""
        return self._reign is not None

    async def run(self, stop: asyncio.Event) -> None:
        """Look, second after second; at the end what runs is broken off and the lease given back."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._look()
                await asyncio.wait({stopped}, timeout=self._tick)
        finally:
            stopped.cancel()
            await end(self._running.values())
            self._metrics.scheduler_leader.set(0)
            with suppress(DatabaseUnavailableError):
                await self._schedule.resign()

    async def _look(self) -> None:
        """Renew or take the lease, and begin what is due."""
        now = asyncio.get_running_loop().time
        asked = now()
        left = self._renewed + self._patience - asked if self.leads else self._patience
        try:
            async with asyncio.timeout(max(left, 0.0)):
                await self._register()
                reign = await self._schedule.hold()
        except (DatabaseUnavailableError, TimeoutError):
            _log.warning("scheduler.database_away")
            if self.leads and now() >= self._renewed + self._patience - self._tick:
                await self._step_down()
            return
        if self._reign is not None and (reign is None or reign.token != self._reign.token):
            await self._step_down()
        if reign is None:
            return
        self._renewed = asked
        if self._reign is None:
            self._reign = reign
            self._metrics.scheduler_leader.set(1)
            _log.info("scheduler.leads", reign=reign.token)
        with suppress(DatabaseUnavailableError):  # the next look says so
            await self._begin(self._reign)

    async def _register(self) -> None:
        if not self._registered:
            for job in self._jobs.values():
                await self._schedule.register(job.name, job.beat)
            self._registered = True

    async def _step_down(self) -> None:
        """Break off what runs, before another scheduler can lead."""
        _log.warning("scheduler.steps_down", broken_off=sorted(self._running))
        self._reign = None
        self._metrics.scheduler_leader.set(0)
        await end(self._running.values())

    async def _begin(self, reign: Reign) -> None:
        free = [name for name in self._jobs if name not in self._running]
        for name in await reign.due(free):
            task = asyncio.create_task(self._work(self._jobs[name], reign), name=name)
            self._running[name] = task
            task.add_done_callback(lambda task: self._running.pop(task.get_name()))

    async def _work(self, job: Job, reign: Reign) -> None:
        """One job, whatever happens to it."""
        began = asyncio.get_running_loop().time()
        try:
            await reign.begin(job.name)
            done = await job.run(reign)
            await reign.finish(job.name, job.beat, more=done.more)
        except LeaseLostError:
            _log.warning("scheduler.job_left", job=job.name)
            self._count(job, "left")
        except DatabaseUnavailableError as error:  # it is due still
            _log.warning("scheduler.job_failed", job=job.name, error=type(error).__name__)
            await self._note(job, reign, error)
        except Exception as error:  # noqa: BLE001 - one job's failure must not stop the others
            _log.exception("scheduler.job_failed", job=job.name)
            await self._note(job, reign, error)
        else:
            seconds = round(asyncio.get_running_loop().time() - began, 2)
            self._count(job, "done")
            say = _log.info if done.more or any(done.counts.values()) else _log.debug
            say("scheduler.job_done", job=job.name, seconds=seconds, more=done.more, **done.counts)

    async def _note(self, job: Job, reign: Reign, error: Exception) -> None:
        self._count(job, "failed")
        with suppress(DatabaseUnavailableError):
            await reign.fail(job.name, job.beat, type(error).__name__)

    def _count(self, job: Job, result: Literal["done", "failed", "left"]) -> None:
        self._metrics.scheduler_jobs.labels(job=job.name, result=result).inc()
