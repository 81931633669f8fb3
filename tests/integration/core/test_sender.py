"""The sender: in order, at most once for a confirmed outcome, and what is unknown is shown and never sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from api.sender import Sender
from channels.envelope import Accepted, Delivery, Refused, SendResult, Unknown
from channels.protocol import OutboundChannel
from channels.web import CHAT
from channels.web.outbound import WebOutbound
from infra.postgres.outbox import Outbox, Trouble
from skills.turn import ChannelName
from tests.core import Core

MAIL = ChannelName("mail")
Answer = SendResult | Exception


@dataclass
class Recorded:
    """A channel that writes down what it is given and answers by a script; at its end it accepts."""

    name: ChannelName = MAIL
    repeatable: bool = False
    script: list[Answer] = field(default_factory=list)
    calls: list[Delivery] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    hold: asyncio.Event | None = None

    async def send(self, delivery: Delivery) -> SendResult:
        self.calls.append(delivery)
        self.reached.set()
        if self.hold is not None:
            await self.hold.wait()
        answer = self.script.pop(0) if self.script else Accepted(f"{self.name} {delivery.id}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def texts(self) -> list[str]:
        return [call.text for call in self.calls]


@pytest.fixture
def mail() -> Recorded:
    return Recorded()


def sender_of(core: Core, *channels: OutboundChannel, holder: str = "one", deadline: float = 5.0) -> Sender:
    return Sender(
        outbox=Outbox(core.database, core.keyring, holder=holder, hold=timedelta(seconds=30)),
        channels={channel.name: channel for channel in channels},
        signals=core.signals,
        metrics=core.metrics,
        poll=0.05,
        call_deadline=deadline,
    )


async def reply(core: Core, thread: str, text: str, channel: ChannelName = MAIL) -> None:
    """A reply of the agent in the outbox."""
    receipt = await core.write(thread, text, channel=channel)
    await core.work(receipt.case_id)


async def states(core: Core) -> list[tuple[str, int, str | None]]:
    rows = await core.rows("select state, attempts, error from outbox order by position")
    return [(row["state"], row["attempts"], row["error"]) for row in rows]


async def make_due(core: Core) -> None:
    await core.rows("update outbox set due_at = now() where state = 'pending' returning 1")


async def claims_run_out(core: Core) -> None:
    await core.rows("update outbox set claimed_until = now() - interval '1 second' where state = 'sending' returning 1")


async def trouble(core: Core) -> Trouble:
    (found,) = await core.outbox.troubled()
    return found


@pytest.mark.parametrize("make", [WebOutbound, Recorded])
async def test_a_channel_takes_a_delivery_with_text_and_address(
    core: Core, make: Callable[[], OutboundChannel]
) -> None:
    channel = make()
    await reply(core, "kim@example.com", "hello", channel.name)
    (delivery,) = await core.outbox.claim(10)
    assert (delivery.text, delivery.address, delivery.channel, delivery.attempt) == (
        "echo: hello",
        "kim@example.com",
        channel.name,
        1,
    )
    assert isinstance(await channel.send(delivery), Accepted)
    assert isinstance(channel.repeatable, bool)


async def test_texts_of_one_conversation_go_out_one_after_the_other(core: Core, mail: Recorded) -> None:
    for text in ("one", "two", "three"):
        await reply(core, "a", text)
    await reply(core, "b", "other")
    sender = sender_of(core, mail)
    assert await sender.deliver_due() == 2
    assert sorted(mail.texts) == ["echo: one", "echo: other"]
    assert [await sender.deliver_due() for _ in range(3)] == [1, 1, 0]
    assert mail.texts[2:] == ["echo: two", "echo: three"]
    assert await states(core) == [("sent", 1, None)] * 4


async def test_the_providers_name_for_a_message_is_kept(core: Core, mail: Recorded) -> None:
    await reply(core, "a", "one")
    await sender_of(core, mail).deliver_due()
    rows = await core.rows("select provider_message_id, state, delivered_at from messages where direction = 'out'")
    assert [(row["provider_message_id"], row["state"]) for row in rows] == [(f"mail {mail.calls[0].id}", "delivered")]
    assert rows[0]["delivered_at"] is not None


async def test_an_unknown_outcome_holds_back_its_own_conversation_only_and_is_never_sent_again(
    core: Core, mail: Recorded
) -> None:
    mail.script = [Unknown("connection lost")]
    await reply(core, "a", "one")
    await reply(core, "a", "two")
    sender = sender_of(core, mail)
    await sender.deliver_due()
    await reply(core, "b", "other")
    await make_due(core)
    await claims_run_out(core)
    assert await core.outbox.recover([MAIL]) == 0
    assert await sender.deliver_due() == 1
    assert await sender.deliver_due() == 0
    assert mail.texts == ["echo: one", "echo: other"]
    assert await states(core) == [("unknown", 1, "connection lost"), ("pending", 0, None), ("sent", 1, None)]
    found = await trouble(core)
    assert (found.state, found.error, found.channel, found.attempts) == ("unknown", "connection lost", MAIL, 1)
    backlog = await core.outbox.backlog()
    assert (backlog.pending, backlog.unknown, backlog.failed) == (1, 1, 0)
    assert backlog.oldest_seconds > 0
    assert [row["kind"] for row in await core.rows("select kind from events where kind = 'message.unknown'")]


async def test_a_refusal_that_may_pass_is_tried_again_later_and_later(core: Core, mail: Recorded) -> None:
    mail.script = [Refused("429", retry=True), Refused("503", retry=True)]
    await reply(core, "a", "one")
    sender = sender_of(core, mail)
    waits = []
    for _ in range(2):
        assert await sender.deliver_due() == 1
        assert await sender.deliver_due() == 0
        (row,) = await core.rows("select extract(epoch from due_at - now())::float8 as wait from outbox")
        waits.append(row["wait"])
        await make_due(core)
    assert 0.5 < waits[0] <= 2.0
    assert 1.5 < waits[1] <= 4.0
    assert await sender.deliver_due() == 1
    assert await states(core) == [("sent", 3, None)]


@pytest.mark.parametrize(
    ("attempts", "retry", "state"), [(0, False, "failed"), (14, True, "failed"), (13, True, "pending")]
)
async def test_a_final_refusal_and_the_fifteenth_fail_and_let_the_next_text_go(
    core: Core, mail: Recorded, attempts: int, retry: bool, state: str
) -> None:
    mail.script = [Refused("no such mailbox", retry=retry)]
    await reply(core, "a", "one")
    await core.rows("update outbox set attempts = %s returning 1", attempts)
    await reply(core, "a", "two")
    sender = sender_of(core, mail)
    await sender.deliver_due()
    assert (await states(core))[0] == (state, attempts + 1, "no such mailbox")
    assert await sender.deliver_due() == (1 if state == "failed" else 0)
    if state == "failed":
        assert (await trouble(core)).state == "failed"
        assert (await core.outbox.backlog()).failed == 1


async def test_the_delay_between_attempts_never_exceeds_five_minutes(core: Core, mail: Recorded) -> None:
    mail.script = [Refused("503", retry=True)]
    await reply(core, "a", "one")
    await core.rows("update outbox set attempts = 13 returning 1")
    await sender_of(core, mail).deliver_due()
    (row,) = await core.rows("select extract(epoch from due_at - now())::float8 as wait from outbox")
    assert 149 < row["wait"] <= 300


@pytest.mark.parametrize("error", [RuntimeError("boom"), TimeoutError(), OSError()])
async def test_a_channel_that_raises_leaves_an_unknown_outcome(core: Core, mail: Recorded, error: Exception) -> None:
    mail.script = [error]
    await reply(core, "a", "one")
    await sender_of(core, mail).deliver_due()
    ((state, attempts, said),) = await states(core)
    assert (state, attempts) == ("unknown", 1)
    assert said
    assert "boom" not in said


async def test_a_channel_that_hangs_leaves_an_unknown_outcome(core: Core, mail: Recorded) -> None:
    mail.hold = asyncio.Event()
    await reply(core, "a", "one")
    await sender_of(core, mail, deadline=0.05).deliver_due()
    assert await states(core) == [("unknown", 1, "the provider did not answer in time")]


async def test_a_channel_that_is_not_set_up_waits_until_it_is(core: Core, mail: Recorded) -> None:
    await reply(core, "a", "one")
    await sender_of(core).deliver_due()
    ((state, _, error),) = await states(core)
    assert (state, error) == ("pending", "no channel 'mail' is set up here")
    await make_due(core)
    await sender_of(core, mail).deliver_due()
    assert mail.texts == ["echo: one"]


@pytest.mark.parametrize(("channel", "state"), [(CHAT, "sent"), (MAIL, "unknown")])
async def test_after_a_sender_was_killed_in_the_call_only_a_repeatable_channel_is_asked_again(
    core: Core, mail: Recorded, channel: ChannelName, state: str
) -> None:
    await reply(core, "a", "one", channel)
    killed = Outbox(core.database, core.keyring, holder="killed", hold=timedelta(seconds=30))
    (delivery,) = await killed.claim(10)
    assert await core.outbox.recover([CHAT]) == 0
    sender = sender_of(core, mail, WebOutbound())
    assert await sender.deliver_due() == 0

    await claims_run_out(core)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    while (await states(core))[0][0] not in {"sent", "unknown"}:  # noqa: ASYNC110 - the database has no event
        await asyncio.sleep(0.02)
    stop.set()
    await running
    assert [row[0] for row in await states(core)] == [state]
    assert mail.calls == []
    assert not await killed.sent([(delivery, None)])
    assert [row[0] for row in await states(core)] == [state]
    assert len(await core.rows("select 1 from events where kind = 'message.sent'")) == (state == "sent")


async def test_a_late_settle_of_any_kind_changes_nothing(core: Core, mail: Recorded) -> None:
    await reply(core, "a", "one")
    late = Outbox(core.database, core.keyring, holder="late", hold=timedelta(seconds=30))
    (delivery,) = await late.claim(10)
    await claims_run_out(core)
    assert await core.outbox.recover([]) == 1
    before = await states(core)
    await late.retry(delivery, "late", timedelta(0))
    await late.lost(delivery, "failed", "late")
    assert not await late.sent([(delivery, "late")])
    assert await states(core) == before
    assert before[0][0] == "unknown"


async def test_many_senders_at_once_never_send_the_same_text(core: Core) -> None:
    for n in range(12):
        await reply(core, f"talk {n}", "one")
        await reply(core, f"talk {n}", "two")
    channels = [Recorded() for _ in range(4)]
    senders = [sender_of(core, channel, holder=f"sender {n}") for n, channel in enumerate(channels)]

    async def send_all(sender: Sender) -> None:
        while any(state in {"pending", "sending"} for state, _, _ in await states(core)):
            await sender.deliver_due()

    await asyncio.gather(*(send_all(sender) for sender in senders))
    sent = [call.id for channel in channels for call in channel.calls]
    assert len(sent) == len(set(sent)) == 24
    rows = await core.rows(
        "select array_agg(sequence order by position) as order_seen from messages"
        " where direction = 'out' group by case_id"
    )
    assert all(row["order_seen"] == sorted(row["order_seen"]) for row in rows)


async def test_a_stopped_sender_settles_what_it_is_sending_and_begins_nothing_new(core: Core, mail: Recorded) -> None:
    mail.hold = asyncio.Event()
    await reply(core, "a", "one")
    await reply(core, "a", "two")
    stop = asyncio.Event()
    running = asyncio.create_task(sender_of(core, mail).run(stop))
    await mail.reached.wait()
    stop.set()
    mail.hold.set()
    await asyncio.wait_for(running, 5)
    assert [state for state, _, _ in await states(core)] == ["sent", "pending"]


async def test_a_hint_wakes_a_sleeping_sender(core: Core, mail: Recorded) -> None:
    sender = sender_of(core, mail)
    sender._poll = 60.0
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    await reply(core, "a", "one")
    async with asyncio.timeout(5):
        while not mail.reached.is_set():
            await core.signals.outbox_waits()
            await asyncio.sleep(0.05)
    stop.set()
    await running


async def test_a_provider_that_names_two_messages_alike_undoes_neither(core: Core, mail: Recorded) -> None:
    mail.script = [Accepted("same"), Accepted("same")]
    await reply(core, "a", "one")
    await reply(core, "b", "two")
    sender = sender_of(core, mail)
    while await sender.deliver_due():
        pass
    assert [state for state, _, _ in await states(core)] == ["sent", "sent"]


async def test_an_unknown_outcome_is_tried_again_where_twice_has_the_effect_of_once(core: Core) -> None:
    mail = Recorded(repeatable=True, script=[Unknown("no answer")])
    receipt = await core.write("ada@example.com", "hello", channel=MAIL)
    await core.work(receipt.case_id)
    sender = sender_of(core, mail)
    assert await sender.deliver_due() == 1
    assert await core.rows("select state, attempts from outbox") == [{"state": "pending", "attempts": 1}]
    await core.rows("update outbox set due_at = now() returning id")
    assert await sender.deliver_due() == 1
    assert mail.texts == ["echo: hello", "echo: hello"]
    assert mail.calls[0].id == mail.calls[1].id
    assert await core.rows("select state from outbox") == [{"state": "sent"}]
