"""What a person says of a send that is unknown or was refused: it counts once, and order holds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from channels.envelope import Accepted, Refused, SendResult, Unknown
from infra.postgres.outbox import Finding, Trouble
from skills.errors import ConflictError, NotFoundError
from tests.core import Core
from tests.integration.core.test_sender import Recorded, reply, sender_of, states, trouble


@pytest.fixture
def mail() -> Recorded:
    return Recorded()


async def in_doubt(core: Core, mail: Recorded) -> Trouble:
    """An unknown send, with a text that waits behind it."""
    mail.script = [Unknown("connection lost")]
    await reply(core, "a", "one")
    await reply(core, "a", "two")
    await sender_of(core, mail).deliver_due()
    return await trouble(core)


async def test_what_a_person_found_to_have_arrived_is_sent_and_visible_and_the_next_text_goes(
    core: Core, mail: Recorded
) -> None:
    found = await in_doubt(core, mail)
    assert await core.outbox.settle_by_hand(found.id, "arrived", "kim") == found.case_id
    assert [state for state, _, _ in await states(core)] == ["sent", "pending"]
    (message,) = await core.rows("select state, position, delivered_at from messages where state = 'delivered'")
    assert message["position"] is not None
    assert message["delivered_at"] is not None
    await sender_of(core, mail).deliver_due()
    assert mail.texts == ["echo: one", "echo: two"]
    positions = await core.rows("select position from messages where direction = 'out' order by sequence")
    assert positions[0]["position"] < positions[1]["position"]
    assert await core.outbox.troubled() == []
    (event,) = await core.rows("select actor, data from events where kind = 'message.settled'")
    assert (event["actor"], event["data"]) == ("kim", {"channel": "mail", "finding": "arrived"})


async def test_what_is_sent_again_by_hand_goes_once_more_and_before_the_next(core: Core, mail: Recorded) -> None:
    found = await in_doubt(core, mail)
    await core.outbox.settle_by_hand(found.id, "send_again", "kim")
    assert await states(core) == [("pending", 0, "connection lost"), ("pending", 0, None)]
    sender = sender_of(core, mail)
    await sender.deliver_due()
    await sender.deliver_due()
    assert mail.texts == ["echo: one", "echo: one", "echo: two"]
    assert [state for state, _, _ in await states(core)] == ["sent", "sent"]


@pytest.mark.parametrize("first", [Unknown("connection lost"), Refused("no such mailbox", retry=False)])
async def test_what_is_given_up_is_nobodys_trouble_any_more(core: Core, mail: Recorded, first: SendResult) -> None:
    mail.script = [first]
    await reply(core, "a", "one")
    await reply(core, "a", "two")
    sender = sender_of(core, mail)
    await sender.deliver_due()
    await core.outbox.settle_by_hand((await trouble(core)).id, "given_up", "kim")
    assert await core.outbox.troubled() == []
    backlog = await core.outbox.backlog()
    assert (backlog.failed, backlog.unknown) == (0, 0)
    await sender.deliver_due()
    assert mail.texts == ["echo: one", "echo: two"]
    assert [state for state, _, _ in await states(core)] == ["failed", "sent"]
    assert len(await core.rows("select 1 from messages where direction = 'out' and position is null")) == 1
    (settled,) = await core.rows("select id from outbox where state = 'failed'")
    with pytest.raises(ConflictError, match=r"this delivery is failed already, by kim$"):
        await core.outbox.settle_by_hand(settled["id"], "send_again", "lee")


async def test_of_two_people_who_settle_one_send_the_first_counts(core: Core, mail: Recorded) -> None:
    found = await in_doubt(core, mail)
    results = await asyncio.gather(
        core.outbox.settle_by_hand(found.id, "arrived", "kim"),
        core.outbox.settle_by_hand(found.id, "send_again", "lee"),
        core.outbox.settle_by_hand(found.id, "given_up", "ada"),
        return_exceptions=True,
    )
    assert sum(isinstance(result, ConflictError) for result in results) == 2
    assert len(await core.rows("select 1 from events where kind = 'message.settled'")) == 1


async def test_what_is_no_trouble_is_not_settled_by_hand(core: Core, mail: Recorded) -> None:
    await reply(core, "a", "one")
    await sender_of(core, mail).deliver_due()
    (row,) = await core.rows("select id from outbox")
    with pytest.raises(ConflictError, match=r"this delivery is sent already$"):
        await core.outbox.settle_by_hand(row["id"], "send_again", "kim")
    with pytest.raises(NotFoundError):
        await core.outbox.settle_by_hand(uuid4(), "arrived", "kim")


async def test_a_refused_text_is_sent_again_only_while_nothing_later_went_out(core: Core, mail: Recorded) -> None:
    mail.script = [Refused("mailbox full", retry=False)]
    await reply(core, "a", "one")
    sender = sender_of(core, mail)
    await sender.deliver_due()
    refused = await trouble(core)
    with pytest.raises(ConflictError, match="so it did not arrive"):
        await core.outbox.settle_by_hand(refused.id, "arrived", "kim")
    await reply(core, "a", "two")
    (delivery,) = await core.outbox.claim(1)
    with pytest.raises(ConflictError, match="later texts went out"):
        await core.outbox.settle_by_hand(refused.id, "send_again", "kim")
    await core.outbox.retry(delivery, "later", timedelta(0))
    await core.outbox.settle_by_hand(refused.id, "send_again", "kim")
    for _ in range(2):
        await sender.deliver_due()
    assert mail.texts == ["echo: one", "echo: one", "echo: two"]


async def test_who_is_at_work_in_another_talk_is_not_waited_for(core: Core, mail: Recorded) -> None:
    found = await in_doubt(core, mail)
    await reply(core, "another", "three")
    async with core.database.connection() as other, other.transaction():
        await other.execute(
            "select from outbox where conversation_id = (select max(id::text)::uuid from conversations) for update"
        )
        await other.execute(
            "select from conversations where id = (select max(id::text)::uuid from conversations) for update"
        )
        await core.outbox.settle_by_hand(found.id, "arrived", "kim")


async def test_a_sender_that_has_the_next_text_in_hand_is_not_waited_for(core: Core, mail: Recorded) -> None:
    found = await in_doubt(core, mail)
    async with core.database.connection() as sender, sender.transaction():
        await sender.execute("select from outbox where state = 'pending' for update")
        with pytest.raises(ConflictError, match="a sender is at work in this conversation"):
            await core.outbox.settle_by_hand(found.id, "arrived", "kim")
    await core.outbox.settle_by_hand(found.id, "arrived", "kim")


async def test_what_was_sent_before_or_elsewhere_keeps_no_refused_text_back(core: Core, mail: Recorded) -> None:
    sender = sender_of(core, mail)
    await reply(core, "a", "one")
    await sender.deliver_due()
    mail.script = [Refused("mailbox full", retry=False)]
    await reply(core, "a", "two")
    await sender.deliver_due()
    await reply(core, "b", "three")
    await sender.deliver_due()
    await core.outbox.settle_by_hand((await trouble(core)).id, "send_again", "kim")
    await sender.deliver_due()
    assert mail.texts == ["echo: one", "echo: two", "echo: three", "echo: two"]


@pytest.mark.parametrize(("finding", "settled"), [("arrived", True), ("given_up", True), ("send_again", False)])
async def test_a_settled_text_says_when_and_one_that_goes_again_is_due_at_once_with_no_attempt_made(
    core: Core, mail: Recorded, finding: Finding, settled: bool
) -> None:
    found = await in_doubt(core, mail)
    await core.rows(
        "update outbox set due_at = now() + interval '1 hour', settled_at = now() - interval '1 hour'"
        " where id = %s returning 1",
        found.id,
    )
    await core.outbox.settle_by_hand(found.id, finding, "kim")
    (row,) = await core.rows(
        "select settled_at > now() - interval '1 minute' as now, settled_by, attempts, due_at <= now() as due"
        " from outbox where id = %s",
        found.id,
    )
    who, attempts = ("kim", 1) if settled else (None, 0)
    assert row == {"now": True if settled else None, "settled_by": who, "attempts": attempts, "due": True}


@pytest.mark.parametrize("later", [Accepted(), Unknown("connection lost")])
async def test_a_refused_text_does_not_go_after_a_later_one_that_went_or_may_have(
    core: Core, mail: Recorded, later: SendResult
) -> None:
    mail.script = [Refused("mailbox full", retry=False), later]
    sender = sender_of(core, mail)
    for text in ("one", "two"):
        await reply(core, "a", text)
        await sender.deliver_due()
    (refused,) = [trouble for trouble in await core.outbox.troubled() if trouble.state == "failed"]
    with pytest.raises(ConflictError, match="later texts went out"):
        await core.outbox.settle_by_hand(refused.id, "send_again", "kim")
