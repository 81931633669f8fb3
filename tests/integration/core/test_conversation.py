"""From a customer's message to the reply that the customer sees."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from graph.handling import TurnHandler
from graph.ports import Outcome, Work
from infra.postgres.turns import MOST_MESSAGES
from skills.errors import ConflictError, InvalidMessageError, LeaseLostError
from tests.core import Core, make_core
from tests.trivial import Gate, trivial_graph


async def test_a_message_is_answered_and_the_reply_is_seen(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    await core.work(receipt.case_id)
    await core.deliver()
    assert await core.said("talk") == ["customer: hello", "agent: echo: hello"]


async def test_a_burst_makes_one_turn_with_one_reply(core: Core) -> None:
    receipt = await core.write("talk", "one")
    await core.write("talk", "two")
    await core.write("talk", "three")
    await core.work(receipt.case_id)
    await core.deliver()
    assert (await core.said("talk"))[3:] == ["agent: echo: one | two | three"]


async def test_fifty_arrivals_of_one_message_are_one_message(core: Core) -> None:
    receipts = await asyncio.gather(*(core.write("talk", "hello", key="same") for _ in range(50)))
    assert len({receipt.message_id for receipt in receipts}) == 1
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert len(await core.rows("select 1 from messages")) == 1


async def test_ten_first_messages_at_once_open_one_conversation_and_one_case(core: Core) -> None:
    receipts = await asyncio.gather(*(core.write("talk", f"picture {n}") for n in range(10)))
    assert len({receipt.case_id for receipt in receipts}) == 1
    assert sorted(receipt.sequence for receipt in receipts) == list(range(1, 11))
    for table in ("customers", "identities", "conversations", "cases"):
        assert len(await core.rows(f"select 1 from {table}")) == 1


async def test_the_same_key_with_another_text_is_a_conflict(core: Core) -> None:
    await core.write("talk", "hello", key="same")
    with pytest.raises(ConflictError):
        await core.write("talk", "something else", key="same")


@pytest.mark.parametrize("text", ["", "  \n", "a\0b", "\ud800", "x" * 20_001])
async def test_what_cannot_be_stored_is_refused_and_nothing_is_stored(core: Core, text: str) -> None:
    with pytest.raises(InvalidMessageError):
        await core.write("talk", text)
    assert await core.rows("select 1 from customers") == []


async def test_a_message_is_not_due_before_its_settle_time(core: Core) -> None:
    receipt = await core.write("talk", "hello", settle=timedelta(minutes=1))
    assert await core.leases.claim(receipt.case_id) is None
    assert await core.leases.claim_due(10) == []


async def test_two_workers_never_hold_one_case(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    claims = await asyncio.gather(*(core.leases.claim(receipt.case_id) for _ in range(20)))
    assert sum(claim is not None for claim in claims) == 1


async def test_a_message_that_arrives_while_the_graph_runs_is_answered_in_the_same_reply(core: Core) -> None:
    gate = Gate()
    slow = make_core(core.database, core.keyring, trivial_graph(gate))
    receipt = await slow.write("talk", "slow one")
    turn = asyncio.create_task(slow.work(receipt.case_id))
    await gate.reached.wait()
    await slow.write("talk", "and another thing")
    gate.open.set()
    await turn
    await slow.deliver()
    assert (await slow.said("talk"))[2:] == ["agent: echo: slow one | and another thing"]


async def test_a_customer_who_never_stops_writing_is_answered_all_the_same(core: Core) -> None:
    class Chatty(TurnHandler):
        async def run(self, work: Work) -> Outcome:
            outcome = await super().run(work)
            await core.write("talk", "more")
            return outcome

    receipt = await core.write("talk", "first")
    lease = await core.claim(receipt.case_id)
    work = await core.ledger.load(lease)
    assert work is not None
    await Chatty(core.graph, core.ledger).handle(work)
    await core.deliver()
    assert "agent: echo: first | more | more" in await core.said("talk")
    await core.work(receipt.case_id)
    await core.deliver()
    assert (await core.said("talk"))[-1] == "agent: echo: more"


async def test_a_commit_with_an_old_token_writes_nothing(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    old = await core.claim(receipt.case_id)
    work = await core.ledger.load(old)
    assert work is not None
    await core.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    await core.claim(receipt.case_id)
    with pytest.raises(LeaseLostError):
        await core.handler.handle(work)
    assert await core.rows("select 1 from outbox") == []
    assert await core.rows("select 1 from checkpoints") == []


async def test_a_turn_begun_twice_keeps_its_id_and_replies_once(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    first = await core.claim(receipt.case_id)
    await core.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    second = await core.claim(receipt.case_id)
    assert second.turn_id == first.turn_id
    assert second.token > first.token
    assert second.attempts == 2
    work = await core.ledger.load(second)
    assert work is not None
    await core.handler.handle(work)
    await core.deliver()
    assert await core.said("talk") == ["customer: hello", "agent: echo: hello"]


async def test_the_second_turn_sees_the_first_as_history(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    await core.work(receipt.case_id)
    await core.write("talk", "again")
    work = await core.ledger.load(await core.claim(receipt.case_id))
    assert work is not None
    assert work.turn is not None
    assert [message.text for message in work.turn.history] == ["hello", "echo: hello"]
    assert [message.text for message in work.turn.messages] == ["again"]


async def test_turn_after_turn_leaves_as_many_checkpoint_rows_as_one(core: Core) -> None:
    async def count() -> int:
        rows = await core.rows(
            "select (select count(*) from checkpoints) + (select count(*) from checkpoint_blobs)"
            " + (select count(*) from checkpoint_writes) as n"
        )
        return int(rows[0]["n"])

    receipt = await core.write("talk", "hello")
    await core.work(receipt.case_id)
    once = await count()
    for n in range(5):
        await core.write("talk", f"hello {n}")
        await core.work(receipt.case_id)
    assert await count() == once


async def test_after_a_resolution_the_next_message_opens_a_new_case(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    await core.work(receipt.case_id)
    await core.cases.resolve(receipt.case_id, "kim")
    again = await core.write("talk", "another matter")
    assert again.case_id != receipt.case_id
    assert again.conversation_id == receipt.conversation_id
    assert again.position > receipt.position


async def test_a_flood_is_worked_off_in_pieces_and_in_order(core: Core) -> None:
    receipts = [await core.write("talk", f"m{n}") for n in range(MOST_MESSAGES + 5)]
    for _ in range(2):
        await core.work(receipts[0].case_id)
    await core.deliver()
    first, second = (await core.said("talk"))[-2:]
    assert first == "agent: echo: " + " | ".join(f"m{n}" for n in range(MOST_MESSAGES))
    assert second == "agent: echo: " + " | ".join(f"m{n}" for n in range(MOST_MESSAGES, MOST_MESSAGES + 5))
    assert await core.leases.claim_due(10) == []
