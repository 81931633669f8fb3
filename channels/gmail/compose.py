# ruff: noqa: RUF001 - words of many languages
"""From a reply to the bytes of a mail.

The same reply always gives the same bytes: its Message-ID and its boundary are made of the outbox row's id. So a copy
found in the mailbox, or a report about it, is known to be ours.

The header lines are written here and not by the standard library's folding, which breaks long message ids and quotes
some names wrongly. The text goes out as quoted-printable with whole paragraphs as lines: every program wraps them to
its window. Lines wrapped by us come out ragged on phones, and format=flowed, made to heal that, is not understood by
Gmail nor by Outlook.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from channels.attachments import safe_name
from channels.envelope import File
from channels.gmail.automatic import OWN_MARK
from channels.gmail.headers import MAX_NAME
from channels.gmail.text import one_line
from channels.storable import storable
from skills.errors import InvalidMessageError

OWN_ID = "X-Csagent-Id"
"""A header with the outbox row's id. It says what the Message-ID says, and stays if Gmail replaces that one."""
MAX_SUBJECT = 250
MAX_REFERENCES = 20
MAX_REFERENCES_BYTES = 900
"""A line may have 998 bytes (RFC 5322); not every program folds this one well."""

_REPLY_PREFIX = re.compile(
    r"(?:re|aw|antw|antwort|sv|vs|vá|odp|odg|ynt|yan|res|rif|r|ref|ang|bls|atb|απ|σχετ|отв|ответ|відп|回复|回覆|答复|返信|답장|"
    r"תשובה|השב|رد)\s?(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?\s?[:：]\s*",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_OWN_ID = re.compile(r"<csagent\.([0-9a-f]{32})@[^<>\s]{1,255}>", re.IGNORECASE)
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?", re.IGNORECASE)
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_LINK = re.compile(r"https?://[^\s<>\"']{1,2000}[^\s<>\"'.,;:!?)\]}»”’]")
_PLAIN_NAME = re.compile(r"[ !#-\[\]-~]{1,60}")
_PLAIN_SUBJECT = re.compile(r"[ -~]{1,66}")


@dataclass(frozen=True, slots=True)
class Reply:
    """A text for a customer, and what it answers."""

    outbox_id: UUID
    text: str
    subject: str
    """Of the mail that is answered."""
    to_address: str
    from_address: str
    from_name: str
    written_at: datetime
    by_agent: bool
    """Whether the agent wrote it. What a person wrote or approved word by word carries no mark of a machine."""
    to_name: str = ""
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    signature: str = ""
    """The company's, in plain text."""
    files: tuple[File, ...] = ()
    """What goes along. One without content is left out."""
    answers: bool = True
    """Whether it is an answer, with ``Re:`` before the subject; otherwise the subject stands as it is."""


def message_id(outbox_id: UUID, domain: str) -> str:
    """The Message-ID of an outbox row's mail.

    Raises:
        InvalidMessageError: that is no domain.
    """
    return f"<csagent.{outbox_id.hex}@{_domain(domain)}>"


def outbox_id(text: str | None) -> UUID | None:
    """Which outbox row a Message-ID names; ``None`` if it is none of ours. Whether it exists, only the outbox knows."""
    found = _OWN_ID.fullmatch((text or "").strip())
    return UUID(found[1]) if found else None


def reply_subject(subject: str) -> str:
    """The subject with ``Re:`` once, whatever language's prefixes it had; one line."""
    rest = one_line(subject, MAX_SUBJECT)
    while True:
        shorter = _REPLY_PREFIX.sub("", rest, count=1) if _REPLY_PREFIX.match(rest) else rest
        if shorter == rest:
            return f"Re: {rest}".rstrip()
        rest = shorter


def compose(reply: Reply) -> bytes:
    """The mail, in bytes below 128 with lines under 998, ready for Gmail's ``raw``.

    Raises:
        InvalidMessageError: an address that no mail can be sent to (or from) in plain ASCII, or an empty text.
    """
    text = storable(reply.text).strip("\n")
    if not text.strip():
        raise InvalidMessageError("the mail has no text", hint="write something")
    sender = _address(reply.from_address)
    subject = reply_subject(reply.subject) if reply.answers else one_line(reply.subject, MAX_SUBJECT)
    lines = [
        f"From: {_mailbox(reply.from_name, sender)}",
        f"To: {_mailbox(reply.to_name, _address(reply.to_address))}",
        f"Subject: {_encoded(subject, _PLAIN_SUBJECT, 'Subject')}",
        f"Date: {format_datetime(reply.written_at)}",
        f"Message-ID: {message_id(reply.outbox_id, sender.rpartition('@')[2])}",
        f"{OWN_ID}: {reply.outbox_id.hex}",
    ]
    answered = _ids((reply.in_reply_to or "",))
    if answered:
        lines.append(f"In-Reply-To: {answered[0]}")
    chain = _chain(_ids((*reply.references, *answered)))
    if chain:
        lines.append("References: " + "\r\n ".join(chain))
    if reply.by_agent:
        kind = "auto-replied" if reply.answers else "auto-generated"
        lines += [f"Auto-Submitted: {kind}", "X-Auto-Response-Suppress: OOF, AutoReply", f"{OWN_MARK}: reply"]
    return "\r\n".join(lines).encode("ascii") + b"\r\n" + _body(text, reply)


def _body(text: str, reply: Reply) -> bytes:
    signature, identity = storable(reply.signature).strip(), reply.outbox_id
    body = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    plain = f"{text}\n\n-- \n{signature}\n" if signature else f"{text}\n"
    body.set_content(plain, cte="quoted-printable")
    body.add_alternative(_page(text, signature), subtype="html", cte="quoted-printable")
    body.set_boundary(f"=_{identity.hex}")
    for file in reply.files:
        if file.data is not None:
            kind, _, subtype = file.media_type.partition("/")
            # A mail inside a mail can't be in base64 (RFC 2046); as bytes of no kind every file can.
            whole = kind in {"", "message", "multipart"} or not subtype
            body.add_attachment(
                file.data,
                maintype="application" if whole else kind,
                subtype="octet-stream" if whole else subtype,
                filename=safe_name(file.name, file.media_type),
            )
    if body.get_content_type() == "multipart/mixed":
        body.set_boundary(f"=_m{identity.hex}")
    return body.as_bytes()


def _page(text: str, signature: str) -> str:
    paragraphs = [f"<p>{_lines(paragraph)}</p>" for paragraph in re.split(r"\n{2,}", text)]
    if signature:
        paragraphs.append(f'<div class="gmail_signature" style="color:#666666">{_lines(signature)}</div>')
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n<body style="font-family:sans-serif">\n'
        + "\n".join(paragraphs)
        + "\n</body></html>\n"
    )


def _lines(text: str) -> str:
    return "<br>\n".join(_linked(line) for line in text.split("\n"))


def _linked(line: str) -> str:
    pieces, end = [], 0
    for link in _LINK.finditer(line):
        address = html.escape(link[0])
        pieces += [html.escape(line[end : link.start()]), f'<a href="{address}">{address}</a>']
        end = link.end()
    return "".join((*pieces, html.escape(line[end:])))


def _mailbox(name: str, address: str) -> str:
    shown = one_line(name, MAX_NAME)
    if not shown:
        return f"<{address}>"
    if _PLAIN_NAME.fullmatch(shown) and "=?" not in shown:
        return f'"{shown}"\r\n <{address}>'
    return f"{_words(shown, 'From')}\r\n <{address}>"


def _encoded(text: str, plain: re.Pattern[str], name: str) -> str:
    if plain.fullmatch(text) and "=?" not in text:
        return text
    return _words(text, name)


def _words(text: str, header: str) -> str:
    """The text as encoded words (RFC 2047), folded; a line break in it would only be one more character of them."""
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")


def _address(text: str) -> str:
    local, _, domain = text.strip().rpartition("@")
    if not _LOCAL.fullmatch(local):
        raise InvalidMessageError(
            "that is no address that a mail can be sent to", hint="a name in plain letters, @, a domain"
        )
    return f"{local}@{_domain(domain)}"


def _domain(text: str) -> str:
    try:
        domain = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise InvalidMessageError("that is no mail domain", hint="such as example.com")
    return domain


def _ids(texts: Iterable[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if _MESSAGE_ID.fullmatch(text)]


def _chain(ids: list[str]) -> list[str]:
    """The last ids that fit: the nearest are what programs thread by."""
    chain: list[str] = []
    size = len("References:")
    for identity in reversed(ids[-MAX_REFERENCES:]):
        size += len(identity) + 1
        if size > MAX_REFERENCES_BYTES:
            break
        chain.insert(0, identity)
    return chain
