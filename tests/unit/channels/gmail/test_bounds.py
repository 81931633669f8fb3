"""Mails made to hurt: told by counting, read up to limits, and any bytes at all are a mail."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.gmail.bounds import MAX_CONTAINERS
from channels.gmail.headers import Address
from channels.gmail.mail import MAX_CHARACTERS, Mail, read_mail
from infra.postgres.inbox import refuse_unstorable

HEADERS = (
    b"From: Ada Example <Ada@Example.COM>\r\nTo: help@shop.example\r\nSubject: My order\r\n"
    b"Message-ID: <1@example.com>\r\n"
)
TEXT = b"text/plain; charset=utf-8"


def mail(body: bytes, *lines: bytes, headers: bytes = HEADERS) -> Mail:
    return read_mail(headers + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body.replace(b"\n", b"\r\n"))


def multipart(kind: bytes, *parts: bytes, boundary: bytes = b"edge") -> bytes:
    joined = b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
    return b'Content-Type: multipart/%s; boundary="%s"\n\n%s--%s--\n' % (kind, boundary, joined, boundary)


def whole(kind: bytes, *parts: bytes) -> Mail:
    return read_mail((HEADERS + multipart(kind, *parts)).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def part(kind: bytes, body: bytes, *lines: bytes) -> bytes:
    return b"Content-Type: " + kind + b"\n" + b"".join(line + b"\n" for line in lines) + b"\n" + body


def nested(depth: int) -> bytes:
    return HEADERS.replace(b"\r\n", b"\n") + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth)
    )


def test_a_mail_of_too_many_parts_inside_each_other_is_for_a_person() -> None:
    read = read_mail(nested(MAX_CONTAINERS + 1))
    assert read.unreadable == "it has more than 100 parts inside each other"
    assert read.sender == Address("ada@example.com", "Ada Example")
    assert "could not be read" in read.text
    assert read.original_text.startswith("From: Ada")


def test_what_a_limit_leaves_out_is_said() -> None:
    deep = read_mail(nested(50))
    assert deep.notes == ("Parts inside of more than 20 others were not read.",)
    assert deep.unreadable == "nothing is left of it within our limits"
    assert whole(b"mixed", *[part(TEXT, b"x")] * 400).notes == (
        "The mail has more than 300 parts; the others were not read.",
    )


def test_a_mail_beyond_every_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.gmail.bounds.MAX_MAIL_BYTES", 100)
    assert mail(b"x" * 200).unreadable == "it has more than 0 MB"


BOMBS = {
    "lines": b"\n" * 1_000_001,
    "parts": multipart(b"mixed", *[b""] * 20_001),
    "types": multipart(b"mixed", *[b"Content-Type: a/b\n"] * 1_001),
    "header lines": b"a: b\n" * 50_001,
    "parameters": b'Content-Type: text/plain; a="' + b";" * 5_000 + b"\n\n",
    "folded parameters": b"Content-Type: text/plain;\n" + b" a=b;\n" * 1_000 + b"\n\n",
    "lines in parts": nested(50) + b"\n" * 500_000,
}


@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_told_by_counting_and_not_parsed(body: bytes) -> None:
    began = time.process_time()
    read = read_mail(HEADERS.replace(b"\r\n", b"\n") + body)
    assert read.unreadable is not None
    assert read.unreadable.startswith(("it has", "a header line"))
    assert read.sender == Address("ada@example.com", "Ada Example")
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    "value",
    [
        b"(" * 16_000,
        b'"' * 16_000,
        b"<" * 16_000,
        b"," * 16_000,
        b"=?" * 8_000,
        b"=?a?q?x?= " * 1_600,
        b"a@b," * 4_000,
        b"\\" * 16_000,
    ],
)
def test_a_header_made_to_hurt_takes_no_long_time(value: bytes) -> None:
    began = time.process_time()
    mail(b"hi", *(name + value for name in (b"From: ", b"Subject: ", b"References: ", b"Date: ", b"To: ")), headers=b"")
    assert time.process_time() - began < 3


def test_a_large_honest_mail_is_read() -> None:
    data = base64.encodebytes(b"%PDF-1.7\n" + b"x" * 15_000_000)
    read = whole(
        b"mixed",
        part(TEXT, b"See this"),
        part(b"application/pdf; name=a.pdf", data, b"Content-Transfer-Encoding: base64"),
    )
    assert (read.text, read.attachments[0].size, read.attachments[0].refusal) == ("See this", 15_000_009, None)


def test_very_long_texts_are_read_up_to_a_limit() -> None:
    read = whole(b"mixed", part(TEXT, b"words " * 150_000), part(TEXT, b"words " * 150_000))
    assert read.notes == ("The text of the mail is too long; the rest was not read.",)
    assert len(read.text) <= MAX_CHARACTERS


PIECES = st.sampled_from(
    [
        b"From: a@b.c\r\n",
        b"Subject: =?utf-8?b?",
        b"=?x?q?=\xff?=",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b'Content-Type: multipart/alternative; boundary="\r\n',
        b"Content-Type: text/html; charset=\r\n",
        b"\r\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: uuencode\r\n",
        b"begin 6\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: message/delivery-status\r\n",
        b"Content-Type: text/plain;",
        b"Content-Type: multipart/report; report-type=x; boundary=b\r\n",
        b"Content-Disposition: attachment; filename*0*=",
        b"Content-Type: application/ms-tnef\r\n",
        b"\x78\x9f\x3e\x22\x00\x00\x01",
        b"<table><td><a href='",
        b"> x\r\n",
        b"On 1 May 2026 10:00 a <a@b.c> wrote:\r\n",
        b"Date: ",
        b"References: <",
        b"charset*=utf-16''%ff",
        b"\x00",
        b"=00",
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300) | st.lists(PIECES | st.binary(max_size=20), max_size=30).map(b"".join))
def test_any_bytes_are_a_mail_that_can_be_stored(raw: bytes) -> None:
    read = read_mail(raw)
    refuse_unstorable(read.text)
    texts = (read.original_text, read.subject, read.message_id or "", *(file.name for file in read.attachments))
    for text in texts:
        assert "\0" not in text
        text.encode()
    for address in (read.sender, *read.to, *read.cc, *read.reply_to):
        if address is not None:
            (address.address + (address.name or "")).encode()
