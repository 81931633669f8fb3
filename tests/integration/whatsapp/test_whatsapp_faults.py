"""Faults between us and Twilio, with sender and reconciliation moved by hand: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from channels.whatsapp import WHATSAPP
from evals.emulators.twilio.faults import Answer, Drop, rate_limited, server_error, unavailable
from infra.postgres.outbox import Outbox
from infra.postgres.reconciliations import MOST, Reconciliations
from tests.integration.whatsapp.way import ADA, BEN, Way


async def test_taken_and_the_connection_dropped_is_found_and_not_sent_again(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.reply(ADA, "two")
    way.twilio.script(Drop())
    await way.deliver()
    assert [state for state, _ in await way.states()] == ["unknown", "pending"]
    assert await way.sender.reconcile() == 1
    await way.deliver()
    assert way.bodies == ["echo: one", "echo: two"]
    assert await way.states() == [("sent", None)] * 2
    rows = await way.core.rows(
        "select provider_message_id, position from messages where direction = 'out' order by sequence"
    )
    assert [row["provider_message_id"] for row in rows] == [message.sid for message in way.twilio.sent]
    assert rows[0]["position"] < rows[1]["position"]
    assert [
        row["data"]["found"] for row in await way.core.rows("select data from events where kind like '%%reconciled'")
    ]


async def test_dropped_before_it_was_taken_goes_out_once_it_can_no_longer_turn_up(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop(taken=False))
    await way.deliver()
    assert await way.sender.reconcile() == 0
    assert await way.states() == [("unknown", "it may still turn up (asked 1 times)")]
    assert await way.sender.reconcile() == 0, "asked again before its time"
    await way.minutes_pass()
    assert await way.sender.reconcile() == 1
    await way.deliver()
    assert (way.bodies, await way.states()) == (["echo: one"], [("sent", None)])


async def test_a_sender_killed_in_the_call_leaves_what_is_reconciled_the_same_way(way: Way) -> None:
    """Killed before Twilio had it, and after."""
    await way.reply(ADA, "taken")
    await way.reply(BEN, "not taken")
    dying = Outbox(way.core.database, way.core.keyring, holder="dying", hold=timedelta(seconds=30))
    for delivery in await dying.claim(10):
        if delivery.address == ADA:
            await way.channel.send(delivery)
    await way.core.rows("update outbox set claimed_until = now() - interval '1 second' returning 1")
    assert await way.core.outbox.recover([]) == 2
    await way.minutes_pass()
    assert await way.sender.reconcile() == 2
    await way.deliver()
    assert sorted(way.bodies) == ["echo: not taken", "echo: taken"]
    assert await way.states() == [("sent", None)] * 2


async def test_too_many_requests_again_and_again_lose_nothing_and_send_nothing_twice(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.reply(BEN, "other")
    way.twilio.script(*[rate_limited()] * 4)
    await way.sender.deliver_due()
    (row, *_) = await way.core.rows("select state, attempts, error from outbox order by position")
    assert (row["state"], row["error"]) == ("pending", "rate_limited (20429)")
    assert way.bodies == []
    await way.deliver()
    assert sorted(way.bodies) == ["echo: one", "echo: other"]
    assert await way.states() == [("sent", None)] * 2


async def test_the_time_that_twilio_asks_for_is_waited(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(rate_limited(retry_after=200))
    await way.sender.deliver_due()
    (row,) = await way.core.rows("select extract(epoch from due_at - now())::float8 as wait from outbox")
    assert 190 < row["wait"] <= 200
    await way.reply(BEN, "other")
    await way.sender.deliver_due()
    (row,) = await way.core.rows(
        "select attempts, error, extract(epoch from due_at - now())::float8 as wait from outbox"
        " order by position desc limit 1"
    )
    assert (row["attempts"], row["error"]) == (0, "paced"), "another text was not put off without an attempt"
    assert len(way.twilio.calls) == 1


@pytest.mark.parametrize("taken", [False, True])
async def test_errors_of_twilios_own_for_long_lose_nothing_and_send_nothing_twice(way: Way, taken: bool) -> None:
    await way.reply(ADA, "one")
    way.twilio.otherwise(unavailable())
    way.twilio.script(server_error(taken=taken))
    await way.deliver()
    for _ in range(4):
        await way.minutes_pass()
        await way.sender.reconcile()
        await way.deliver()
    ((state, error),) = await way.states()
    assert (state, error and "list can't be read" in error) == ("unknown", True)
    way.twilio.otherwise(Answer())
    await way.minutes_pass()
    await way.sender.reconcile()
    await way.deliver()
    assert (way.bodies, await way.states()) == (["echo: one"], [("sent", None)])


async def test_a_provider_that_never_says_is_asked_less_and_less_and_then_a_person_decides(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop(taken=False))
    await way.deliver()
    way.twilio.otherwise(unavailable())
    pauses = []
    for _ in range(MOST + 3):
        await way.minutes_pass()
        await way.sender.reconcile()
        (row,) = await way.core.rows("select extract(epoch from reconcile_at - now())::float8 as pause from outbox")
        pauses.append(row["pause"])
    assert await way.core.rows("select 1 from outbox where reconciliations = %s", MOST)
    waited = [pause for pause in pauses if pause is not None]
    assert (len(waited), pauses[-1]) == (MOST - 1, None)
    assert [round(pause) for pause in waited] == [min(5 * 2**number, 3_600) for number in range(MOST - 1)]
    (trouble,) = await way.core.outbox.troubled()
    assert (trouble.state, trouble.error) == (
        "unknown",
        f"Twilio's list can't be read: TwilioException (asked {MOST} times)",
    )
    await way.core.outbox.settle_by_hand(trouble.id, "send_again", "kim")
    way.twilio.otherwise(Answer())
    await way.deliver()
    assert (way.bodies, await way.states()) == (["echo: one"], [("sent", None)])


async def test_a_text_of_which_a_part_arrived_is_a_persons(way: Way) -> None:
    long = "\n\n".join(letter * 1_000 for letter in "abc")
    await way.reply(ADA, long)
    way.twilio.script(Answer(), Drop(taken=False))
    await way.deliver()
    await way.minutes_pass()
    assert await way.sender.reconcile() == 0
    assert await way.states() == [("unknown", "1 of 3 messages arrived")]
    assert await way.core.rows("select 1 from outbox where reconcile_at is null")


async def test_what_a_person_has_settled_meanwhile_is_not_settled_again(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    unknown = Reconciliations(way.core.database, way.core.keyring)
    (asked,) = await unknown.claim(10, [WHATSAPP])
    found = await way.channel.reconcile(asked.delivery, handed_over_at=asked.handed_over_at, known=asked.known)
    await way.core.outbox.settle_by_hand(asked.delivery.id, "given_up", "kim")
    assert not await unknown.settle(asked, found)
    assert [state for state, _ in await way.states()] == ["failed"]


async def test_two_senders_never_ask_about_one_text_at_once(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    unknown = Reconciliations(way.core.database, way.core.keyring)
    claimed = await asyncio.gather(*(unknown.claim(10, [WHATSAPP]) for _ in range(4)))
    assert sorted(len(each) for each in claimed) == [0, 0, 0, 1]


async def test_a_customer_who_writes_a_lot_keeps_nobody_else_waiting(way: Way) -> None:
    for number in range(5):
        await way.reply(ADA, f"hot {number}")
    await way.reply(BEN, "other")
    await way.sender.deliver_due()
    assert sorted(way.bodies) == ["echo: hot 0", "echo: other"]
    await way.deliver()
    hot = [body for body in way.bodies if "hot" in body]
    assert hot == [f"echo: hot {number}" for number in range(5)]


async def test_when_the_customer_last_wrote_is_read_at_the_moment_of_sending(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.core.rows("update messages set received_at = received_at - interval '25 hours' returning 1")
    await way.deliver()
    assert (way.bodies, await way.states()) == ([], [("failed", "window_closed")])
    assert isinstance((await way.core.outbox.troubled())[0].created_at, datetime)
