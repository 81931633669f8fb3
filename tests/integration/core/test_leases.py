"""What a claim, a renewal and a give-back write, and what they leave alone: other cases and holders, paused turns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from graph.ports import Lease
from infra.postgres.leases import Leases
from skills.turn import CaseId
from tests.core import NOW, Core
from tests.crossing import paused

HELD = "select * from case_work where case_id = %s"
RUN_OUT = "update case_work set leased_until = now() - interval '1 second' where case_id = %s returning 1"
RUNS_OUT_SOON = "update case_work set leased_until = now() + interval '1 second' where case_id = %s returning 1"
SECONDS_LEFT = "select extract(epoch from leased_until - now())::float8 as seconds from case_work where case_id = %s"

Claim = Callable[[Core, CaseId], Awaitable[Lease]]


async def claim(core: Core, case_id: CaseId) -> Lease:
    return await core.claim(case_id)


async def sweep(core: Core, case_id: CaseId) -> Lease:
    (lease,) = await core.leases.claim_due(10)
    assert lease.case_id == case_id
    return lease


WAYS = pytest.mark.parametrize("way", [claim, sweep])


async def held(core: Core, case_id: CaseId) -> dict[str, Any]:
    (row,) = await core.rows(HELD, case_id)
    return row


async def give_back(core: Core, lease: Lease) -> None:
    await core.leases.give_back(lease, delay=NOW, blameless=True)


async def release(core: Core, lease: Lease) -> None:
    await core.ledger.release(lease)


ENDS = pytest.mark.parametrize("end", [give_back, release])
End = Callable[[Core, Lease], Awaitable[None]]


@WAYS
async def test_a_claim_holds_the_case_for_its_duration_under_its_holders_name(core: Core, way: Claim) -> None:
    receipt = await core.write("talk", "hello")
    lease = await way(core, receipt.case_id)
    row = await held(core, receipt.case_id)
    assert (row["lease_holder"], row["lease_token"], row["turn_id"]) == ("test", lease.token, lease.turn_id)
    (left,) = await core.rows(SECONDS_LEFT, receipt.case_id)
    assert 5 < left["seconds"] <= 10
    assert await core.leases.claim(receipt.case_id) is None
    assert await core.leases.claim_due(10) == []


@WAYS
async def test_a_case_whose_holder_died_is_claimed_with_the_next_token_for_the_same_turn(
    core: Core, way: Claim
) -> None:
    receipt = await core.write("talk", "hello")
    first = await way(core, receipt.case_id)
    await core.rows(RUN_OUT, receipt.case_id)
    second = await way(core, receipt.case_id)
    assert (second.token, second.attempts, second.turn_id) == (first.token + 1, 2, first.turn_id)


async def test_a_sweep_takes_what_has_waited_longest_and_as_many_as_it_may(core: Core) -> None:
    receipts = [await core.write(f"talk {n}", "hello") for n in range(3)]
    for seconds, receipt in zip((5, 20, 10), receipts, strict=True):
        await core.rows(
            "update case_work set due_at = now() - make_interval(secs => %s) where case_id = %s returning 1",
            seconds,
            receipt.case_id,
        )
    taken = [[lease.case_id for lease in await core.leases.claim_due(1)] for _ in range(4)]
    assert taken == [[receipts[1].case_id], [receipts[2].case_id], [receipts[0].case_id], []]


async def test_a_sweep_does_not_wait_for_a_case_that_is_being_written_to(core: Core) -> None:
    busy, free = [await core.write(thread, "hello") for thread in ("busy", "free")]
    async with asyncio.timeout(4), core.database.transaction() as connection:
        await connection.execute("select 1 from case_work where case_id = %s for update", (busy.case_id,))
        assert [lease.case_id for lease in await core.leases.claim_due(10)] == [free.case_id]


async def test_a_renewal_counts_from_now_and_renews_no_other_case(core: Core) -> None:
    receipts = [await core.write(thread, "hello") for thread in ("one", "two")]
    leases = [await core.claim(receipt.case_id) for receipt in receipts]
    for receipt in receipts:
        await core.rows(RUNS_OUT_SOON, receipt.case_id)
    assert await core.leases.renew(leases[0])
    (mine,), (other,) = [await core.rows(SECONDS_LEFT, receipt.case_id) for receipt in receipts]
    assert mine["seconds"] > 5
    assert other["seconds"] <= 1


@ENDS
async def test_what_was_given_back_is_not_renewed_nor_given_back_again(core: Core, end: End) -> None:
    receipt = await core.write("talk", "hello")
    lease = await core.claim(receipt.case_id)
    await end(core, lease)
    assert not await core.leases.renew(lease)
    await core.rows("update case_work set attempts = 3, due_at = null where case_id = %s returning 1", receipt.case_id)
    before = await held(core, receipt.case_id)
    await end(core, lease)
    assert await held(core, receipt.case_id) == before


@ENDS
async def test_a_give_back_frees_its_own_case_only(core: Core, end: End) -> None:
    receipts = [await core.write(thread, "hello") for thread in ("one", "two")]
    leases = [await core.claim(receipt.case_id) for receipt in receipts]
    other = await held(core, receipts[1].case_id)
    await end(core, leases[0])
    row = await held(core, receipts[0].case_id)
    assert (row["lease_holder"], row["leased_until"], row["attempts"]) == (None, None, 0)
    assert await held(core, receipts[1].case_id) == other


@ENDS
async def test_nobody_gives_back_with_an_old_token(core: Core, end: End) -> None:
    receipt = await core.write("talk", "hello")
    old = await core.claim(receipt.case_id)
    await core.rows(RUN_OUT, receipt.case_id)
    newer = await core.claim(receipt.case_id)
    before = await held(core, receipt.case_id)
    await end(core, old)
    assert await held(core, receipt.case_id) == before
    assert await core.leases.renew(newer)


async def test_a_give_back_counts_the_attempt_unless_it_was_blameless_and_delays_the_next(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    for blameless, attempts in ((False, 1), (True, 1), (False, 2)):
        lease = await core.claim(receipt.case_id)
        await core.leases.give_back(lease, delay=timedelta(hours=1), blameless=blameless)
        row = await held(core, receipt.case_id)
        assert row["attempts"] == attempts
        assert await core.leases.claim(receipt.case_id) is None
        await core.rows("update case_work set due_at = now() where case_id = %s returning 1", receipt.case_id)


# ---- a claim that found nothing to do


async def idle(core: Core, text: str = "hello") -> tuple[CaseId, Lease]:
    """A case that was answered, and is claimed all the same; beside it one with a message that waits."""
    receipt = await core.write("talk", text)
    await core.work(receipt.case_id)
    await core.write("another talk", "hello", settle=timedelta(hours=1))
    await core.rows("update case_work set due_at = now() where case_id = %s returning 1", receipt.case_id)
    return receipt.case_id, await core.claim(receipt.case_id)


async def test_an_answered_case_that_is_released_waits_for_its_next_message_and_begins_another_turn(core: Core) -> None:
    case_id, lease = await idle(core)
    assert await core.ledger.load(lease) is None
    await core.ledger.release(lease)
    row = await held(core, case_id)
    assert (row["due_at"], row["turn_id"], row["attempts"]) == (None, None, 0)


async def test_a_message_that_came_meanwhile_makes_a_released_case_due_unless_a_person_owns_it(core: Core) -> None:
    case_id, lease = await idle(core)
    await core.write("talk", "again", settle=timedelta(hours=1))
    await core.ledger.release(lease)
    lease = await core.claim(case_id)
    await core.rows("update cases set owner = 'human', owner_name = 'kim' where id = %s returning 1", case_id)
    await core.ledger.release(lease)
    assert (await held(core, case_id))["due_at"] is None


async def test_a_paused_case_that_is_released_keeps_its_turn_and_stays_paused(core: Core) -> None:
    receipt, _ = await paused(core)
    await core.write("talk", "are you there?")
    turn = (await held(core, receipt.case_id))["turn_id"]
    await core.rows("update case_work set due_at = now() where case_id = %s returning 1", receipt.case_id)
    lease = await core.claim(receipt.case_id)
    await core.ledger.release(lease)
    row = await held(core, receipt.case_id)
    assert (row["due_at"], row["turn_id"], row["paused"]) == (None, turn, True)
    assert turn == lease.turn_id


# ---- the backlog


async def test_the_backlog_counts_what_nobody_holds_what_a_dead_worker_left_and_what_runs(core: Core) -> None:
    empty = await core.leases.backlog()
    assert (empty.due, empty.running, empty.oldest_seconds) == (0, 0, 0)
    await core.write("later", "hello", settle=timedelta(hours=1))
    later = await core.leases.backlog()
    assert (later.due, later.running, later.oldest_seconds) == (0, 0, 0)
    left, runs = [await core.write(thread, "hello") for thread in ("left", "runs")]
    for receipt in (left, runs):
        await core.claim(receipt.case_id)
    await core.rows(RUN_OUT, left.case_id)
    backlog = await core.leases.backlog()
    assert (backlog.due, backlog.running) == (1, 1)


async def test_leases_of_another_duration_and_name_are_as_they_say(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    assert await Leases(core.database, holder="short", duration=timedelta(seconds=3)).claim(receipt.case_id)
    (left,) = await core.rows(SECONDS_LEFT, receipt.case_id)
    assert left["seconds"] <= 3
    assert (await held(core, receipt.case_id))["lease_holder"] == "short"
