"""Whose word counts about where a mail came from: Gmail's, the first, and nothing that a sender can write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.gmail.mail import read_mail
from channels.gmail.proof import proven
from evals.emulators.gmail.reception import Found, received

MAIL = b"From: Ada <ada@customer.example>\r\nTo: support@shop.example\r\nSubject: Hi\r\n\r\nHello.\r\n"


def said(*lines: str, sender: str = "ada@customer.example") -> bool:
    head = "".join(f"Authentication-Results: {line}\r\n" for line in lines)
    return proven(read_mail(f"{head}From: {sender}\r\n\r\nHello.\r\n".encode()))


@pytest.mark.parametrize(
    ("found", "is_proven"),
    [
        (Found(), True),
        (Found(dmarc="fail"), False),
        (Found(dmarc="none"), False),
        (Found(dmarc="fail", spf="pass", dkim="pass"), False),
        (Found(dmarc=None), True),
        (Found(dmarc=None, spf="fail"), True),
        (Found(dmarc=None, dkim=None), True),
        (Found(dmarc=None, dkim="fail", spf="fail"), False),
        (Found(dmarc=None, domain="bulk.example"), False),
        (Found(dmarc=None, dkim=None, null_sender=True), True),
    ],
)
def test_what_gmail_found_decides(found: Found, is_proven: bool) -> None:
    assert proven(read_mail(received(MAIL, found))) is is_proven


def test_without_a_word_of_gmails_nothing_is_proven() -> None:
    assert not proven(read_mail(MAIL))
    assert not said("mx.elsewhere.example; dmarc=pass header.from=customer.example")
    assert not said("mx.google.com.evil.example; dmarc=pass header.from=customer.example")


def test_only_the_first_word_counts_for_a_sender_can_write_more_below() -> None:
    true = "mx.google.com; dmarc=fail header.from=customer.example"
    forged = "mx.google.com; dmarc=pass header.from=customer.example"
    assert not said(true, forged)
    assert said(forged, true)


@pytest.mark.parametrize(
    "line",
    [
        "mx.google.com; spf=pass (a comment; dmarc=pass header.from=customer.example) smtp.mailfrom=x@evil.example",
        'mx.google.com; spf=pass smtp.mailfrom="; dmarc=pass header.from=customer.example"@evil.example',
        "mx.google.com; spf=fail (a \\) dkim=pass header.d=customer.example) smtp.mailfrom=x@evil.example",
        "mx.google.com; spf=pass (never ends; dmarc=pass header.from=customer.example",
        "mx.google.com; spf=pass ) smtp.mailfrom=x@customer.example",
        'mx.google.com; dkim=pass header.d="customer.example',
        "mx.google.com; dmarc=pass header.from=other.example; dmarc=pass header.from=customer.example",
        "mx.google.com; dmarc=pass",
        "mx.google.com; dkim=pass header.d=example",
        "mx.google.com; dkim=pass header.d=tomer.example",
        "mx.google.com; dmarc=passed header.from=customer.example",
        "mx.google.com",
        "",
    ],
)
def test_what_is_odd_proves_nothing(line: str) -> None:
    assert not said(line)


def test_a_domain_above_the_senders_speaks_for_it_and_one_beside_it_does_not() -> None:
    line = "mx.google.com; dkim=pass header.i=@customer.example"
    assert said(line, sender="ada@mail.customer.example")
    assert not said(line, sender="ada@othercustomer.example")
    assert said("mx.google.com; SPF=Pass smtp.mailfrom=Bounce@CUSTOMER.example", sender="Ada@Customer.Example")


def test_two_senders_are_none() -> None:
    assert not said(
        "mx.google.com; dmarc=pass header.from=customer.example", sender="ada@customer.example, b@c.example"
    )


@given(st.text(max_size=300))
def test_any_text_at_all_is_judged_without_an_error(line: str) -> None:
    raw = f"Authentication-Results: mx.google.com; {line}\r\nFrom: ada@customer.example\r\n\r\nHi\r\n"
    assert proven(read_mail(raw.encode("utf-8", "replace"))) in {True, False}
