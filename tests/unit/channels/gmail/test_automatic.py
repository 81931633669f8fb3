# ruff: noqa: RUF001 - words of many languages
"""Who wrote: people are answered, machines never."""

from __future__ import annotations

import pytest

from channels.gmail.automatic import Kind, judge
from channels.gmail.bounce import FailedRecipient
from channels.gmail.mail import Mail, read_mail


def mail(*lines: str, sender: str = "ada@example.com", subject: str = "My order") -> Mail:
    head = [f"From: {sender}", f"Subject: {subject}", *lines]
    return read_mail(("\r\n".join(head) + "\r\n\r\nHi").encode())


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Auto-Submitted: no",),
        ("Return-Path: <ada@example.com>",),
        ("X-Auto-Response-Suppress: DR, RN, NRN",),
        ("Precedence: normal",),
        ("X-Autoreply: no",),
    ],
)
def test_a_mail_without_a_sign_is_a_persons(lines: tuple[str, ...]) -> None:
    assert judge(mail(*lines)).kind is Kind.PERSON


@pytest.mark.parametrize(
    "subject", ["Out of office chairs", "Absence of a reply", "Automatic door is broken", "Re: Autobahn"]
)
def test_a_subject_that_only_begins_alike_is_a_persons(subject: str) -> None:
    assert judge(mail(subject=subject)).kind is Kind.PERSON


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Auto-Submitted: auto-replied (vacation)", "Auto-Submitted: auto-replied (vacation)"),
        ("Auto-Submitted: auto-generated; x=y", "Auto-Submitted: auto-generated"),
        ("Precedence: auto_reply", "Precedence: auto_reply"),
        ("X-Auto-Response-Suppress: All", "X-Auto-Response-Suppress asks for no answer"),
        ("X-Auto-Response-Suppress: DR, AutoReply", "X-Auto-Response-Suppress asks for no answer"),
        ("X-Autoreply: yes", "x-autoreply is set"),
        ("X-Csagent-Auto: reply", "written by an agent of this product"),
        ("Return-Path: <>", "an empty return path"),
    ],
)
def test_a_machine_says_so_in_its_headers(line: str, reason: str) -> None:
    judgement = judge(mail(line))
    assert (judgement.kind, judgement.reason) == (Kind.AUTOMATIC, reason)


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: My order",
        "Out of Office",
        "Out of the office: back on Monday",
        "Re: Out of Office Re: order",
        "Abwesenheitsnotiz: Bestellung",
        "Automatische Antwort: x",
        "Réponse automatique : x",
        "Respuesta automática: x",
        "Risposta automatica: x",
        "Resposta automática: x",
        "Automatisch antwoord: x",
        "Autosvar: x",
        "Automatiskt svar: x",
        "Automaattinen vastaus: x",
        "Odpowiedź automatyczna: x",
        "Automatická odpověď: x",
        "Автоответ: x",
        "自动回复: x",
        "自動返信: x",
        "자동 회신: x",
        "Otomatik yanıt: x",
    ],
)
def test_an_out_of_office_note_is_known_by_its_subject(subject: str) -> None:
    assert judge(mail(subject=subject)).kind is Kind.AUTOMATIC


@pytest.mark.parametrize(
    "sender", ["no-reply@x.example", "noreply+abc@x.example", "do_not_reply@x.example", "bounce-1@x.example"]
)
def test_nobody_reads_what_goes_to_a_robot(sender: str) -> None:
    assert judge(mail(sender=sender)).kind is Kind.AUTOMATIC


def test_a_contact_form_that_writes_for_a_person_is_a_persons() -> None:
    assert judge(mail("Reply-To: ada@example.com", sender="noreply@shop.example")).kind is Kind.PERSON
    assert judge(mail("Reply-To: noreply@example.com", sender="noreply@shop.example")).kind is Kind.AUTOMATIC


@pytest.mark.parametrize(
    "line",
    ["Precedence: bulk", "Precedence: JUNK", "List-Id: <news.x.example>", "List-Unsubscribe: <https://x.example>"],
)
def test_a_newsletter_is_bulk(line: str) -> None:
    assert judge(mail(line)).kind is Kind.BULK


def test_a_list_that_is_the_companys_own_address_carries_people() -> None:
    read = mail("List-Id: Help <help.shop.example>", "Precedence: list", "List-Unsubscribe: <https://x.example>")
    assert judge(read).kind is Kind.BULK
    assert judge(read, own_lists={"help.shop.example"}).kind is Kind.PERSON


def report(status: str, original: str, kind: str = "delivery-status") -> Mail:
    return read_mail(
        f"""Return-Path: <>
From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>
Subject: Delivery Status Notification (Failure)
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type={kind}; boundary=b

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/{kind}

{status}
--b
{original}
--b--
""".encode()
    )


STATUS = (
    "Reporting-MTA: dns; mx.example\n\n"
    "Final-Recipient: rfc822; Ada@Example.com\nAction: {}\nStatus: {}\nDiagnostic-Code: smtp; {}\n"
)
WHOLE = "Content-Type: message/rfc822\n\nMessage-ID: <csagent.1@shop.example>\nSubject: Re: x\n\nOur text"
HEAD = "Content-Type: text/rfc822-headers\n\nSubject: Re: x\nMessage-ID: <csagent.1@shop.example>\n"


@pytest.mark.parametrize("original", [WHOLE, HEAD])
def test_a_delivery_report_tells_what_failed_at_whom_and_for_good(original: str) -> None:
    read = report(STATUS.format("failed", "5.1.1", "550 no such user"), original)
    assert judge(read).kind is Kind.BOUNCE
    assert read.bounce is not None
    assert read.bounce.original_message_id == "<csagent.1@shop.example>"
    assert read.bounce.recipients == (FailedRecipient("ada@example.com", "5.1.1", True, "smtp; 550 no such user"),)
    assert read.bounce.permanent
    assert read.text == "It could not be delivered."


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("failed", "4.2.2")])
def test_a_delay_is_not_for_good(action: str, status: str) -> None:
    read = report(STATUS.format(action, status, "later"), WHOLE)
    assert read.bounce is not None
    assert not read.bounce.permanent


def test_a_report_that_all_went_well_is_no_bounce() -> None:
    read = report(STATUS.format("delivered", "2.0.0", "ok"), WHOLE)
    assert read.bounce is None
    assert judge(read).kind is Kind.AUTOMATIC


def test_a_read_receipt_is_no_bounce() -> None:
    read = report("Disposition: manual-action/MDN-sent-manually; displayed", WHOLE, kind="disposition-notification")
    assert (read.bounce, judge(read).kind, judge(read).reason) == (
        None,
        Kind.AUTOMATIC,
        "a report: disposition-notification",
    )


def test_a_server_without_proper_reports_is_understood_too() -> None:
    read = read_mail(
        b"From: Mail System <x@mx.example>\r\nX-Failed-Recipients: ada@example.com, bob@example.com\r\n"
        b"Subject: Mail delivery failed\r\n\r\nYour mail:\r\nMessage-ID: <csagent.1@shop.example>\r\n"
    )
    assert judge(read).kind is Kind.BOUNCE
    assert read.bounce is not None
    assert (read.bounce.original_message_id, read.bounce.permanent) == ("<csagent.1@shop.example>", True)
    assert [recipient.address for recipient in read.bounce.recipients] == ["ada@example.com", "bob@example.com"]


def test_a_server_is_known_by_its_name_or_by_what_it_says() -> None:
    assert judge(mail(sender="postmaster@mx.example")).kind is Kind.BOUNCE
    assert judge(mail("Return-Path: <>", subject="Undeliverable: Re: x")).kind is Kind.BOUNCE
