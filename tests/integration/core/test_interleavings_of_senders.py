"""Two senders, or a sender and a person, at once: the first stands at its commit with its locks as the second comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from infra.crypto.keyring import Keyring
from infra.postgres.outbox import Outbox
from skills.errors import ConflictError
from skills.turn import ChannelName
from tests.core import Core
from tests.crossing import Pair, begun, commit, crossing, run

pytestmark = pytest.mark.no_cover  # the same code again and again, in another order or with other data


CHAT, MAIL = ChannelName("chat"), ChannelName("mail")


@pytest.fixture
async def pair(database_url: str, keyring: Keyring) -> AsyncIterator[Pair]:
    async with crossing(database_url, keyring) as both:
        yield both


async def claimed_by_the_dead(pair: Pair, channel: ChannelName) -> tuple[Outbox, Any]:
    receipt = await pair.second.write("talk", "hello", channel=channel)
    await pair.second.work(receipt.case_id)
    dead = Outbox(pair.second.database, pair.second.keyring, holder="dead", hold=timedelta(seconds=30))
    (delivery,) = await dead.claim(1)
    await pair.second.rows("update outbox set claimed_until = now() - interval '1 second' returning 1")
    return dead, delivery


async def outbox(core: Core) -> list[tuple[str, int]]:
    return [(row["state"], row["attempts"]) for row in await core.rows("select state, attempts from outbox")]


@pytest.mark.parametrize("channel", [CHAT, MAIL])
async def test_a_late_answer_just_before_the_recovery_counts(pair: Pair, channel: ChannelName) -> None:
    _, delivery = await claimed_by_the_dead(pair, channel)
    late = Outbox(pair.first.database, pair.first.keyring, holder="dead", hold=timedelta(seconds=30))
    assert await pair.cross(late.sent([(delivery, None)]), pair.second.outbox.recover([CHAT])) == (1, 0)
    assert await outbox(pair.second) == [("sent", 1)]


@pytest.mark.parametrize(("channel", "left"), [(CHAT, "pending"), (MAIL, "unknown")])
async def test_a_late_answer_just_after_the_recovery_changes_nothing(
    pair: Pair, channel: ChannelName, left: str
) -> None:
    dead, delivery = await claimed_by_the_dead(pair, channel)
    recovered, sent = await pair.cross(pair.first.outbox.recover([CHAT]), dead.sent([(delivery, None)]))
    assert (recovered, sent) == (1, 0)
    assert await outbox(pair.second) == [(left, 1)]


@pytest.mark.parametrize("claim_first", [True, False])
async def test_a_claim_around_the_recovery_sends_what_the_dead_left_once(pair: Pair, claim_first: bool) -> None:
    await claimed_by_the_dead(pair, CHAT)
    one, two = (pair.first, pair.second) if claim_first else (pair.second, pair.first)
    both = [one.outbox.claim(10), two.outbox.recover([CHAT])]
    results = await pair.cross(*(both if claim_first else reversed(both)))
    assert sorted(len(r) if isinstance(r, list) else r for r in results) == [0, 1]
    assert await pair.second.deliver() == 1
    assert await outbox(pair.second) == [("sent", 2)]


@pytest.mark.parametrize("claim_first", [True, False])
async def test_a_refused_text_that_goes_again_and_a_later_one_that_is_claimed_keep_their_order(
    pair: Pair, claim_first: bool
) -> None:
    for text in ("one", "two"):
        receipt = await pair.second.write("talk", text, channel=MAIL)
        await pair.second.work(receipt.case_id)
    (refused,) = await pair.second.outbox.claim(1)
    await pair.second.outbox.lost(refused, "failed", "mailbox full")
    one, two = (pair.first, pair.second) if claim_first else (pair.second, pair.first)
    both = [one.outbox.claim(10), two.outbox.settle_by_hand(refused.id, "send_again", "kim")]
    await pair.cross(*(both if claim_first else reversed(both)))
    left = [row["state"] for row in await pair.second.rows("select state from outbox order by position")]
    assert left == (["failed", "sending"] if claim_first else ["pending", "pending"])


async def test_a_sender_at_work_in_another_talk_keeps_nobody_from_settling(pair: Pair) -> None:
    for talk in ("one", "another"):
        receipt = await pair.second.write(talk, "hello", channel=MAIL)
        await pair.second.work(receipt.case_id)
    lost, _ = deliveries = await pair.second.outbox.claim(10)
    await pair.second.outbox.lost(lost, "unknown", "connection lost")
    await pair.second.outbox.retry(deliveries[1], "busy", timedelta(0))
    claimed, settled = await pair.cross(
        pair.first.outbox.claim(10), pair.second.outbox.settle_by_hand(lost.id, "arrived", "kim")
    )
    assert len(claimed) == 1
    assert settled is not ConflictError
    assert sorted(await outbox(pair.second)) == [("sending", 2), ("sent", 1)]


async def test_of_two_senders_one_gets_a_text(pair: Pair) -> None:
    receipt = await pair.second.write("talk", "hello")
    await pair.second.work(receipt.case_id)
    one, two = await pair.cross(pair.first.outbox.claim(10), pair.second.outbox.claim(10))
    assert (len(one), len(two)) == (1, 0)
    assert await outbox(pair.second) == [("sending", 1)]


@pytest.mark.parametrize("commit_first", [True, False])
async def test_a_text_that_is_being_committed_is_never_sent_before_an_earlier_one(
    pair: Pair, commit_first: bool
) -> None:
    first = await begun(pair.second)
    await commit(pair.second, first)
    turn = await run(pair.second, await pair.second.write("talk", "and this"))
    one, two = (pair.first, pair.second) if commit_first else (pair.second, pair.first)
    both = [commit(one, turn), two.outbox.claim(10)]
    results = await pair.cross(*(both if commit_first else reversed(both)))
    (delivery,) = next(result for result in results if isinstance(result, list))
    assert delivery.text == "echo: hello"
