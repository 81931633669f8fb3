"""Messages that fail or kill their worker: tried, slowed down, run alone, and buried where a person sees them."""

from __future__ import annotations

import asyncio

import pytest

from skills.errors import LeaseLostError
from tests.core import Core
from tests.working import SWEEPING, answered, fail_times, gated, until, work_row, working


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
    customer, told, answer = (await core.said("talk"))[2:]
    assert (customer, answer) == ("customer: hello?", "agent: echo: hello?")
    assert told.startswith("system: Our automated assistant answers here again.")


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
    later = "update case_work set attempts = 2, due_at = now() + interval '1 hour' where case_id = %s returning 1"
    await slow.rows(later, suspect.case_id)
    async with working(slow.worker(limits=SWEEPING)):
        await gate.reached.wait()  # or the suspect might have been first, and over by now
        await slow.rows("update case_work set due_at = now() where case_id = %s returning 1", suspect.case_id)
        await until(slow, "select 1 from case_work where case_id = %s and leased_until is not null", suspect.case_id)
        await asyncio.sleep(0.2)
        assert await slow.rows("select 1 from turns") == []
        gate.open.set()
        await answered(slow, suspect.case_id)
        await answered(slow, neighbour.case_id)


async def test_what_an_erased_customer_left_is_buried_without_a_word(core: Core) -> None:
    receipt = await core.write("talk", "please fail")
    lease = await core.claim(receipt.case_id)
    await core.rows("update customer_keys set wrapped = null, destroyed_at = now() returning 1")
    await core.dead_letters.bury(lease, "ValueError")
    assert [letter.case_id for letter in await core.dead_letters.open()] == [receipt.case_id]
    assert await core.rows("select 1 from outbox") == []
