from __future__ import annotations

import threading
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evals.emulators.gmail.correspondent import out_of_office
from evals.emulators.gmail.discovery import problems
from evals.emulators.gmail.emulator import GmailEmulator
from evals.emulators.gmail.mailbox import Mailbox
from evals.emulators.gmail.message import Mail
from evals.emulators.gmail.refusals import Refusal
from tests.unit.evals.emulators.gmail_clients import CUSTOMER, a_mail, an_answer

EVERYTHING: frozenset[str] = frozenset()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox("support@shop.example", threading.Condition())


@pytest.mark.parametrize(
    ("subject", "answers", "joins"),
    [
        ("Re: Where is my parcel?", "<1@customer.example>", True),
        ("AW: RE: where is  my parcel?", "<1@customer.example>", True),
        ("Where is my refund?", "<1@customer.example>", False),
        ("Re: Where is my parcel?", "<other@customer.example>", False),
        ("Re: Where is my parcel?", None, False),
    ],
)
def test_a_mail_joins_a_thread_by_its_references_and_its_subject(
    mailbox: Mailbox, subject: str, answers: str | None, joins: bool
) -> None:
    first = mailbox.deliver(a_mail())
    came = mailbox.get(mailbox.deliver(a_mail(subject, message_id="<2@customer.example>", answers=answers)))
    assert (came.thread_id == first) is joins
    sent = mailbox.send(an_answer(subject, answers), first)
    assert (sent.thread_id == first) is joins
    assert (mailbox.get(mailbox.send_as_person(an_answer(subject, answers))).thread_id == first) is joins


def test_a_client_that_names_no_thread_begins_one(mailbox: Mailbox) -> None:
    first = mailbox.deliver(a_mail())
    assert mailbox.send(an_answer()).thread_id != first


def test_what_the_header_lacks_is_put_in(mailbox: Mailbox) -> None:
    mailbox.send(b"To: ana@customer.example\n\nHello")
    (sent,) = mailbox.sent
    assert b"\r\nFrom: support@shop.example\r\nDate: " in sent.raw
    assert str(sent.identity.message_id).endswith("@mail.gmail.com>")
    assert not sent.by_person


@pytest.mark.parametrize("given_id", ["", "nonsense", "<no-at>", "<@x>", "a@b", "<a @b>"])
def test_a_message_id_that_is_none_is_replaced(mailbox: Mailbox, given_id: str) -> None:
    mailbox.send(f"Message-Id: {given_id}\r\nTo: {CUSTOMER}\r\n\r\nMessage-ID: in the text".encode())
    (sent,) = mailbox.sent
    assert str(sent.identity.message_id).endswith("@mail.gmail.com>")
    assert (f"X-Google-Original-Message-ID: {given_id}".encode() in sent.raw) is bool(given_id)
    assert sent.raw.endswith(b"Message-ID: in the text")


def test_gmail_may_replace_good_message_ids_too(mailbox: Mailbox) -> None:
    mailbox.rewrites_message_ids = True
    mailbox.send(an_answer())
    assert mailbox.sent[0].identity.message_id != "<a1@shop.example>"
    assert b"X-Google-Original-Message-ID: <a1@shop.example>" in mailbox.sent[0].raw


def test_a_mail_to_oneself_comes_in_too(mailbox: Mailbox) -> None:
    assert mailbox.send(a_mail(to="Support@Shop.example")).labels == {"SENT", "INBOX", "UNREAD"}


def test_a_mail_that_weighs_too_much_is_refused(mailbox: Mailbox) -> None:
    with pytest.raises(Refusal, match="too large") as refused:
        mailbox.send(b"To: a@b.example\n\n" + b"x" * 36_700_160)
    assert refused.value.status == 413


def test_what_a_person_does_is_in_the_history(mailbox: Mailbox) -> None:
    start = str(mailbox.history.current)
    draft = mailbox.save_draft(an_answer())
    sent = mailbox.send_as_person(an_answer())
    mailbox.relabel(sent, ["STARRED"], [])
    mailbox.delete(draft)
    records = mailbox.changes(start, frozenset(), None, None, 100)["history"]
    assert [sorted(set(record) - {"id", "messages"}) for record in records] == [
        ["messagesAdded"],
        ["messagesAdded"],
        ["labelsAdded"],
        ["messagesDeleted"],
    ]
    assert records[0]["messagesAdded"][0]["message"]["labelIds"] == ["DRAFT"]
    assert [sent.by_person for sent in mailbox.sent] == [True]
    ids = [int(record["id"]) for record in records]
    assert ids == sorted(set(ids))


def test_a_page_of_history_may_be_empty_and_have_a_next_one(mailbox: Mailbox) -> None:
    start = str(mailbox.history.current)
    first = mailbox.deliver(a_mail())
    mailbox.relabel(first, [], ["UNREAD"])
    mailbox.deliver(a_mail(), labels=["SPAM"])
    added: Any = frozenset({"messageAdded"})
    pages, page = [], None
    while True:
        answer = mailbox.changes(start, added, "INBOX", page, 1)
        pages.append("history" in answer)
        page = answer.get("nextPageToken")
        if page is None:
            break
    assert pages == [True, False, False]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", "inbox sent draft"),
        ("in:inbox", "inbox"),
        ("in:sent", "sent"),
        ("in:drafts", "draft"),
        ("in:trash", "trash"),
        ("in:anywhere", "inbox sent draft trash"),
        ("is:unread", "inbox"),
        ("is:read", "sent draft"),
        ("is:starred", ""),
        ("-in:sent -in:drafts", "inbox"),
        ("from:ana@customer.example", "inbox"),
        ("to:ana", "sent draft"),
        ("rfc822msgid:<a1@shop.example>", "sent draft"),
        ("rfc822msgid:a1@shop.example in:sent", "sent"),
        ("after:2020/01/01", "inbox sent draft"),
        ("after:4000000000", ""),
        ("before:2020-01-01", ""),
        ("newer_than:1d", "inbox sent draft"),
        ("older_than:1d", ""),
    ],
)
def test_mails_are_searched(mailbox: Mailbox, q: str, found: str) -> None:
    names = {
        mailbox.deliver(a_mail()): "inbox",
        mailbox.send(an_answer()).id: "sent",
        mailbox.save_draft(an_answer()): "draft",
        mailbox.deliver(a_mail(), labels=["TRASH"]): "trash",
    }
    mails, _, total = mailbox.page(q, EVERYTHING, None, 100, hidden=False)
    assert [names[mail.id] for mail in reversed(mails)] == found.split()
    assert total == len(mails)


@pytest.mark.parametrize(
    "q", ["parcel", "in:", "in:chats", "is:muted", "after:soon", "newer_than:2w", "has:attachment"]
)
def test_what_cannot_be_searched_for_is_refused(mailbox: Mailbox, q: str) -> None:
    with pytest.raises(Refusal, match="can't search") as refused:
        mailbox.page(q, EVERYTHING, None, 100, hidden=False)
    assert refused.value.status == 400


def test_spam_is_shown_to_who_asks_for_it(mailbox: Mailbox) -> None:
    mailbox.deliver(a_mail(), labels=["SPAM"])
    assert [
        mailbox.page("", labels, None, 100, hidden=hidden)[2]
        for labels, hidden in ((EVERYTHING, False), (EVERYTHING, True), (frozenset({"SPAM"}), False))
    ] == [0, 1, 1]


def test_a_snippet_is_what_a_reader_sees_first(mailbox: Mailbox) -> None:
    mail = EmailMessage()
    mail.set_content("<style>p{}</style><p>It's <b>late</b>\n &amp; cold</p>", subtype="html")
    shown = mailbox.get(mailbox.deliver(mail.as_bytes())).resource("minimal")
    assert shown["snippet"] == "It&#x27;s late &amp; cold"


LINES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [
                b"Subject: =?utf-8?b?//8=?= =?x-none?q?a?= =?utf-8?b?a?=",
                b"From: \xff\xfe <a@b>, ,@",
                b'To: a@b, "x',
                b"Content-Type: multipart/mixed; boundary=x",
                b"Content-Type: message/rfc822",
                b"Content-Type: text/plain; charset=none; name*=none''%ff",
                b"Content-Disposition: attachment; filename*0*=x''%; filename*2=b",
                b"Content-Transfer-Encoding: base64",
                b"Content-Transfer-Encoding: x-uuencode",
                b"--x",
                b"--x--",
                b"",
            ]
        ),
    ),
    max_size=14,
)


@given(LINES)
@example([b"Content-Type: message/rfc822", b"", b"Subject: \xff", b"", b"\xff"])
def test_whatever_comes_in_is_shown_in_shape(lines: list[bytes]) -> None:
    raw = b"\r\n".join(lines)
    mail = Mail("1", "1", raw, {"INBOX"}, 0, 1)
    for form in ("minimal", "metadata", "full", "raw"):
        assert problems("Message", mail.resource(form)) == []
    repr(mail.resource("full")).encode()


def test_two_machines_answer_each_other_until_one_has_enough() -> None:
    with GmailEmulator() as gmail:
        gmail.answer_with(out_of_office, most=3)
        for number in range(4):
            gmail.mailbox.send(an_answer(f"Parcel {number}", answers=None))
        gmail.wait_until(lambda: len(gmail.mailbox.mails) == 7, what="three answers")
        answers = [mail for mail in gmail.mailbox.mails if "INBOX" in mail.labels]
    assert {mail.identity.sender for mail in answers} == {CUSTOMER}
    assert {mail.parsed["Auto-Submitted"] for mail in answers} == {"auto-replied"}
    assert len({mail.thread_id for mail in answers}) == 3
    assert all(mail.thread_id != mail.id for mail in answers)


def test_a_machine_may_not_say_that_it_is_one(mailbox: Mailbox) -> None:
    mailbox.send(an_answer())
    assert b"Auto-Submitted" not in out_of_office(mailbox.sent[0], marked=False)


def test_nobody_has_to_answer() -> None:
    asked = threading.Event()
    with GmailEmulator() as gmail:
        gmail.answer_with(lambda _: asked.set())
        gmail.mailbox.send(an_answer())
        assert asked.wait(5)
        assert len(gmail.mailbox.mails) == 1
