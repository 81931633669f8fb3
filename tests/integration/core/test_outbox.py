"""What a claim takes, in which order, and what each way of settling writes: in the outbox, the talk and the log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from channels.envelope import Delivery
from channels.web import CHAT
from infra.postgres.outbox import Outbox
from skills.turn import ChannelName
from tests.core import NOW, Core

MAIL = ChannelName("mail")
OLDER = "update outbox set due_at = now() - make_interval(secs => %s) where conversation_id = %s returning 1"
STATE = "update outbox set state = %s where conversation_id = %s returning 1"
RUN_OUT = "update outbox set claimed_until = now() - interval '1 second' where id = %s returning 1"


async def reply(core: Core, thread: str, *, channel: ChannelName = MAIL) -> Any:
    """A reply in the outbox; its conversation."""
    receipt = await core.write(thread, "hello", channel=channel)
    await core.work(receipt.case_id)
    return receipt.conversation_id


async def taken(core: Core, *threads: str) -> list[Delivery]:
    """Replies in these talks, each claimed, in their order."""
    conversations = [await reply(core, thread) for thread in threads]
    by_conversation = {delivery.conversation_id: delivery for delivery in await core.outbox.claim(10)}
    return [by_conversation[conversation] for conversation in conversations]


async def row_of(core: Core, delivery: Delivery) -> dict[str, Any]:
    (row,) = await core.rows(
        "select o.*, extract(epoch from due_at - now())::float8 as wait,"
        " extract(epoch from claimed_until - now())::float8 as held from outbox o where id = %s",
        delivery.id,
    )
    return row


async def message_of(core: Core, delivery: Delivery) -> dict[str, Any]:
    (row,) = await core.rows("select * from messages where id = %s", delivery.message_id)
    return row


async def events(core: Core) -> list[dict[str, Any]]:
    return await core.rows(
        "select kind, case_id, actor, data from events where kind like 'message.%%' and kind <> 'message.received'"
        " order by at, id"
    )


def free(row: dict[str, Any]) -> bool:
    return row["claimed_by"] is None and row["claimed_until"] is None


# ---- claims


async def test_a_claim_is_written_down_with_its_holder_its_attempt_and_its_end(core: Core) -> None:
    (delivery,) = await taken(core, "talk")
    row = await row_of(core, delivery)
    assert (row["state"], row["claimed_by"], row["attempts"]) == ("sending", "test", 1)
    assert 20 < row["held"] <= 30
    assert await core.outbox.claim(10) == []


async def test_a_claim_is_for_some_channels_for_all_others_or_for_all(core: Core) -> None:
    for channel in (MAIL, CHAT):
        await reply(core, f"talk by {channel}", channel=channel)

    async def claimed(*arguments: Any, **options: Any) -> list[str]:
        deliveries = await core.outbox.claim(10, *arguments, **options)
        for delivery in deliveries:
            await core.outbox.retry(delivery, "not now", NOW)
        return sorted(delivery.channel for delivery in deliveries)

    assert await claimed([MAIL]) == ["mail"]
    assert await claimed([MAIL], others=True) == ["chat"]
    assert await claimed([]) == []
    assert await claimed() == ["chat", "mail"]


async def test_what_is_due_longest_is_claimed_first_and_what_is_not_due_is_not(core: Core) -> None:
    conversations = {seconds: await reply(core, f"talk {seconds}") for seconds in (10, 30, -60, 20)}
    for seconds, conversation in conversations.items():
        await core.rows(OLDER, seconds, conversation)
    order = [delivery.conversation_id for _ in range(4) for delivery in await core.outbox.claim(1)]
    assert order == [conversations[seconds] for seconds in (30, 20, 10)]


async def test_of_texts_due_at_the_same_time_the_one_that_was_written_first_is_claimed_first(core: Core) -> None:
    conversations = [await reply(core, f"talk {n}") for n in range(3)]
    await core.rows("update outbox set due_at = now() - interval '1 second' returning 1")
    assert [(await core.outbox.claim(1))[0].conversation_id for _ in range(3)] == conversations


@pytest.mark.parametrize(
    ("earlier", "held_back"),
    [("pending", True), ("sending", True), ("unknown", True), ("sent", False), ("failed", False)],
)
async def test_a_text_waits_for_the_unsettled_before_it_in_its_own_talk(
    core: Core, earlier: str, held_back: bool
) -> None:
    conversation, other = [await reply(core, thread) for thread in ("talk", "another talk")]
    later = timedelta(hours=1)
    await core.rows(STATE, earlier, conversation)
    await core.rows("update outbox set due_at = now() + %s where conversation_id = %s returning 1", later, conversation)
    assert await reply(core, "talk") == conversation
    claimed = {delivery.conversation_id for delivery in await core.outbox.claim(10)}
    assert claimed == ({other} if held_back else {other, conversation})


async def test_a_claim_does_not_wait_for_a_text_that_another_is_claiming(core: Core) -> None:
    busy, idle = [await reply(core, thread) for thread in ("busy", "idle")]
    async with asyncio.timeout(4), core.database.transaction() as connection:
        await connection.execute("select 1 from outbox where conversation_id = %s for update", (busy,))
        assert [delivery.conversation_id for delivery in await core.outbox.claim(10)] == [idle]


# ---- settling


async def test_of_two_texts_that_the_provider_names_alike_both_are_settled_and_one_keeps_our_name(core: Core) -> None:
    one, two = await taken(core, "one", "two")
    assert await core.outbox.sent([(one, "same"), (two, "same")]) == 2
    names = [(await message_of(core, delivery))["provider_message_id"] for delivery in (one, two)]
    assert names == ["same", str(two.message_id)]
    assert await core.outbox.sent([(one, "same"), (two, "same")]) == 0


async def test_what_was_sent_is_delivered_at_the_next_place_of_its_talk_under_the_providers_name(core: Core) -> None:
    one, two = await taken(core, "one", "two")
    for delivery in (one, two):
        await core.outbox.retry(delivery, "busy", NOW)
    one, two = sorted(await core.outbox.claim(10), key=lambda delivery: delivery.id)
    await core.write("one", "are you there?", channel=MAIL)
    assert await core.outbox.sent([(one, "their name"), (two, None)]) == 2
    rows = [await row_of(core, delivery) for delivery in (one, two)]
    assert [(row["state"], row["error"], free(row)) for row in rows] == [("sent", None, True)] * 2
    assert None not in [row["settled_at"] for row in rows]
    messages = [await message_of(core, delivery) for delivery in (one, two)]
    assert [(row["state"], row["position"]) for row in messages] == [("delivered", 3), ("delivered", 2)]
    assert [row["provider_message_id"] for row in messages] == ["their name", str(two.message_id)]
    assert None not in [row["delivered_at"] for row in messages]
    assert await core.rows("select next_position from conversations order by id") == [
        {"next_position": 4},
        {"next_position": 3},
    ]
    assert sorted(await events(core), key=lambda row: row["case_id"]) == [
        {
            "kind": "message.sent",
            "case_id": message["case_id"],
            "actor": "agent",
            "data": {"kind": "reply", "channel": "mail"},
        }
        for message in messages
    ]


@pytest.mark.parametrize(("counts", "attempts"), [(True, 1), (False, 0)])
async def test_what_is_sent_later_waits_its_time_and_may_count_no_attempt(
    core: Core, counts: bool, attempts: int
) -> None:
    one, two = await taken(core, "one", "two")
    before = await row_of(core, two)
    await core.outbox.retry(one, "busy", timedelta(hours=1), counts=counts)
    row = await row_of(core, one)
    assert (row["state"], row["error"], row["attempts"], free(row)) == ("pending", "busy", attempts, True)
    assert 3500 < row["wait"] <= 3600
    after = await row_of(core, two)
    assert (after["state"], after["claimed_by"], after["error"]) == ("sending", before["claimed_by"], None)


@pytest.mark.parametrize("state", ["failed", "unknown"])
async def test_what_was_lost_says_why_and_is_logged(core: Core, state: Any) -> None:
    one, two = await taken(core, "one", "two")
    await core.outbox.lost(one, state, "nobody lives there")
    row = await row_of(core, one)
    assert (row["state"], row["error"], free(row)) == (state, "nobody lives there", True)
    assert row["settled_at"] is not None
    assert (await row_of(core, two))["state"] == "sending"
    assert await events(core) == [
        {
            "kind": f"message.{state}",
            "case_id": row["case_id"],
            "actor": "agent",
            "data": {"channel": "mail", "error": "nobody lives there"},
        }
    ]


async def test_another_holders_claim_is_settled_by_nobody_else(core: Core) -> None:
    (delivery,) = await taken(core, "talk")
    stranger = Outbox(core.database, core.keyring, holder="stranger", hold=timedelta(seconds=30))
    assert await stranger.sent([(delivery, "name")]) == 0
    await stranger.retry(delivery, "busy", NOW)
    await stranger.lost(delivery, "failed", "no")
    assert (await row_of(core, delivery))["state"] == "sending"
    assert await events(core) == []


async def test_what_a_dead_sender_left_is_sent_again_where_that_is_harmless_and_else_unknown(core: Core) -> None:
    await reply(core, "web", channel=CHAT)
    web, mail, alive = [*await core.outbox.claim(10), *await taken(core, "mail", "alive")]
    for delivery in (web, mail):
        await core.rows(RUN_OUT, delivery.id)
    assert await core.outbox.recover([CHAT]) == 2
    rows = [await row_of(core, delivery) for delivery in (web, mail, alive)]
    assert [row["state"] for row in rows] == ["pending", "unknown", "sending"]
    assert [row["settled_at"] is None for row in rows] == [True, False, True]
    assert [free(row) for row in rows] == [True, True, False]
    assert [row["error"] is None for row in rows] == [False, False, True]
    assert await core.outbox.recover([CHAT]) == 0


# ---- what people see


async def test_trouble_is_shown_oldest_first_and_as_much_as_was_asked_for(core: Core) -> None:
    deliveries = await taken(core, "one", "two", "three", "four")
    for delivery, state in zip(deliveries[:3], ("failed", "unknown", "failed"), strict=True):
        await core.outbox.lost(delivery, "failed" if state == "failed" else "unknown", "why")
    await core.rows(
        "update outbox set created_at = now() - interval '1 day' where id = %s returning 1", deliveries[2].id
    )
    found = [trouble.id for trouble in await core.outbox.troubled()]
    assert found == [deliveries[n].id for n in (2, 0, 1)]
    assert [trouble.id for trouble in await core.outbox.troubled(limit=1)] == found[:1]


async def test_the_backlog_counts_what_is_due_and_what_needs_a_person(core: Core) -> None:
    empty = await core.outbox.backlog()
    assert (empty.pending, empty.oldest_seconds, empty.unknown, empty.failed) == (0, 0, 0, 0)
    one, two, three, four = await taken(core, "one", "two", "three", "four")
    await core.outbox.lost(one, "unknown", "why")
    for delivery in (two, three):
        await core.outbox.lost(delivery, "failed", "why")
    for seconds, thread in ((50, "five"), (20, "six"), (-60, "seven")):
        await core.rows(OLDER, seconds, await reply(core, thread))
    backlog = await core.outbox.backlog()
    assert (backlog.pending, backlog.unknown, backlog.failed) == (2, 1, 2)
    assert 49 < backlog.oldest_seconds < 60
    assert (await row_of(core, four))["state"] == "sending"


async def test_trouble_is_listed_the_oldest_first(core: Core) -> None:
    one, two = await taken(core, "one", "two")
    for delivery in (one, two):
        await core.outbox.lost(delivery, "unknown", "connection lost")
    await core.rows("update outbox set created_at = now() - interval '1 day' where id = %s returning 1", two.id)
    assert [trouble.id for trouble in await core.outbox.troubled()] == [two.id, one.id]
    assert [trouble.id for trouble in await core.outbox.troubled(1)] == [two.id]


async def test_each_text_is_claimed_with_the_address_of_its_own_talk_and_settled_there(core: Core) -> None:
    threads = ("one", "two", "three", "four")
    conversations = {await reply(core, thread): thread for thread in threads}
    deliveries = await core.outbox.claim(10)
    assert {delivery.conversation_id: delivery.address for delivery in deliveries} == conversations
    before = await core.rows("select next_position from conversations where id <> %s", deliveries[0].conversation_id)
    assert await core.outbox.sent([(deliveries[0], None)]) == 1
    after = await core.rows("select next_position from conversations where id <> %s", deliveries[0].conversation_id)
    assert after == before


async def test_a_text_that_nobody_can_read_is_a_persons_and_holds_up_nobody_elses(core: Core) -> None:
    erased, other = await reply(core, "erased"), await reply(core, "other")
    await core.rows(
        "update customer_keys set wrapped = null, destroyed_at = now() where customer_id ="
        " (select customer_id from conversations where id = %s) returning 1",
        erased,
    )
    assert [delivery.conversation_id for delivery in await core.outbox.claim(10)] == [other]
    (trouble,) = await core.outbox.troubled()
    assert (trouble.state, trouble.error) == ("failed", "KeyDestroyedError")
