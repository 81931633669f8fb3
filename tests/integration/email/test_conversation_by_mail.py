"""A talk by mail over real HTTP, from the customer's first mail to the end."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from channels.gmail.compose import outbox_id
from evals.emulators.gmail.correspondent import out_of_office
from evals.emulators.gmail.reception import Found, received
from infra.postgres.files import ORIGINAL, Files
from skills.turn import MessageId
from tests.integration.email.conftest import Desk
from tests.mailroom import ADA

NOTE = ("note.txt", "text/plain", b"It was a blue box.")


async def test_a_mail_is_answered_in_its_thread_and_the_customers_answer_joins_the_talk(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("Where is my parcel?", subject="My parcel", files=(NOTE,))
    assert (await desk.sync()).counts == {"received": 1}
    await desk.answered()
    (sent,) = desk.gmail.mailbox.sent
    assert sent.thread_id == desk.gmail.mailbox.mails[0].thread_id
    went_out = message_from_bytes(sent.raw, policy=policy.default)
    assert (went_out["To"], went_out["Subject"], went_out["From"]) == (
        ADA,
        "Re: My parcel",
        "Shop <support@shop.example>",
    )
    assert went_out["In-Reply-To"] == went_out["References"] == "<1@customer.example>"
    assert went_out["Auto-Submitted"] == "auto-replied"
    body = went_out.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines()[-2:] == ["-- ", "Your Shop"]

    desk.room.comes("Thank you.", subject="Re: My parcel", answers=str(went_out["Message-ID"]))
    assert (await desk.sync()).counts == {"received": 1, "own": 1}
    case_id = await desk.case()
    await desk.answered()
    assert [line.partition(":")[0] for line in await desk.told()] == ["customer", "agent", "customer", "agent"]
    answer = message_from_bytes(desk.gmail.mailbox.sent[1].raw, policy=policy.default)
    assert answer["References"] == f"{went_out['Message-ID']} <2@customer.example>"
    assert await desk.case() == case_id


async def test_the_mail_itself_and_its_files_are_kept_with_the_message(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("See the note.", files=(NOTE, ("run.exe", "application/octet-stream", b"MZ\x90\x00" * 20)))
    await desk.sync()
    files = Files(desk.services.database, desk.services.keyring)
    entries = await files.of_case(await desk.case())
    assert [(one.ordinal, one.name, one.refusal) for one in entries[1:]] == [
        (1, "note.txt", None),
        (2, "run.exe", "program"),
    ]
    original = await files.read(MessageId(entries[0].message_id), ORIGINAL)
    assert original.file.data == desk.gmail.mailbox.mails[0].raw
    assert (await files.read(MessageId(entries[0].message_id), 1)).file.data == NOTE[2]


async def test_a_mail_that_lost_its_thread_goes_on_in_the_senders_own_talk(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("Where is it?", subject="My parcel")
    await desk.sync()
    await desk.answered()
    ours = desk.gmail.mailbox.sent[0].identity.message_id
    assert ours
    desk.room.comes("By the way, it was blue.", subject="Another subject, so that Gmail begins a thread", answers=ours)
    desk.room.comes("Let me in!", subject="Guessed", answers=ours, sender="mallory@elsewhere.example")
    await desk.sync()
    first, other = await desk.cases()
    assert len((await desk.core.cases.read(first, reader="test")).transcript) == 3
    assert len((await desk.core.cases.read(other, reader="test")).transcript) == 1


@pytest.mark.parametrize("found", [Found(dmarc="fail"), Found(dmarc=None, dkim=None, spf="fail")])
async def test_whoever_only_claims_an_address_speaks_in_nobodys_talk_and_proves_nothing(
    desk: Desk, found: Found
) -> None:
    await desk.followed()
    desk.room.comes("Where is it?")
    await desk.sync()
    desk.room.comes("Send it to another address.", subject="Re: My parcel", answers="<1@customer.example>", found=found)
    await desk.sync()
    assert len({mail.thread_id for mail in desk.gmail.mailbox.mails}) == 1
    rows = await desk.core.rows(
        "select i.verified_at is not null as proven, count(m.id) as messages from conversations v"
        " join identities i on i.id = v.identity_id join messages m on m.conversation_id = v.id"
        " group by v.id, i.id order by v.created_at"
    )
    assert rows == [{"proven": True, "messages": 1}, {"proven": False, "messages": 1}]


async def test_machines_are_kept_and_never_answered_and_no_loop_begins(desk: Desk) -> None:
    await desk.followed()
    desk.gmail.answer_with(lambda sent: received(out_of_office(sent)))
    desk.room.comes("Where is it?")
    await desk.sync()
    await desk.answered()
    desk.gmail.wait_until(lambda: len(desk.gmail.mailbox.mails) == 3)
    await desk.sync()
    await desk.answered()
    assert len(desk.gmail.mailbox.sent) == 1
    assert [line.rpartition(" ")[2] for line in await desk.told()] == ["(handled)", "(delivered)", "(handled)"]


async def test_machines_that_hide_what_they_are_come_to_a_person_after_some_rounds(desk: Desk) -> None:
    """The rule ``loop`` of the policy does this; here the point is that nothing is answered while a person decides."""
    await desk.followed()
    desk.room.comes("A person, please.")
    await desk.sync()
    await desk.answered()
    desk.room.comes("I am away.", subject="Re: My parcel", answers="<1@customer.example>")
    await desk.sync()
    await desk.answered()
    assert [row["kind"] for row in await desk.outbox()] == ["handoff"]


async def test_a_report_that_a_mail_did_not_arrive_is_kept_unanswered_and_told_on(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    await desk.answered()
    ours = desk.gmail.mailbox.sent[0].identity.message_id
    desk.gmail.mailbox.deliver(received(bounce(str(ours)), Found(null_sender=True, dmarc=None)))
    await desk.sync()
    await desk.answered()
    assert len(desk.gmail.mailbox.sent) == 1
    (row,) = await desk.outbox()
    assert (row["id"], row["state"], row["error"]) == (outbox_id(ours), "failed", "bounced: 5.1.1")


async def test_a_text_that_comes_back_a_second_time_is_told_a_second_time(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    await desk.answered()
    ours = str(desk.gmail.mailbox.sent[0].identity.message_id)
    for sent in (1, 2):
        assert len(desk.gmail.mailbox.sent) == sent
        desk.gmail.mailbox.deliver(received(bounce(ours), Found(null_sender=True, dmarc=None)))
        await desk.sync()
        (row,) = await desk.outbox()
        assert (row["state"], row["error"]) == ("failed", "bounced: 5.1.1")
        if sent == 1:
            await desk.services.outbox.settle_by_hand(row["id"], "send_again", "kim")
            await desk.answered()


async def test_line_breaks_in_subject_and_name_make_no_header(desk: Desk) -> None:
    await desk.followed()
    raw = (
        b"From: =?utf-8?q?Ada=0D=0ABcc=3A_eve=40evil=2Eexample?= <ada@customer.example>\r\n"
        b"To: support@shop.example\r\nMessage-ID: <i@customer.example>\r\n"
        b"Subject: =?utf-8?b?SGkNCkJjYzogZXZlQGV2aWwuZXhhbXBsZQ0KDQpib2R5?=\r\n\r\nWhere is it?\r\n"
    )
    desk.gmail.mailbox.deliver(received(raw))
    await desk.sync()
    await desk.answered()
    (sent,) = desk.gmail.mailbox.sent
    assert sent.identity.recipients == (ADA,)
    went_out = message_from_bytes(sent.raw, policy=policy.default)
    assert went_out["Bcc"] is None
    assert went_out["Subject"] == "Re: Hi Bcc: eve@evil.example body"


async def test_a_mail_of_25_megabytes_is_taken_in_whole(desk: Desk) -> None:
    await desk.followed()
    large = b"%PDF-1.7\n" + b"0123456789abcdef" * (18 * 65_536)
    desk.room.comes("The scan.", files=(("scan.pdf", "application/pdf", large),))
    assert len(desk.gmail.mailbox.mails[0].raw) > 25_000_000
    await desk.sync()
    (row,) = await desk.core.rows("select size, refusal from message_files where ordinal = 1")
    assert row == {"size": len(large), "refusal": None}


async def test_what_cannot_be_read_comes_to_a_person_with_the_original(desk: Desk) -> None:
    await desk.followed()
    nested = (
        desk.room.mail("deep").partition(b"\n\n")[0]
        + b"\nContent-Type: multipart/mixed; boundary=b\n\n"
        + b"".join(b"--b\nContent-Type: multipart/mixed; boundary=b%d\n\n" % number for number in range(2_000))
    )
    desk.gmail.mailbox.deliver(received(nested.replace(b'Content-Type: text/plain; charset="utf-8"\n', b"")))
    await desk.sync()
    (row,) = await desk.core.rows("select for_person, state from messages")
    assert row == {"for_person": "unreadable", "state": "waiting"}
    (kept,) = await desk.core.rows("select size, refusal from message_files where ordinal = 0")
    assert kept == {"size": len(desk.gmail.mailbox.mails[0].raw), "refusal": None}


def bounce(message_id: str) -> bytes:
    return (
        "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\r\nTo: support@shop.example\r\n"
        f"Subject: Delivery Status Notification (Failure)\r\nIn-Reply-To: {message_id}\r\nReferences: {message_id}\r\n"
        "Message-ID: <dsn@googlemail.com>\r\nAuto-Submitted: auto-replied\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour message wasn't delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; googlemail.com\r\n\r\n"
        f"Final-Recipient: rfc822; {ADA}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {message_id}\r\nSubject: Re: My parcel\r\n\r\nHi\r\n"
        "--b--\r\n"
    ).encode()


async def test_when_gmail_had_it_and_when_we_did_are_both_kept_and_no_date_of_the_senders_counts(desk: Desk) -> None:
    await desk.followed()
    for text, date in (("first", "Mon, 02 Nov 2026 10:00:00 +0100"), ("second", "Mon, 02 Nov 2020 10:00:00 +0100")):
        desk.room.comes(text, answers="<1@customer.example>", headers={"Date": date})
        desk.gmail.mailbox.mails[-1].at_ms -= 3_600_000  # it lay there for an hour
        await desk.sync()
    rows = await desk.core.rows(
        "select round(extract(epoch from provider_time) * 1000) as gmail,"
        " received_at > provider_time + interval '1 hour' as waited"
        " from messages where direction = 'in' order by sequence"
    )
    assert rows == [{"gmail": mail.at_ms, "waited": True} for mail in desk.gmail.mailbox.mails]
    assert [line.partition(" (")[0] for line in await desk.told()] == ["customer: first", "customer: second"]
