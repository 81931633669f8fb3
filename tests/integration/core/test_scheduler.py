"""One scheduler leads; others take over when it is killed, hangs or stops; jobs are neither skipped nor repeated."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from api.metrics import Metrics
from api.scheduler import Done, Job, Scheduler
from infra.postgres.database import Database
from infra.postgres.schedule import Beat, Reign, Schedule
from skills.errors import DatabaseUnavailableError, LeaseLostError
from tests.product import environment

LEASE = timedelta(seconds=1)
DAILY = Beat(timedelta(days=1), timedelta(hours=2))
OFTEN = Beat(timedelta(seconds=0.2))


def schedule_of(database: Database, name: str, *, lease: timedelta = LEASE) -> Schedule:
    return Schedule(database, holder=name, lease=lease)


@dataclass
class Work:
    """Jobs that tell when they ran, and can be held up or made to fail."""

    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    happened: asyncio.Condition = field(default_factory=asyncio.Condition)

    def job(self, name: str, beat: Beat, *, held: bool = False, error: Exception | None = None, more: int = 0) -> Job:
        left = [more]

        async def run(_reign: Reign) -> Done:
            await self._tell(self.began, name)
            if held:
                await self.go_on.wait()
            if error is not None:
                raise error
            await self._tell(self.ended, name)
            left[0] -= 1
            return Done({"rows": 1}, more=left[0] >= 0)

        return Job(name, beat, run)

    async def _tell(self, told: list[str], name: str) -> None:
        async with self.happened:
            told.append(name)
            self.happened.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(15), self.happened:
            await self.happened.wait_for(holds)


@asynccontextmanager
async def scheduling(database: Database, name: str, *jobs: Job) -> AsyncIterator[Scheduler]:
    """A scheduler that runs during the block."""
    scheduler = Scheduler(schedule_of(database, name), jobs, metrics=Metrics(), tick=0.05)
    stop = asyncio.Event()
    running = asyncio.create_task(scheduler.run(stop))
    try:
        yield scheduler
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> float:
    """Wait for what other processes bring about; how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.02)
    return time.monotonic() - began


async def rows(database: Database, statement: str, *values: Any) -> list[dict[str, Any]]:
    async with database.connection() as connection:
        return await (await connection.execute(statement.encode(), values)).fetchall()


async def make_due(database: Database, name: str) -> None:
    async with database.connection() as connection:
        await connection.execute("update scheduler_jobs set due_at = now() where name = %s", [name])


async def test_of_several_only_one_leads_and_does_each_job_once(database: Database) -> None:
    work = Work()
    nightly = work.job("nightly", DAILY)
    async with (
        scheduling(database, "one", nightly) as one,
        scheduling(database, "two", nightly) as two,
        scheduling(database, "three", nightly) as three,
    ):
        await until(lambda: _true(any(scheduler.leads for scheduler in (one, two, three))))
        await make_due(database, "nightly")
        await work.until(lambda: "nightly" in work.ended)
        await asyncio.sleep(0.3)  # six more looks of each
        assert [one.leads, two.leads, three.leads].count(True) == 1
    assert work.ended == ["nightly"]


async def _true(holds: bool) -> bool:
    return holds


async def test_a_nightly_job_waits_for_its_night_and_the_next_is_a_day_later(database: Database) -> None:
    schedule = schedule_of(database, "one")
    await schedule.register("nightly", DAILY)
    reign = await schedule.hold()
    assert reign is not None
    assert await reign.due(["nightly"]) == []
    await make_due(database, "nightly")
    assert await reign.due(["nightly"]) == ["nightly"]
    await reign.begin("nightly")
    await reign.finish("nightly", DAILY, more=False)
    (row,) = await rows(
        database,
        "select extract(hour from due_at at time zone 'utc')::int as hour, due_at > now() and"
        " due_at <= now() + interval '1 day' as next, ended_at is not null as ended from scheduler_jobs",
    )
    assert row == {"hour": 2, "next": True, "ended": True}
    await schedule.register("nightly", DAILY)
    assert await reign.due(["nightly"]) == []


async def test_a_successor_runs_what_its_predecessor_left_half_done_and_not_what_it_had_ended(
    database: Database,
) -> None:
    work, again = Work(), Work()
    jobs = [work.job("whole", DAILY), work.job("half", DAILY, held=True)]
    async with scheduling(database, "one", *jobs) as one:
        await until(lambda: _true(one.leads))
        for name in ("whole", "half"):
            await make_due(database, name)
        await work.until(lambda: work.ended == ["whole"] and "half" in work.began)
    async with scheduling(database, "two", again.job("whole", DAILY), again.job("half", DAILY)):
        await again.until(lambda: again.ended == ["half"])
    assert again.began == ["half"]


async def test_one_failing_job_stops_no_other_and_is_tried_again_and_counted(database: Database) -> None:
    work = Work()
    jobs = [work.job("broken", DAILY, error=ValueError("x")), work.job("sound", OFTEN)]
    async with scheduling(database, "one", *jobs) as scheduler:
        await until(lambda: _true(scheduler.leads))
        await make_due(database, "broken")
        await work.until(lambda: work.ended.count("sound") >= 2 and "broken" in work.began)
        await until(lambda: _failed(database, "broken"))
        failures = scheduler._metrics.scheduler_jobs.labels(job="broken", result="failed")._value.get()
    assert failures >= 1
    (row,) = await rows(
        database,
        "select failures >= 1 and failing = failures as counted, error, ended_at,"
        " extract(epoch from due_at - begun_at) >= 5 as later from scheduler_jobs where name = 'broken'",
    )
    assert row == {"counted": True, "error": "ValueError", "ended_at": None, "later": True}


async def _failed(database: Database, name: str) -> bool:
    return bool(await rows(database, "select 1 from scheduler_jobs where name = %s and failing > 0", name))


async def test_a_job_that_has_more_to_do_runs_again_at_once(database: Database) -> None:
    work = Work()
    async with scheduling(database, "one", work.job("long", DAILY, more=3)) as scheduler:
        await until(lambda: _true(scheduler.leads))
        await make_due(database, "long")
        await work.until(lambda: len(work.ended) == 4)
        await asyncio.sleep(0.2)
    assert len(work.ended) == 4


async def test_a_long_job_keeps_no_short_one_waiting(database: Database) -> None:
    work = Work()
    async with scheduling(database, "one", work.job("long", OFTEN, held=True), work.job("short", OFTEN)):
        await work.until(lambda: "long" in work.began and work.ended.count("short") >= 3)
    assert work.began.count("long") == 1


async def test_a_leader_that_hangs_is_replaced_and_breaks_off_when_it_wakes(database: Database) -> None:
    work, other = Work(), Work()
    async with scheduling(database, "one", work.job("long", OFTEN, held=True)) as one:
        await work.until(lambda: work.began == ["long"])
        original = one._schedule.hold
        awake = asyncio.Event()

        async def hang() -> Reign | None:
            await awake.wait()
            return await original()

        one._schedule.hold = hang  # type: ignore[method-assign] # the rest of the process goes on meanwhile
        async with scheduling(database, "two", other.job("long", OFTEN)) as two:
            took = await until(lambda: _true(two.leads))
            assert not one.leads
            assert took < 3 * LEASE.total_seconds()
            awake.set()
            await other.until(lambda: "long" in other.ended)
            assert not one.leads
    assert work.ended == []


async def test_what_a_deposed_leader_still_writes_is_refused(database: Database) -> None:
    old = schedule_of(database, "old", lease=timedelta(seconds=0.1))
    await old.register("nightly", DAILY)
    await make_due(database, "nightly")
    reign = await old.hold()
    assert reign is not None
    await asyncio.sleep(0.15)  # the server's clock decides
    new = await schedule_of(database, "new").hold()
    assert new is not None
    assert new.token == reign.token + 1
    assert await old.hold() is None
    with pytest.raises(LeaseLostError):
        await reign.refuse_if_over()
    with pytest.raises(LeaseLostError):
        await reign.begin("nightly")
    await reign.finish("nightly", DAILY, more=False)
    await reign.fail("nightly", DAILY, "ValueError")
    assert await reign.due(["nightly"]) == []
    assert await new.due(["nightly"]) == ["nightly"]
    await new.refuse_if_over()


async def test_a_lease_that_ran_out_is_a_new_reign_even_for_its_old_holder(database: Database) -> None:
    schedule = schedule_of(database, "one", lease=timedelta(seconds=0.1))
    first = await schedule.hold()
    second = await schedule.hold()
    await asyncio.sleep(0.15)
    third = await schedule.hold()
    assert first is not None
    assert second is not None
    assert third is not None
    assert (second.token, third.token) == (first.token, first.token + 1)


async def test_fifty_takes_of_a_free_lease_at_once_give_one_leader(database: Database) -> None:
    taken = await asyncio.gather(*(schedule_of(database, f"holder {n}").hold() for n in range(50)))
    assert len([reign for reign in taken if reign is not None]) == 1


async def test_a_scheduler_without_its_database_steps_down_and_leads_again_when_it_is_back(database: Database) -> None:
    work = Work()
    async with scheduling(database, "one", work.job("job", OFTEN)) as scheduler:
        await work.until(lambda: "job" in work.ended)
        original = scheduler._schedule.hold

        async def away() -> Reign | None:
            raise DatabaseUnavailableError

        scheduler._schedule.hold = away  # type: ignore[method-assign] # as if the server were gone
        await until(lambda: _true(not scheduler.leads))
        assert scheduler._metrics.scheduler_leader._value.get() == 0
        done = len(work.ended)
        scheduler._schedule.hold = original  # type: ignore[method-assign] # and back
        await work.until(lambda: len(work.ended) > done)


async def scheduler_process(url: str, **settings: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api.cli", "scheduler"),
        env=environment(url, None, **settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def leading(process: asyncio.subprocess.Process) -> int:
    """Wait for the line in which a scheduler says that it leads; the reign's number."""
    assert process.stderr is not None
    while True:
        line = await process.stderr.readline()
        assert line, "the scheduler ended"
        said = json.loads(line)
        if said["event"] == "scheduler.leads":
            return int(said["reign"])


async def test_a_killed_scheduler_is_replaced_within_seconds_by_the_one_that_stood_by(
    database: Database, database_url: str
) -> None:
    processes = [await scheduler_process(database_url) for _ in range(2)]
    waits = {asyncio.create_task(leading(process)): process for process in processes}
    try:
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        (first,), (second,) = done, pending
        assert first.result() == 1
        await until(lambda: _connected(database, 2), 60)
        waits[first].kill()
        began = time.monotonic()
        assert await asyncio.wait_for(second, 30) == 2
        assert time.monotonic() - began < Schedule(database, holder="").lease.total_seconds() + 2.5
        await until(lambda: _done(database, "late_reviews"))
        waits[second].send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(waits[second].wait(), 20) == 0
        assert await schedule_of(database, "next").hold() is not None, "who is stopped gives the lease back"
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _connected(database: Database, schedulers: int) -> bool:
    found = await rows(
        database,
        "select 1 from pg_stat_activity where application_name = 'csagent scheduler' and datname = current_database()",
    )
    return len(found) >= 2 * schedulers  # each opens two at once


async def _done(database: Database, name: str) -> bool:
    return bool(await rows(database, "select 1 from scheduler_jobs where name = %s and ended_at is not null", name))
