"""Faults between us and Twilio, with sender and reconciliation moved by hand: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest

from api.channels.whatsapp import Known
from api.guarded import guarded
from api.reconciler import Reconciler
from api.sender import Sender as SenderProcess
from channels.envelope import Envelope
from channels.whatsapp import WHATSAPP
from channels.whatsapp.account import Account
from channels.whatsapp.outbound import WhatsAppOutbound
from channels.whatsapp.sender import Sender
from channels.whatsapp.statuses import Status
from evals.emulators.twilio.faults import LOST, Answer, Drop, rate_limited, server_error, unavailable
from evals.emulators.twilio.server import ACCOUNT_SID, AUTH_TOKEN, NUMBER, TwilioServer
from infra.breakers import Breakers, Limits
from infra.crypto.keyring import Keyring
from infra.postgres.consents import Consents
from infra.postgres.correspondence import Correspondence
from infra.postgres.database import Database
from infra.postgres.outbox import Outbox
from infra.postgres.reconciliations import MOST, Reconciliations
from infra.postgres.reports import DeliveryReports
from tests.core import NOW, Core
from tests.trivial import trivial_graph

ADA, BEN = "+491701234567", "+491707654321"


@dataclass
class Way:
    """The core, its sender and its reconciler, and Twilio at the other end."""

    core: Core
    twilio: TwilioServer
    channel: WhatsAppOutbound
    sent: int = field(default=0)

    def __post_init__(self) -> None:
        # A breaker that never opens: what is shown here is what happens when Twilio is asked.
        breaker = Breakers().add("twilio", Limits(failures=1_000, window=60.0, cooldown=1.0))
        opened = {WHATSAPP: guarded(self.channel, breaker)}
        unknown = Reconciliations(self.core.database, self.core.keyring)
        self.reconciler = Reconciler(unknown, opened, self.core.metrics)
        self.sender = SenderProcess(
            outbox=self.core.outbox,
            channels=opened,
            signals=self.core.signals,
            metrics=self.core.metrics,
            reconciler=self.reconciler,
        )
        self.reports = DeliveryReports(self.core.database)

    async def reply(self, customer: str, text: str) -> None:
        """The customer writes, the agent answers into the outbox."""
        receipt = await self.core.inbox.receive(
            Envelope(WHATSAPP, f"SM{self.sent:032d}", f"{NUMBER}/{customer}", customer, text, verified=True),
            settle=NOW,
        )
        self.sent += 1
        self.twilio.ledger.receive(f"whatsapp:{customer}", text, ())
        await self.core.work(receipt.case_id)

    async def deliver(self) -> None:
        """Everything that is or becomes due, however long it has to wait."""
        for _ in range(40):
            await self.core.rows("update outbox set due_at = now() where state = 'pending' returning 1")
            if not await self.sender.deliver_due():
                return

    async def minutes_pass(self, minutes: int = 5) -> None:
        await self.core.rows(
            "update outbox set reconcile_at = now(), handed_over_at = handed_over_at - %s"
            " where state = 'unknown' and reconcile_at is not null returning 1",
            timedelta(minutes=minutes),
        )
        with self.twilio.ledger.lock:
            for message in self.twilio.sent:
                message.created -= timedelta(minutes=minutes)

    async def states(self) -> list[tuple[str, str | None]]:
        rows = await self.core.rows("select state, error from outbox order by position")
        return [(row["state"], row["error"]) for row in rows]

    @property
    def bodies(self) -> list[str]:
        return [message.body for message in self.twilio.sent]


@pytest.fixture
def twilio() -> Iterator[TwilioServer]:
    with TwilioServer() as server:
        server.lives(otherwise=LOST)
        yield server


@pytest.fixture
async def way(database: Database, keyring: Keyring, twilio: TwilioServer) -> AsyncIterator[Way]:
    async with httpx.AsyncClient(trust_env=False) as http:
        channel = WhatsAppOutbound(
            Account(ACCOUNT_SID, AUTH_TOKEN, base_url=twilio.url),
            http,
            Sender(NUMBER, status_callback="http://127.0.0.1:9/statuses"),
            Known(Correspondence(database, keyring), Consents(database, keyring)),
            deadline=0.5,
        )
        yield Way(Core(database, keyring, trivial_graph(), channel), twilio, channel)


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


async def report(
    way: Way, status: Status, *, part: int = 0, parts: int = 1, failure: str | None = None, name: str | None = None
) -> None:
    (row,) = await way.core.rows("select id from outbox order by position limit 1")
    await way.reports.record(
        WHATSAPP,
        outbox_id=row["id"],
        provider_message_id=name or f"SM-{part}",
        status=status.value,
        rank=status.rank,
        failure=failure,
        part=part,
        parts=parts,
    )


async def test_a_report_settles_an_unknown_text_and_what_waited_goes_on(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.reply(ADA, "two")
    way.twilio.script(Drop())
    await way.deliver()
    await report(way, Status.SENT)
    await way.deliver()
    assert (way.bodies, await way.states()) == (["echo: one", "echo: two"], [("sent", None)] * 2)


async def test_a_report_of_one_part_does_not_settle_the_whole(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    await report(way, Status.DELIVERED, part=0, parts=2)
    assert [state for state, _ in await way.states()] == ["unknown"]
    await report(way, Status.SENT, part=1, parts=2)
    assert await way.states() == [("sent", None)]


async def test_a_failure_that_is_reported_before_the_answer_is_a_failure_all_the_same(way: Way) -> None:
    await way.reply(ADA, "one")
    (delivery,) = await way.core.outbox.claim(10)
    await report(way, Status.FAILED, failure="window_closed (63016)")
    assert [state for state, _ in await way.states()] == ["sending"]
    await way.core.outbox.sent([(delivery, "SM-0")])
    assert await way.states() == [("failed", "window_closed (63016)")]
    assert await way.core.rows("select 1 from events where kind = 'message.failed'")


async def test_a_report_that_says_nothing_new_changes_nothing(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.deliver()
    await report(way, Status.READ)
    await report(way, Status.DELIVERED)
    await report(way, Status.FAILED, failure="late")
    assert await way.states() == [("sent", None)]
    (row,) = await way.core.rows("select status from delivery_reports")
    assert row["status"] == "read"


async def test_the_reports_of_an_attempt_before_say_nothing_of_the_next(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.deliver()
    await report(way, Status.FAILED, failure="channel_failed (63010)")
    (trouble,) = await way.core.outbox.troubled()
    await way.core.outbox.settle_by_hand(trouble.id, "send_again", "kim")
    await report(way, Status.FAILED, failure="channel_failed (63010)")
    await way.deliver()
    assert (len(way.bodies), await way.states()) == (2, [("sent", None)])


async def test_what_arrived_by_the_second_sending_has_arrived_whatever_is_heard_of_the_first(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    (trouble,) = await way.core.outbox.troubled()
    await way.core.outbox.settle_by_hand(trouble.id, "send_again", "kim")
    await way.deliver()
    await report(way, Status.DELIVERED, name="SM-second")
    await report(way, Status.FAILED, failure="channel_failed (63010)", name="SM-first")
    assert await way.states() == [("sent", None)]


async def test_a_report_about_nothing_of_ours_is_nobodys(way: Way) -> None:
    about = {"status": "sent", "rank": 4, "failure": None}
    assert await way.reports.record(WHATSAPP, outbox_id=None, provider_message_id=None, **about) is None  # type: ignore[arg-type]
    assert await way.reports.record(WHATSAPP, outbox_id=None, provider_message_id="SM404", **about) is None  # type: ignore[arg-type]
    assert not await way.core.rows("select 1 from delivery_reports")


async def test_a_bounce_without_the_rows_id_is_found_by_the_providers_name(way: Way) -> None:
    await way.reply(ADA, "one")
    await way.deliver()
    case_id = await way.reports.record(
        WHATSAPP,
        outbox_id=None,
        provider_message_id=way.twilio.sent[0].sid,
        status="failed",
        rank=7,
        failure="no_such_mailbox",
    )
    assert case_id is not None
    assert await way.states() == [("failed", "no_such_mailbox")]


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


async def test_a_report_that_comes_before_a_text_goes_out_again_keeps_it_from_going_twice(way: Way) -> None:
    await way.reply(ADA, "one")
    way.twilio.script(Drop())
    await way.deliver()
    (trouble,) = await way.core.outbox.troubled()
    await way.core.outbox.settle_by_hand(trouble.id, "send_again", "kim")
    await report(way, Status.DELIVERED)
    await way.deliver()
    assert (way.bodies, await way.states()) == (["echo: one"], [("sent", None)])
