"""Sending by mail: what the provider does is said truthfully, and nothing goes out twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from channels.envelope import (
    Absent,
    Accepted,
    Arrived,
    Deferred,
    Delivery,
    File,
    Refused,
    Undecided,
    Unknown,
)
from channels.gmail import EMAIL
from channels.gmail.compose import message_id
from channels.gmail.inbound import named
from channels.gmail.outbound import GmailOutbound
from channels.protocol import Reconciling
from evals.emulators.gmail.faults import (
    BACKEND,
    EXPIRED_TOKEN,
    RATE_LIMIT,
    TOO_MANY,
    UNAVAILABLE,
    Drop,
    Fail,
    Hang,
    Truncate,
)
from skills.turn import ConversationId, MessageId
from tests.integration.email.conftest import Desk
from tests.mailroom import ADA, LETTERHEAD, Mailroom

SEND, LIST = "gmail.users.messages.send", "gmail.users.messages.list"
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


class Heard:
    """What was last heard, as a test says it."""

    def __init__(self, **detail: str) -> None:
        self.of = detail

    async def detail(self, conversation_id: ConversationId) -> dict[str, str]:  # noqa: ARG002 - the protocol's
        return self.of


def delivery(text: str = "It is on its way.", **more: Any) -> Delivery:
    return Delivery(
        id=more.pop("id", None) or UUID(str(uuid7())),
        message_id=MessageId(uuid4()),
        conversation_id=ConversationId(uuid4()),
        channel=EMAIL,
        text=text,
        address=ADA,
        attempt=1,
        **more,
    )


def ours(one: Delivery) -> str:
    return named(message_id(one.id, "shop.example"))


@pytest.mark.parametrize(
    ("fault", "result", "sent"),
    [
        (RATE_LIMIT, Refused("Gmail answered 403: rateLimitExceeded", retry=True), 0),
        (TOO_MANY, Refused("Gmail answered 429: rateLimitExceeded", retry=True), 0),
        (Fail(400), Refused("Gmail answered 400: invalidArgument", retry=False), 0),
        (Fail(413, "uploadTooLarge"), Refused("Gmail answered 413: uploadTooLarge", retry=False), 0),
        (Fail(400, "not a code, but words"), Refused("Gmail answered 400: INVALID_ARGUMENT", retry=False), 0),
        (BACKEND, Unknown("Gmail answered 500: backendError"), 0),
        (UNAVAILABLE, Unknown("Gmail answered 503: backendError"), 0),
        (Fail(503, taken=True), Unknown("Gmail answered 503: backendError"), 1),
        (Drop(taken=True), Unknown("Gmail: no answer (RemoteProtocolError)"), 1),
        (Drop(taken=False), Unknown("Gmail: no answer (RemoteProtocolError)"), 0),
        (Truncate(), Unknown("Gmail: an unreadable answer"), 1),
        (Hang(taken=True), Unknown("Gmail: no answer (ReadTimeout)"), 1),
    ],
)
async def test_each_thing_that_gmail_may_do_is_said_as_it_is_after_one_request(
    room: Mailroom, fault: Any, result: Any, sent: int
) -> None:
    room.gmail.faults.on(fault, SEND, times=1)
    async with room.account() as account:
        found = await GmailOutbound(account, LETTERHEAD, Heard()).send(delivery())
    if isinstance(found, Refused) and fault.reason == "not a code, but words":
        assert "words" not in found.reason
    else:
        assert found == result
    assert len(room.gmail.calls.of(SEND)) == 1
    assert len(room.gmail.mailbox.sent) == sent


async def test_an_access_that_is_gone_costs_no_attempt(room: Mailroom) -> None:
    room.gmail.tokens.revoke()
    async with room.account() as account:
        found = await GmailOutbound(account, LETTERHEAD, Heard()).send(delivery())
    assert isinstance(found, Deferred)
    assert "not signed in" in found.reason
    assert room.gmail.calls.of(SEND) == []


async def test_an_access_token_that_expired_is_renewed_and_the_refused_request_repeated(room: Mailroom) -> None:
    async with room.account() as account:
        outbound = GmailOutbound(account, LETTERHEAD, Heard())
        room.gmail.faults.on(EXPIRED_TOKEN, SEND, times=1)
        assert isinstance(await outbound.send(delivery()), Accepted)
    assert [call.status for call in room.gmail.calls.of(SEND)] == [401, 200]
    assert len(room.gmail.mailbox.sent) == 1


async def test_nobody_at_the_other_end_means_that_nothing_was_sent(room: Mailroom) -> None:
    async with room.account() as account:
        await account.profile()
        room.gmail.__exit__(None)
        found = await GmailOutbound(account, LETTERHEAD, Heard()).send(delivery())
    assert found == Refused("Gmail: not connected (ConnectError)", retry=True)


async def test_what_no_mail_can_be_made_of_is_refused_for_good(room: Mailroom) -> None:
    async with room.account() as account:
        outbound = GmailOutbound(account, LETTERHEAD, Heard(reply_to="nobody"))
        assert isinstance(await outbound.send(delivery()), Refused)
        huge = File("scan.pdf", "application/pdf", 30 * 1_048_576, b"%" * (30 * 1_048_576))
        found = await GmailOutbound(account, LETTERHEAD, Heard()).send(delivery(files=(huge,)))
    assert found == Refused("the mail is larger than 35 MB", retry=False)
    assert room.gmail.calls.of(SEND) == []


async def test_a_thread_that_somebody_deleted_does_not_keep_the_answer_from_going_out(room: Mailroom) -> None:
    heard = Heard(thread_id="00000000000000ff", message_id="<1@customer.example>", subject="My parcel")
    async with room.account() as account:
        found = await GmailOutbound(account, LETTERHEAD, heard).send(delivery())
    assert isinstance(found, Accepted)
    assert [call.status for call in room.gmail.calls.of(SEND)] == [404, 200]
    assert len(room.gmail.mailbox.sent) == 1


async def test_a_code_stands_alone_and_says_who_wrote_it(room: Mailroom) -> None:
    async with room.account() as account:
        code = delivery("123 456", kind="code", author="system")
        heard = Heard(thread_id="ff", message_id="<1@customer.example>", subject="My parcel")
        assert await GmailOutbound(account, LETTERHEAD, heard).send(code) == Accepted(ours(code))
    mail = message_from_bytes(room.gmail.mailbox.sent[0].raw, policy=policy.default)
    assert (mail["Subject"], mail["In-Reply-To"], mail["Auto-Submitted"]) == ("Your code", None, "auto-generated")


async def test_a_persons_text_goes_out_with_its_files_and_no_mark_of_a_machine(room: Mailroom) -> None:
    files = (
        File("invoice.pdf", "application/pdf", 8, b"%PDF-1.7"),
        File('..\\"a\r\nb.eml', "message/rfc822", 2, b"hi"),
        File("gone.pdf", "application/pdf", 9, None, "too_large"),
    )
    heard = Heard(reply_to="elsewhere@customer.example", name="Ada", subject="My parcel", message_id="<1@c.example>")
    async with room.account() as account:
        await GmailOutbound(account, LETTERHEAD, heard).send(delivery(author="human", files=files))
    (sent,) = room.gmail.mailbox.sent
    mail = message_from_bytes(sent.raw, policy=policy.default)
    assert (mail["To"], mail["Auto-Submitted"]) == ("Ada <elsewhere@customer.example>", None)
    assert [(part.get_filename(), part.get_content()) for part in mail.iter_attachments()] == [
        ("invoice.pdf", b"%PDF-1.7"),
        ("_a b.eml", b"hi"),
    ]
    assert all(byte < 128 for byte in sent.raw)


async def test_a_send_that_was_taken_and_dropped_is_found_and_nothing_is_sent_twice(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    desk.gmail.faults.on(Drop(taken=True), SEND, times=1)
    await desk.answered()
    await desk.core.deliver()
    (row,) = await desk.outbox()
    assert row["state"] == "unknown"
    async with desk.room.account() as account:
        outbound = GmailOutbound(account, LETTERHEAD, Heard())
        assert isinstance(outbound, Reconciling)
        one = delivery(id=row["id"])
        assert await outbound.reconcile(one, handed_over_at=datetime.now(UTC)) == Arrived((ours(one),))
    assert (await desk.sync()).counts == {"own": 1}
    assert len(desk.gmail.mailbox.sent) == 1


async def test_half_an_hour_of_refusals_loses_nothing_and_sends_once(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    desk.gmail.faults.on(TOO_MANY, SEND)
    await desk.answered()
    for _ in range(12):
        await desk.core.rows("update outbox set due_at = now() where state = 'pending' returning 1")
        await desk.core.deliver()
    desk.gmail.faults.mend()
    await desk.core.rows("update outbox set due_at = now() where state = 'pending' returning 1")
    await desk.core.deliver()
    assert [row["state"] for row in await desk.outbox()] == ["sent"]
    assert len(desk.gmail.mailbox.sent) == 1


async def test_what_may_still_turn_up_is_asked_for_later_and_absent_is_said_only_when_it_is(room: Mailroom) -> None:
    one = delivery()
    async with room.account() as account:
        outbound = GmailOutbound(account, LETTERHEAD, Heard())
        assert await outbound.reconcile(one, handed_over_at=datetime.now(UTC)) == Undecided(
            "it may still turn up", again=True
        )
        assert await outbound.reconcile(one, handed_over_at=LONG_AGO) == Absent()
        room.gmail.faults.on(BACKEND, LIST, times=1)
        failed = await outbound.reconcile(one, handed_over_at=LONG_AGO)
        assert failed == Undecided("Gmail answered 500: backendError", again=True)
        room.gmail.faults.on(Fail(400), LIST, times=1)
        assert (await outbound.reconcile(one, handed_over_at=LONG_AGO)).again is False  # type: ignore[union-attr] # it is


async def test_a_mail_whose_id_gmail_replaced_is_still_known_to_be_ours(desk: Desk) -> None:
    await desk.followed()
    desk.gmail.mailbox.rewrites_message_ids = True
    desk.room.comes()
    await desk.sync()
    began = datetime.now(UTC)
    await desk.answered()
    (row,) = await desk.outbox()
    assert (await desk.sync()).counts == {"own": 1}
    later = GmailOutbound(desk.account, LETTERHEAD, Heard(), clock=lambda: began + timedelta(hours=1))
    assert isinstance(await later.reconcile(delivery(id=row["id"]), handed_over_at=began), Arrived)


async def test_too_many_mails_to_look_through_are_a_persons_to_decide(
    room: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.gmail.account._PAGE", 1)
    began = datetime.now(UTC)
    for _ in range(2):
        room.writes("Something else.")
    async with room.account() as account:
        outbound = GmailOutbound(account, LETTERHEAD, Heard(), clock=lambda: began + timedelta(hours=1))
        found = await outbound.reconcile(delivery(), handed_over_at=began)
    assert isinstance(found, Undecided)
    assert not found.again


async def test_an_account_that_is_closed_in_the_middle_says_that_it_does_not_know(room: Mailroom) -> None:
    room.gmail.faults.on(Hang(taken=True), SEND)
    async with room.account() as account:
        outbound = GmailOutbound(account, LETTERHEAD, Heard())
        sending = asyncio.create_task(outbound.send(delivery()))
        await asyncio.to_thread(room.gmail.wait_until, lambda: room.gmail.mailbox.sent)
        account._http.close()  # type: ignore[union-attr] # it is open
        assert isinstance(await sending, Unknown)
