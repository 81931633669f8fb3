"""The worker: what it does when it is told to stop, loses its lease, meets poison, or finds the database away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from api.worker import Worker, WorkerLimits
from graph.ports import Lease
from infra.postgres.leases import Leases
from infra.postgres.turns import PostgresLedger
from infra.signals import CaseHint
from skills.errors import ConflictError, DatabaseUnavailableError, LeaseLostError
from skills.turn import CaseId, ConversationId
from tests.core import Core, make_core
from tests.trivial import Gate, trivial_graph


@dataclass
class Hints:
    """Hints that a test gives by hand, and the ones that the worker gives to the sender."""

    queue: asyncio.Queue[CaseHint] = field(default_factory=asyncio.Queue)
    for_sender: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def case_waits(self, case_id: CaseId, *, after: float = 0.0) -> None:
        await self.queue.put(CaseHint(case_id, after))

    async def outbox_waits(self) -> None:
        self.for_sender.set()

    async def conversation_changed(self, conversation_id: ConversationId) -> None: ...

    async def cases(self) -> AsyncIterator[CaseHint]:
        while True:
            yield await self.queue.get()

    async def outbox(self) -> AsyncIterator[None]:
        while True:
            await self.for_sender.wait()
            yield None

    @asynccontextmanager
    async def watch(self, conversation_id: ConversationId) -> AsyncIterator[asyncio.Event]:  # noqa: ARG002 - the protocol's
        yield asyncio.Event()

    async def ping(self) -> bool:
        return True


def short(core: Core, seconds: float) -> Leases:
    return Leases(core.database, holder="short", duration=timedelta(seconds=seconds))


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[asyncio.Event]:
    """A worker that runs during the block, and is told to stop at its end or by the event."""
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


async def until(core: Core, statement: str, *values: Any) -> list[dict[str, Any]]:
    """Wait for a row."""
    async with asyncio.timeout(15):
        while not (rows := await core.rows(statement, *values)):  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.02)
        return rows


async def work_row(core: Core, case_id: CaseId) -> dict[str, Any]:
    (row,) = await core.rows(
        "select attempts, due_at is not null as due, due_at <= now() as ripe, leased_until is not null as leased,"
        " extract(epoch from due_at - now())::float8 as wait from case_work where case_id = %s",
        case_id,
    )
    return row


async def answered(core: Core, case_id: CaseId, count: int = 1) -> None:
    await until(
        core, "select 1 from turns where case_id = %s and status = 'done' having count(*) >= %s", case_id, count
    )


SWEEPING = WorkerLimits(sweep=0.05, drain=5.0)
HINTED_ONLY = WorkerLimits(sweep=60.0, drain=5.0)


def gated(core: Core) -> tuple[Core, Gate]:
    gate = Gate()
    return make_core(core.database, core.keyring, trivial_graph(gate)), gate


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
    async with working(slow.worker(leases=short(slow, 0.5))):
        await gate.reached.wait()
        await asyncio.sleep(1.3)
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
    leases, handler = kind(core.database, holder="h", duration=timedelta(seconds=1)), StoppedByLease(tidy)
    lease = await leases.claim(receipt.case_id)
    assert lease is not None
    worker = worker_with(core, leases, handler)
    await worker._slots.acquire()
    await worker._occupy(lease)
    assert handler.stopped_after is not None
    assert 0.5 < handler.stopped_after < 1.0
    # Nobody is blamed, and the lease is left to run out: it is not known whose it is.
    assert (await work_row(core, receipt.case_id))["attempts"] == 1
    assert worker._slots._value == SWEEPING.slots


async def test_work_stops_soon_after_another_worker_has_the_case(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    leases, handler = short(core, 0.6), StoppedByLease()
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
    assert handler.stopped_after < 0.45
    assert (newer.token, newer.attempts) == (lease.token + 1, 2)
    assert await core.leases.renew(newer)
    assert not await core.leases.renew(lease)


async def fail_times(core: Core, case_id: CaseId, times: int) -> list[float]:
    """Let a worker try so often; how long each failure made it wait."""
    waits = []
    worker = core.worker(limits=HINTED_ONLY)
    for _ in range(times):
        await core.rows(
            "update case_work set due_at = now() where case_id = %s and due_at is not null returning 1", case_id
        )
        lease = await core.leases.claim(case_id)
        assert lease is not None
        await worker._slots.acquire()
        await worker._occupy(lease)
        waits.append((await work_row(core, case_id))["wait"])
    return waits


async def test_a_failing_turn_is_tried_five_times_more_slowly_each_time_and_then_a_person_has_it(core: Core) -> None:
    receipt = await core.write("talk", "please fail")
    waits = await fail_times(core, receipt.case_id, 5)
    assert [round(wait) for wait in waits[:4]] == [2, 4, 8, 16]
    assert waits[4] is None
    await core.deliver()
    assert await core.said("talk") == ["customer: please fail", "system: It went wrong."]

    (letter,) = await core.dead_letters.open()
    assert (letter.case_id, letter.first_sequence, letter.last_sequence) == (receipt.case_id, 1, 1)
    assert letter.error == "ValueError"
    (owned,) = await core.cases.owned_by_people()
    assert (owned.id, owned.owner_name) == (receipt.case_id, None)
    assert [row["state"] for row in await core.rows("select state from messages where direction = 'in'")] == ["dead"]

    await core.write("talk", "hello?")
    assert await core.leases.claim_due(10) == []
    await core.cases.hand_back(receipt.case_id, "kim")
    await core.work(receipt.case_id)
    await core.deliver()
    assert (await core.said("talk"))[2:] == ["customer: hello?", "agent: echo: hello?"]


async def test_a_message_that_kills_its_workers_is_buried_at_the_sixth_claim(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    for attempt in range(1, 6):
        lease = await core.claim(receipt.case_id)
        assert lease.attempts == attempt
        await core.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    async with working(core.worker(limits=SWEEPING)):
        await until(core, "select 1 from dead_letters")
    await core.deliver()
    assert (await core.said("talk"))[1:] == ["system: It went wrong."]
    assert await core.rows("select 1 from turns") == []
    assert (await core.dead_letters.open())[0].error == "its worker died again and again"


async def test_a_paused_turn_that_fails_for_good_closes_its_escalation(core: Core) -> None:
    from graph.review import make_decision

    receipt = await core.write("talk", "a person please")
    await core.work(receipt.case_id)
    await core.deliver()
    (queued,) = await core.reviews.queue()
    read = await core.reviews.read(queued.id, reader="kim")
    await core.reviews.decide(read.id, make_decision(action="approve", reviewer="kim"), seen=read.version)
    await core.write("talk", "and this")
    await core.dead_letters.bury(await core.claim(receipt.case_id), "ValueError")
    await core.deliver()
    assert (await core.said("talk"))[2:] == ["customer: and this", "system: It went wrong."]
    assert await core.rows("select 1 from escalations where status <> 'closed'") == []
    states = await core.rows("select state from messages where direction = 'in' order by sequence")
    assert [row["state"] for row in states] == ["dead", "human"]
    assert [row["status"] for row in await core.rows("select status from turns")] == ["dead"]


async def test_what_a_person_took_over_meanwhile_is_not_buried(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    lease = await core.claim(receipt.case_id)
    await core.cases.take_over(receipt.case_id, "kim")
    await core.dead_letters.bury(lease, "ValueError")
    assert await core.dead_letters.open() == []
    assert await core.rows("select 1 from outbox") == []
    assert not (await work_row(core, receipt.case_id))["due"]


async def test_nobody_buries_with_an_old_token(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    old = await core.claim(receipt.case_id)
    await core.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    await core.claim(receipt.case_id)
    with pytest.raises(LeaseLostError):
        await core.dead_letters.bury(old, "ValueError")
    assert await core.rows("select 1 from dead_letters") == []


async def test_a_suspect_runs_alone_in_its_process(core: Core) -> None:
    slow, gate = gated(core)
    neighbour = await slow.write("talk", "slow one")
    suspect = await slow.write("suspect", "hello")
    await slow.rows("update case_work set attempts = 2 where case_id = %s returning 1", suspect.case_id)
    async with working(slow.worker(limits=SWEEPING)):
        await gate.reached.wait()
        await until(slow, "select 1 from case_work where case_id = %s and leased_until is not null", suspect.case_id)
        await asyncio.sleep(0.2)
        assert await slow.rows("select 1 from turns") == []
        gate.open.set()
        await answered(slow, suspect.case_id)
        await answered(slow, neighbour.case_id)


class Away(PostgresLedger):
    """A database that goes away in the middle of a turn."""

    def __init__(self, core: Core, *, after_commit: bool) -> None:
        super().__init__(core.database, core.keyring)
        self._after_commit = after_commit

    async def commit(self, work: Any, outcome: Any, *, may_supersede: bool) -> Any:
        if self._after_commit:
            await super().commit(work, outcome, may_supersede=may_supersede)
        raise DatabaseUnavailableError


async def test_a_turn_that_the_database_left_is_given_back_without_blame(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    core.ledger = Away(core, after_commit=False)
    core.handler._ledger = core.ledger
    (wait,) = await fail_times(core, receipt.case_id, 1)
    row = await work_row(core, receipt.case_id)
    assert (row["attempts"], row["leased"]) == (0, False)
    assert 0 < wait <= 1.0


@pytest.mark.parametrize("text", ["hello", "a person please"])
async def test_a_commit_whose_answer_was_lost_is_not_given_back(core: Core, text: str) -> None:
    receipt = await core.write("talk", text)
    core.ledger = Away(core, after_commit=True)
    core.handler._ledger = core.ledger
    await fail_times(core, receipt.case_id, 1)
    assert await work_row(core, receipt.case_id) == {
        "attempts": 0,
        "due": False,
        "ripe": None,
        "leased": False,
        "wait": None,
    }


class FlakyLeases(Leases):
    """Giving back fails twice before it works."""

    fails = 2

    async def give_back(self, lease: Lease, *, delay: timedelta, blameless: bool) -> None:
        if self.fails:
            self.fails -= 1
            raise DatabaseUnavailableError
        await super().give_back(lease, delay=delay, blameless=blameless)


async def test_giving_back_waits_for_the_database(core: Core) -> None:
    receipt = await core.write("talk", "please fail")
    leases = FlakyLeases(core.database, holder="flaky", duration=timedelta(seconds=10))
    worker = core.worker(leases=leases, limits=HINTED_ONLY)
    lease = await leases.claim(receipt.case_id)
    assert lease is not None
    await worker._slots.acquire()
    await worker._occupy(lease)
    assert not (await work_row(core, receipt.case_id))["leased"]


async def test_a_message_that_comes_between_looking_and_giving_back_is_due_at_once(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    await core.work(receipt.case_id)
    await core.rows("update case_work set due_at = now() returning 1")
    lease = await core.claim(receipt.case_id)
    assert await core.ledger.load(lease) is None
    await core.write("talk", "again", settle=timedelta(hours=1))
    await core.ledger.release(lease)
    row = await work_row(core, receipt.case_id)
    assert (row["ripe"], row["attempts"]) == (True, 0)
    newer = await core.claim(receipt.case_id)
    await core.ledger.release(lease)
    assert await core.leases.renew(newer), "an old token releases nothing"


async def test_the_backlog_says_what_waits_and_what_runs(core: Core) -> None:
    receipts = [await core.write(f"talk {n}", "hello") for n in range(3)]
    await core.rows(
        "update case_work set due_at = now() - interval '7 seconds' where case_id = %s returning 1", receipts[1].case_id
    )
    await core.claim(receipts[0].case_id)
    backlog = await core.leases.backlog()
    assert (backlog.due, backlog.running) == (2, 1)
    assert 6.5 < backlog.oldest_seconds < 60
    assert [lease.case_id for lease in await core.leases.claim_due(1)] == [receipts[1].case_id]


@pytest.mark.parametrize("how", ["hand back", "resolve"])
async def test_a_turn_from_before_a_person_took_over_says_nothing_after_they_are_done(core: Core, how: str) -> None:
    slow, gate = gated(core)
    receipt = await slow.write("talk", "slow one")
    turn = asyncio.create_task(slow.work(receipt.case_id))
    await gate.reached.wait()
    await slow.cases.take_over(receipt.case_id, "kim")
    await slow.cases.write(receipt.case_id, "kim", "Kim here, it is done.", intent_id=uuid4())
    act = slow.cases.hand_back if how == "hand back" else slow.cases.resolve
    await act(receipt.case_id, "kim")
    gate.open.set()
    with pytest.raises(LeaseLostError):
        await turn
    await slow.deliver()
    assert await slow.said("talk") == ["customer: slow one", "human: Kim here, it is done."]
    assert await slow.leases.claim_due(10) == []


async def test_a_draft_that_is_withheld_leaves_a_persons_answer_an_answer(core: Core) -> None:
    slow, gate = gated(core)
    receipt = await slow.write("talk", "slow one")
    turn = asyncio.create_task(slow.work(receipt.case_id))
    await gate.reached.wait()
    await slow.cases.take_over(receipt.case_id, "kim")
    await slow.cases.write(receipt.case_id, "kim", "Kim here, it is done.", intent_id=uuid4())
    gate.open.set()
    await turn
    (owned,) = await slow.cases.owned_by_people()
    assert owned.waiting == 0
    await slow.cases.hand_back(receipt.case_id, "kim")
    assert await slow.leases.claim_due(10) == []
    with pytest.raises(ConflictError):
        await slow.cases.hand_back(receipt.case_id, "kim")
