"""What a mail in the mailbox is to us: whose message, in which talk, and who is answered."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from channels.envelope import Envelope
from channels.gmail.account import RawMail
from channels.gmail.automatic import Kind
from channels.gmail.compose import Reply, compose
from channels.gmail.inbound import Own, OwnCopy, Received, WrittenByPerson, named, understand, unread
from evals.emulators.gmail.reception import Found, received

OWN = Own(frozenset({"support@shop.example"}), frozenset({"help.shop.example"}))
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def found(raw: bytes, *labels: str) -> RawMail:
    return RawMail("abc1", "thread1", frozenset(labels or ("INBOX",)), NOW, raw)


def mail(*lines: str, sender: str = "Ada <ada@customer.example>", body: str = "Where is it?") -> bytes:
    head = [f"From: {sender}", "To: support@shop.example", "Subject: My parcel", "Message-ID: <1@c.example>", *lines]
    return ("\r\n".join(head) + f"\r\n\r\n{body}\r\n").encode()


def of(raw: bytes, checked: Found | None = None) -> Received:
    understood = understand(found(received(raw, checked)), OWN)
    assert isinstance(understood, Received)
    return understood


def envelope(raw: bytes, checked: Found | None = None) -> Envelope:
    return of(raw, checked).envelope


def test_a_proven_writer_speaks_in_the_threads_talk_under_the_mails_name() -> None:
    one = envelope(mail("References: <a@shop.example> <b@c.example>", "In-Reply-To: <b@c.example>"))
    assert (one.address, one.name, one.verified, one.thread) == (
        "ada@customer.example",
        "Ada",
        True,
        "thread1 ada@customer.example",
    )
    assert one.provider_message_id == named("<1@c.example>")
    assert one.related == (named("<b@c.example>"), named("<a@shop.example>"))
    assert one.written_at == NOW
    assert one.detail == {
        "gmail_id": "abc1",
        "thread_id": "thread1",
        "subject": "My parcel",
        "message_id": "<1@c.example>",
        "references": "<a@shop.example> <b@c.example>",
        "name": "Ada",
    }


def test_names_of_messages_tell_nothing_of_anybody() -> None:
    assert "customer" not in envelope(mail()).provider_message_id


def test_whoever_is_not_proven_has_a_talk_of_their_own() -> None:
    one = envelope(mail(), Found(dmarc="fail"))
    assert (one.verified, one.thread) == (False, "thread1 ada@customer.example unproven")


def test_a_mail_without_an_id_goes_by_gmails() -> None:
    assert envelope(mail().replace(b"Message-ID: <1@c.example>\r\n", b"")).provider_message_id == "gmail:abc1"


@pytest.mark.parametrize(
    ("lines", "checked", "address", "reply_to", "verified"),
    [
        ("Reply-To: ada@home.example", Found(), "ada@customer.example", "ada@home.example", True),
        ("Reply-To: ada@home.example", Found(dmarc="fail"), "ada@customer.example", None, False),
        ("Reply-To: ada@customer.example", Found(), "ada@customer.example", None, True),
        ("Reply-To: support@shop.example", Found(), "ada@customer.example", None, True),
        ("Reply-To: a@x.example, b@x.example", Found(), "ada@customer.example", None, True),
    ],
)
def test_another_address_to_answer_to_counts_where_the_writer_is_proven(
    lines: str,
    checked: Found,
    address: str,
    reply_to: str | None,
    verified: bool,
) -> None:
    one = envelope(mail(lines), checked)
    assert (one.address, one.detail.get("reply_to"), one.verified) == (address, reply_to, verified)


@pytest.mark.parametrize("sender", ["noreply@forms.example", "help@shop.example"])
def test_behind_a_form_or_a_list_stands_who_is_to_be_answered_and_nothing_proves_it(sender: str) -> None:
    one = of(mail("Reply-To: Ada <ada@customer.example>", "List-Id: <help.shop.example>", sender=sender))
    assert (one.envelope.address, one.envelope.verified, one.envelope.automatic) == (
        "ada@customer.example",
        False,
        False,
    )


def test_machines_are_marked_and_so_is_whoever_writes_as_us() -> None:
    assert envelope(mail("Auto-Submitted: auto-replied")).automatic
    assert envelope(mail(sender="support@shop.example")).automatic
    assert of(mail("Precedence: bulk")).judgement.kind is Kind.BULK


def test_a_mail_of_nobody_is_for_a_person_and_cannot_be_answered_by_mail() -> None:
    one = envelope(b"Subject: ?\r\n\r\nWho am I?\r\n")
    assert one.address == "abc1@sender.invalid"
    assert not one.verified


def test_files_alone_are_for_a_person() -> None:
    raw = (
        b"From: ada@customer.example\r\nSubject: Photo\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\r\n"
        b'--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\nx\r\n'
        b"--b--\r\n"
    )
    assert envelope(raw).for_person == "files_only"


@pytest.mark.parametrize("label", ["DRAFT", "SPAM", "TRASH", "CHAT"])
def test_what_is_no_mail_for_us_is_nothing(label: str) -> None:
    assert understand(found(mail(), label, "INBOX"), OWN) is None


def test_our_own_copy_is_known_by_its_id_even_if_gmail_replaced_the_other() -> None:
    outbox = UUID(int=7)
    reply = Reply(outbox, "Hi", "My parcel", "ada@customer.example", "support@shop.example", "Shop", NOW, by_agent=True)
    raw = compose(reply)
    assert understand(found(raw, "SENT"), OWN) == OwnCopy(outbox)
    replaced = raw.replace(b"Message-ID: <csagent.", b"Message-ID: <CA")
    assert understand(found(replaced, "SENT"), OWN) == OwnCopy(outbox)


def test_a_forged_mark_of_ours_on_a_mail_that_came_in_means_nothing() -> None:
    assert isinstance(of(mail(f"X-Csagent-Id: {UUID(int=7).hex}")), Received)


def test_a_persons_mail_may_stand_in_the_talk_of_any_of_its_recipients() -> None:
    raw = mail("Cc: kim@shop.example, support@shop.example", sender="support@shop.example").replace(
        b"To: support@shop.example", b"To: ada@customer.example"
    )
    written = understand(found(raw, "SENT"), OWN)
    assert isinstance(written, WrittenByPerson)
    assert written.recipients == ("ada@customer.example", "kim@shop.example")
    assert "thread1 ada@customer.example" in written.talks
    assert "thread1 ada@customer.example unproven" in written.talks


def test_a_mail_that_breaks_us_is_for_a_person_with_the_original() -> None:
    one = unread(found(b"\xff"), "ValueError")
    assert one.for_person == "unreadable"
    assert one.original is not None
    assert one.original.data == b"\xff"
