"""What is given back: with the database away, an answer lost, or a person at it in the meantime."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from graph.ports import Lease
from infra.postgres.leases import Leases
from infra.postgres.turns import PostgresLedger
from skills.errors import ConflictError, DatabaseUnavailableError, LeaseLostError
from tests.core import Core
from tests.working import HINTED_ONLY, fail_times, gated, work_row


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
    said = await slow.said("talk")
    assert said[:2] == ["customer: slow one", "human: Kim here, it is done."]
    assert [line.partition(":")[0] for line in said[2:]] == (["system"] if how == "hand back" else [])
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
