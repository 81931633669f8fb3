# ruff: noqa: E501 - samples of bytes
"""Each parser of untrusted input, its samples, and what has to hold whatever goes in.

A target takes bytes and raises when something does not hold. A refusal that the parser documents is no failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from itertools import cycle, islice
from uuid import UUID

from channels.archive import inspect
from channels.attachments import SentFile, check, safe_name
from channels.envelope import Envelope
from channels.gmail.automatic import judge
from channels.gmail.bounce import headers_recipients, original_message_id, status_recipients
from channels.gmail.bounds import too_much
from channels.gmail.compose import Reply, compose
from channels.gmail.headers import decode_words
from channels.gmail.mail import MAX_CHARACTERS, MAX_ORIGINAL_CHARACTERS, read_mail
from channels.gmail.markup import html_text
from channels.gmail.quotes import newly_written
from channels.gmail.winmail import open_winmail
from channels.storable import storable
from channels.web.inbound import envelope, first_key
from channels.web.signature import TokenSigner
from channels.whatsapp.form import Form
from channels.whatsapp.inbound import received
from channels.whatsapp.signature import WebhookSignature
from channels.whatsapp.statuses import status_event
from channels.whatsapp.text import MAX_LENGTH, from_markdown, split
from infra.knowledge.docx import refuse_bomb
from infra.knowledge.fetching import checked_url
from infra.knowledge.robots import parse_robots
from infra.knowledge.sitemap import MOST_ADDRESSES, parse_sitemap
from infra.postgres.inbox import refuse_unstorable
from skills.adapt.cut import shortened
from skills.adapt.markup import shown
from skills.adapt.rules import ChannelRules, length_of
from skills.errors import InvalidMessageError, KnowledgeFileError, NotFoundError

_BORDER = b"\x1e"
"""Between the fields of a target that takes several."""
_TOKENS = TokenSigner(b"t" * 32)
_TWILIO = WebhookSignature(public_url="https://shop.example", secrets=("token",))
_MOST_NAME = 200


@dataclass(frozen=True, slots=True)
class Target:
    """A parser."""

    run: Callable[[bytes], None]
    samples: tuple[bytes, ...]
    """What it is made for: where changing begins."""


def _text(data: bytes) -> str:
    """Broken bytes become lone surrogates, which no text should have."""
    return data.decode("utf-8", "surrogateescape")


def _fields(data: bytes, count: int) -> list[str]:
    """So many texts, also surrogates and controls, whatever the bytes are."""
    pieces = [piece.decode("utf-8", "surrogateescape") for piece in data.split(_BORDER)]
    return list(islice(cycle(pieces), count))


def _fits_the_inbox(made: Envelope) -> None:
    refuse_unstorable(made.text)
    for text in (made.address, made.thread, made.provider_message_id):
        assert text, "a row needs it"
        assert text.isprintable(), f"not printable: {text!r}"
        assert len(text) <= 1_000, len(text)
    (made.name or "").encode()


def _mail(data: bytes) -> None:
    mail = read_mail(data)
    refuse_unstorable(mail.text)
    assert len(mail.text) <= MAX_CHARACTERS
    assert len(mail.original_text) <= MAX_ORIGINAL_CHARACTERS
    assert storable(mail.original_text) == mail.original_text
    for line in (mail.subject, *(value for _, value in mail.headers)):
        assert "\n" not in line
        assert "\r" not in line
    for address in (*mail.to, *mail.cc, *mail.reply_to, *([mail.sender] if mail.sender else [])):
        assert "\n" not in address.address + (address.name or "")
    for file in mail.attachments:
        assert "/" not in file.name
    judge(mail)


def _page(data: bytes) -> None:
    text = html_text(_text(data))
    assert len(text) <= 20 * len(data) + 1_000, "the text outgrows the page"
    html_text(_text(data), own_words=True)


def _quotes(data: bytes) -> None:
    text = _text(data)
    assert len(newly_written(text)) <= len(text)
    newly_written(text, forwarded=True)


def _winmail(data: bytes) -> None:
    opened = open_winmail(data)
    if opened is not None:
        assert sum(len(file.data) for file in opened.files) <= len(data)
        assert len(opened.text) <= 10 * len(data), "rich text that outgrows its packed form"


def _reports(data: bytes) -> None:
    text = _text(data)
    status_recipients(text)
    original_message_id(text)
    headers_recipients([text])
    decode_words(text)
    too_much(data)


def _composed(data: bytes) -> None:
    """Whatever a customer or an article says, a mail of ours has our headers and no others."""
    text, subject, to_name, from_name, signature, answered, reference = _fields(data, 7)
    reply = Reply(
        outbox_id=UUID(int=7),
        text=text,
        subject=subject,
        to_address="ada@example.com",
        to_name=to_name,
        from_address="help@shop.example",
        from_name=from_name,
        written_at=datetime(2026, 1, 1, tzinfo=UTC),
        by_agent=True,
        in_reply_to=answered,
        references=(reference, answered),
        signature=signature,
    )
    try:
        raw = compose(reply)
    except InvalidMessageError:
        return
    lines = raw.split(b"\r\n")
    assert raw.isascii()
    assert all(len(line) < 998 for line in lines)
    assert b"\n" not in b"".join(lines)
    assert b"\r" not in b"".join(lines)
    names = [name.lower() for name in message_from_bytes(raw, policy=policy.compat32)]
    assert len(names) == len(set(names)), names
    assert set(names) <= {
        *("from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted"),
        *(
            "x-csagent-id",
            "x-auto-response-suppress",
            "x-csagent-auto",
            "mime-version",
            "content-type",
            "content-transfer-encoding",
        ),
    }, names
    read_mail(raw)


def _file(data: bytes) -> None:
    name, _, rest = data.partition(_BORDER)
    kind, _, content = rest.partition(_BORDER)
    (judged,) = check([SentFile(_text(name), _text(kind), content)])
    assert judged.data in (b"", content)
    for safe in (judged.name, safe_name(_text(name), "text/plain")):
        assert 0 < len(safe.encode()) <= _MOST_NAME
        assert safe.isprintable()
        assert not set(safe) & set('/\\:"<>|?*'), safe
        assert safe not in {".", ".."}


def _archive(data: bytes) -> None:
    inspect(data)


def _whatsapp_message(data: bytes) -> None:
    with suppress(InvalidMessageError):
        got = received(Form.parse(data))
        _fits_the_inbox(got.envelope)
        assert all(alias.isprintable() for alias in got.aliases)


def _whatsapp_status(data: bytes) -> None:
    query, _, body = data.partition(_BORDER)
    with suppress(InvalidMessageError):
        status_event(Form.parse(body), query.decode("latin-1"))


def _whatsapp_signature(data: bytes) -> None:
    target, signature, kind, settings = _fields(data, 4)
    assert not _TWILIO.genuine(f"/{target}", data, signature, content_type=kind, settings=settings)


def _web_message(data: bytes) -> None:
    token, key, text, name = _fields(data, 4)
    with suppress(NotFoundError):
        _TOKENS.check(token)
    with suppress(InvalidMessageError):
        first_key(key)
    with suppress(InvalidMessageError):
        made = envelope(_TOKENS.issue(UUID(int=1)), text=text, idempotency_key=key, name=name)
        assert made.provider_message_id.isalnum()


def _markup(data: bytes) -> None:
    text = _text(data)
    for part in split(from_markdown(text)):
        assert 0 < length_of(part) <= MAX_LENGTH
    rules = ChannelRules()
    for rule in (*rules.by_channel.values(), rules.other):
        shown(text, rule).encode()
    for room in (0, 1, 40):
        assert length_of(shortened(text, room)) <= room


_MAIL = (
    b"From: Ada <ada@example.com>\r\nTo: help@shop.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@e.x>\r\n"
    b"References: <0@e.x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
    b"multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n\r\n-- \r\nAda\r\n"
    b"--a\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Hello=20</p>\r\n--a--\r\n--b\r\n"
    b'Content-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n'
)
_REPORT = (
    b"Return-Path: <>\r\nFrom: MAILER-DAEMON@x.example\r\nAuto-Submitted: auto-replied\r\nContent-Type: multipart/report; "
    b"report-type=delivery-status; boundary=r\r\n\r\n--r\r\n\r\nIt failed.\r\n--r\r\nContent-Type: message/delivery-status"
    b"\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; ada@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n--r\r\n"
    b"Content-Type: message/rfc822\r\n\r\nMessage-ID: <csagent.00000000000000000000000000000007@shop.example>\r\n\r\n--r--\r\n"
)
_WINMAIL = (
    b"\x78\x9f\x3e\x22\x01\x00\x01\x03\x90\x06\x00\x10\x00\x00\x00\x01\x00\x00\x00\x1f\x00\x00\x10\x01\x00\x00\x00"
    b"\x04\x00\x00\x00\x00\x00\x02\x0f\x80\x06\x00\x04\x00\x00\x00file\x00\x00"
)
_ZIP = (
    b"PK\x03\x04\n\x00\x00\x00\x00\x00\x00\x00!\x00\x86\xa6\x106\x05\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00ahelloPK\x01\x02"
    b"\x14\x03\n\x00\x00\x00\x00\x00\x00\x00!\x00\x86\xa6\x106\x05\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"
    b"\x00\x00\x00\x00\x80\x01\x00\x00\x00\x00aPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00/\x00\x00\x00$\x00\x00\x00\x00\x00"
)
_FORM = (
    b"MessageSid=SM00000000000000000000000000000001&From=whatsapp%3A%2B4915550001&To=whatsapp%3A%2B4930555&Body=Hello&WaId="
    b"4915550001&ProfileName=Ada&NumMedia=1&MediaUrl0=https%3A%2F%2Fapi.example%2Fm&MediaContentType0=image%2Fpng&Latitude=1"
    b"&Longitude=2&Label=Home&MessageType=text&MessageStatus=failed&ErrorCode=63016"
)
_HTML = b'<div>Hi<br><a href="https://a.example">there</a></div><blockquote class="gmail_quote">On Monday<p>x</p></blockquote>'
_QUOTED = b"Thank you!\n\nOn Mon, 2 Mar 2026 at 10:00, Shop <help@shop.example> wrote:\n> Hello\n> Ada\n\n-- \nAda\n"
_MARKDOWN = b"# T\n* **a** _b_ [c](https://a.example/_x_)\n> q\n| a | b |\n```\nc\n```\n\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 1\xef\xb8\x8f\xe2\x83\xa3"


def _sitemap(data: bytes) -> None:
    with suppress(KnowledgeFileError):
        assert len(parse_sitemap(data).addresses) <= MOST_ADDRESSES


def _robots(data: bytes) -> None:
    rules, path = _fields(data, 2)
    parse_robots(rules, "csagent").allows(f"https://help.example/{path}")


def _address(data: bytes) -> None:
    with suppress(KnowledgeFileError):
        url = checked_url(_text(data))
        assert url.isascii()
        assert checked_url(url) == url


def _word_file(data: bytes) -> None:
    with suppress(KnowledgeFileError):
        refuse_bomb(data)


TARGETS: Mapping[str, Target] = {
    "mail": Target(_mail, (_MAIL, _REPORT)),
    "html": Target(_page, (_HTML,)),
    "quotes": Target(_quotes, (_QUOTED,)),
    "winmail": Target(_winmail, (_WINMAIL,)),
    "reports": Target(
        _reports,
        (
            _REPORT,
            b"Content-Type: \x8e\xd0\x8d\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed",
            b"=?utf-8?b?w5w=?= Final-Recipient: rfc822; a@b.example",
        ),
    ),
    "composed": Target(
        _composed, (b"Text\x1eSubject\x1eAda\x1eShop\x1eSignature\x1e<1@e.x>\x1e<2@e.x>", b"a\r\nBcc: b@c.example")
    ),
    "file": Target(_file, (b"a.pdf\x1eapplication/pdf\x1e%PDF-1.4", b"../a.docx\x1eapplication/zip\x1e" + _ZIP)),
    "archive": Target(_archive, (_ZIP,)),
    "whatsapp message": Target(_whatsapp_message, (_FORM, _FORM.replace(b"%2B4930555", b"%1F"))),
    "whatsapp status": Target(_whatsapp_status, (b"delivery=00000000-0000-0000-0000-000000000007&part=1\x1e" + _FORM,)),
    "whatsapp signature": Target(
        _whatsapp_signature, (b"hook?x=1\x1eabc=\x1eapplication/json\x1ealg=HMAC-SHA256", _FORM)
    ),
    "web message": Target(_web_message, (b"ct_AAAA\x1e00000000-0000-0000-0000-000000000001\x1eHello\x1eAda",)),
    "markup": Target(_markup, (_MARKDOWN,)),
    "sitemap": Target(_sitemap, (b"<urlset><url><loc>https://a.example/</loc></url></urlset>", b"<sitemapindex/>")),
    "robots": Target(_robots, (b"User-agent: *\nDisallow: /*.pdf$\nAllow: /a\x1ea/b.pdf",)),
    "address": Target(_address, (b"https://help.example:443/a b?c#d", "https://hélp.example/é".encode())),
    "word file": Target(_word_file, (_ZIP,)),
}
