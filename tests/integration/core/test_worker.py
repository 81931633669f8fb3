"""The worker: hints and sweeping, draining, and leases that are renewed, late or lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from api.worker import Worker, WorkerLimits
from graph.ports import Lease
from infra.postgres.leases import Leases
from skills.turn import CaseId
from tests.core import Core
from tests.working import HINTED_ONLY, SWEEPING, Hints, answered, gated, short, work_row, working


async def test_the_sweeper_finds_what_no_hint_told(core: Core) -> None:
    receipts = [await core.write(f"talk {n}", "hello") for n in range(5)]
    async with working(core.worker(limits=WorkerLimits(slots=2, sweep=0.02))):
        for receipt in receipts:
            await answered(core, receipt.case_id)
    assert await core.leases.claim_due(10) == []


async def test_a_hint_is_enough_even_doubled_unknown_or_early(core: Core) -> None:
    core.signals = hints = Hints()  # type: ignore[assignment] # the same protocol
    receipt = await core.write("talk", "hello", settle=timedelta(milliseconds=80))
    async with working(core.worker(limits=HINTED_ONLY)):
        await hints.case_waits(CaseId(uuid4()))
        for _ in range(20):
            await hints.case_waits(receipt.case_id, after=0.1)
        await answered(core, receipt.case_id)
        await asyncio.wait_for(hints.for_sender.wait(), 5)
        again = await core.write("talk", "again")
        await hints.case_waits(again.case_id)
        await answered(core, receipt.case_id, 2)
    assert len(await core.rows("select 1 from outbox")) == 2


async def test_a_running_turn_may_finish_when_the_worker_is_told_to_stop_and_nothing_new_begins(core: Core) -> None:
    slow, gate = gated(core)
    receipt = await slow.write("talk", "slow one")
    async with working(slow.worker(limits=SWEEPING)) as stop:
        await gate.reached.wait()
        stop.set()
        later = await slow.write("other", "hello")
        await asyncio.sleep(0.2)
        gate.open.set()
    await answered(slow, receipt.case_id)
    assert await slow.rows("select 1 from turns where case_id = %s", later.case_id) == []
    assert (await work_row(slow, later.case_id))["attempts"] == 0


async def test_a_turn_that_outlasts_the_drain_is_given_back_and_its_attempt_does_not_count(core: Core) -> None:
    slow, gate = gated(core)
    receipt = await slow.write("talk", "slow one")
    async with working(slow.worker(limits=WorkerLimits(sweep=0.05, drain=0.1))):
        await gate.reached.wait()
    row = await work_row(slow, receipt.case_id)
    assert (row["attempts"], row["ripe"], row["leased"]) == (0, True, False)
    gate.open.set()
    await slow.work(receipt.case_id)
    await slow.deliver()
    assert await slow.said("talk") == ["customer: slow one", "agent: echo: slow one"]


async def test_a_turn_longer_than_its_lease_commits_because_the_lease_is_renewed(core: Core) -> None:
    slow, gate = gated(core)
    receipt = await slow.write("talk", "slow one")
    async with working(slow.worker(leases=short(slow, 1.5))):
        await gate.reached.wait()
        await asyncio.sleep(3.2)
        assert await slow.leases.claim(receipt.case_id) is None
        gate.open.set()
        await answered(slow, receipt.case_id)
    (turn,) = await slow.rows("select lease_token from turns")
    assert turn["lease_token"] == 1


class HangingRenewal(Leases):
    """A heartbeat that never comes back."""

    async def renew(self, lease: Lease) -> bool:  # noqa: ARG002 - as the parent's
        await asyncio.Event().wait()
        return True


class LateRenewal(Leases):
    """A heartbeat that comes back when the time is over."""

    async def renew(self, lease: Lease) -> bool:
        await asyncio.sleep(self.duration.total_seconds() * 0.55)
        return await super().renew(lease)


class StoppedByLease:
    """A handler that says when it was stopped, and takes a moment for it."""

    def __init__(self, tidy: float = 0.0) -> None:
        self.begun = asyncio.Event()
        self.stopped_after: float | None = None
        self._tidy = tidy

    async def handle(self, _work: Any) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped_after = loop.time() - began
            if self._tidy:
                await asyncio.sleep(self._tidy)


def worker_with(core: Core, leases: Leases, handler: Any) -> Worker:
    return Worker(
        leases=leases,
        ledger=core.ledger,
        handler=handler,
        dead_letters=core.dead_letters,
        signals=core.signals,
        limits=WorkerLimits(sweep=0.05, drain=0.1),
        metrics=core.metrics,
    )


@pytest.mark.parametrize(("kind", "tidy"), [(HangingRenewal, 0.0), (LateRenewal, 0.3)])
async def test_work_whose_lease_was_not_renewed_in_time_stops_before_another_may_begin(
    core: Core, kind: type[Leases], tidy: float
) -> None:
    receipt = await core.write("talk", "hello")
    leases, handler = kind(core.database, holder="h", duration=timedelta(seconds=3)), StoppedByLease(tidy)
    lease = await leases.claim(receipt.case_id)
    assert lease is not None
    worker = worker_with(core, leases, handler)
    await worker._slots.acquire()
    await worker._occupy(lease)
    assert handler.stopped_after is not None
    assert 1.5 < handler.stopped_after < 3.0
    # Nobody is blamed, and the lease is left to run out: it is not known whose it is.
    assert (await work_row(core, receipt.case_id))["attempts"] == 1
    assert worker._slots._value == SWEEPING.slots


async def test_work_stops_soon_after_another_worker_has_the_case(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    leases, handler = short(core, 3.0), StoppedByLease()
    lease = await leases.claim(receipt.case_id)
    assert lease is not None
    worker = worker_with(core, leases, handler)
    await worker._slots.acquire()
    occupied = asyncio.create_task(worker._occupy(lease))
    await handler.begun.wait()
    await core.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    newer = await core.claim(receipt.case_id)
    await occupied
    assert handler.stopped_after is not None
    assert handler.stopped_after < 2.4  # at the next renewal, not when the lease's time is over
    assert (newer.token, newer.attempts) == (lease.token + 1, 2)
    assert await core.leases.renew(newer)
    assert not await core.leases.renew(lease)
