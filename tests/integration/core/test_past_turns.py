"""Turns that have ended are read as they began, and that they were read is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from infra.postgres.past_turns import PastTurns
from tests.core import Core

LONG_AGO = datetime.now(UTC) - timedelta(days=1)


async def test_a_turn_is_read_with_its_messages_and_what_was_said_before(core: Core) -> None:
    receipt = await core.write("talk", "How long does it take?")
    await core.work(receipt.case_id)
    await core.write("talk", "a person please")
    await core.work(receipt.case_id)
    past = PastTurns(core.database, core.keyring)
    newest, first = await past.ended(since=LONG_AGO, limit=10)

    read = await past.read(newest, reader="kim")
    assert read is not None
    assert [message.text for message in read.turn.messages] == ["a person please"]
    assert [message.author for message in read.turn.history] == ["customer", "agent"]
    assert read.rules == ("asked_for_human",)
    assert read.turn.answered_within_hour == 1

    before = await past.read(first, reader="kim")
    assert before is not None
    assert (before.turn.text, before.turn.history, before.rules) == ("How long does it take?", (), ())
    events = await core.rows("select actor, data from events where kind = 'case.read' and actor = 'kim'")
    assert [event["data"] for event in events] == [{"for": "policy dry-run"}] * 2


async def test_only_what_ended_since_and_no_more_than_asked_for_is_named(core: Core) -> None:
    for n in range(3):
        receipt = await core.write(f"talk {n}", "How long does it take?")
        await core.work(receipt.case_id)
    past = PastTurns(core.database, core.keyring)
    assert len(await past.ended(since=LONG_AGO, limit=2)) == 2
    assert await past.ended(since=datetime.now(UTC) + timedelta(hours=1), limit=2) == []


async def test_of_an_erased_customer_nothing_is_read(core: Core) -> None:
    receipt = await core.write("talk", "How long does it take?")
    await core.work(receipt.case_id)
    past = PastTurns(core.database, core.keyring)
    (turn_id,) = await past.ended(since=LONG_AGO, limit=10)
    await core.rows("update customer_keys set wrapped = null, destroyed_at = now() returning 1")
    assert await past.read(turn_id, reader="kim") is None
