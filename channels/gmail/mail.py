"""From the bytes of a mail to what the product needs to know of it.

Any bytes give a :class:`Mail`. What can't be read becomes a mail whose text says so, for a person to look at; the bytes
themselves are the original, which the caller keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes, policy
from email.parser import BytesHeaderParser

from channels.attachments import Attachment, Limits, check
from channels.gmail.body import MAX_READ, read_body
from channels.gmail.bounce import Bounce, headers_recipients, original_message_id
from channels.gmail.bounds import too_much
from channels.gmail.headers import Address, Headers
from channels.gmail.structure import Content, content
from channels.gmail.text import decode, listed, one_line
from channels.storable import storable

MAX_CHARACTERS = 20_000
"""The longest text of a message. A longer one is cut with a note; :attr:`Mail.original_text` has the rest."""
MAX_ORIGINAL_CHARACTERS = 1_000_000

_STATUS = re.compile(rb"^(content-type:\s*)message(/delivery-status)", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADERS = 262_144
_KEPT_HEADERS = listed(
    "auto-submitted authentication-results arc-authentication-results delivered-to errors-to feedback-id "
    "list-help list-id list-post list-unsubscribe precedence received-spf return-path x-auto-reply "
    "x-auto-response-suppress x-autoreply x-autoreply-from x-autorespond x-csagent-auto x-csagent-id "
    "x-failed-recipients x-loop x-mail-autoreply x-ooo"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, read."""

    message_id: str | None
    """With angle brackets, as are all message ids here."""
    in_reply_to: str | None
    references: tuple[str, ...]
    subject: str
    """Decoded, in one line; empty without one."""
    sender: Address | None
    """``None`` when no address can be made out, or several claim to have written."""
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    date: datetime | None
    """What the sender's clock said, in UTC."""
    text: str
    """What the customer newly wrote; never blank, always storable, at most ``MAX_CHARACTERS`` long."""
    original_text: str
    """The whole text, with quotes and signatures; empty when the mail has none."""
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]
    """What tells machines from people and says what Gmail checked, in the mail's order; names in lower case."""
    report: str | None = None
    """The kind of a multipart/report, such as ``disposition-notification``."""
    bounce: Bounce | None = None
    notes: tuple[str, ...] = ()
    """What was left out of the text, in sentences for a person."""
    unreadable: str | None = None
    """Why the mail could not be read; then a person has to look at the original."""

    def header(self, name: str) -> str:
        """The first value of one of the kept headers; empty when the mail lacks it."""
        return next((value for known, value in self.headers if known == name.lower()), "")

    @property
    def null_sender(self) -> bool:
        """Whether the envelope had the empty sender, from which nobody expects an answer."""
        return any(known == "return-path" and value.strip() == "<>" for known, value in self.headers)


def read_mail(raw: bytes, *, limits: Limits | None = None) -> Mail:
    """Read a mail. Never raises, whatever the bytes are.

    Args:
        raw: the mail as Gmail gives it (``format=raw``, decoded).
        limits: of its files.
    """
    reason = too_much(raw)
    if reason is not None:
        return _unread(raw, reason)
    try:
        return _read(raw, limits)
    except Exception as error:  # noqa: BLE001 - the parsers raise what they like, and no mail may be lost for it
        return _unread(raw, f"its structure is broken ({type(error).__name__})")


def _read(raw: bytes, limits: Limits | None) -> Mail:
    # compat32 and not the default policy, whose header parser takes quadratic time: see channels.gmail.headers.
    # A delivery status is read by us, because the parser makes a message of each of its paragraphs, however many.
    message = message_from_bytes(_STATUS.sub(rb"\1text\2", raw), policy=policy.compat32)
    headers = Headers.of(message)
    bare = _of_headers(headers)
    found = content(message)
    body = read_body(found.sections, subject=bare.subject)
    attachments = check(found.files, limits)
    original = body.whole[:MAX_ORIGINAL_CHARACTERS]
    text = _cut(body.own, len(body.whole))
    unreadable = _unreadable(found, text)
    if unreadable is not None:
        text = f"[This mail could not be read: {unreadable}. The original is kept.]"
    return replace(
        bare,
        text=text or bare.subject or _nothing(attachments),
        original_text=original,
        attachments=attachments,
        report=found.report,
        bounce=_bounce(found, headers, body.whole),
        notes=tuple(found.notes),
        unreadable=unreadable,
    )


def _unreadable(found: Content, text: str) -> str | None:
    if found.encrypted:
        return f"it is encrypted with {found.encrypted}"
    return "nothing is left of it within our limits" if found.notes and not text else None


def _of_headers(headers: Headers) -> Mail:
    senders = headers.addresses("from")
    in_reply_to = headers.message_ids("in-reply-to")
    message_ids = headers.message_ids("message-id")
    return Mail(
        message_id=message_ids[0] if message_ids else None,
        in_reply_to=in_reply_to[0] if in_reply_to else None,
        references=headers.message_ids("references"),
        subject=headers.text("subject"),
        sender=senders[0] if len(senders) == 1 else None,
        reply_to=headers.addresses("reply-to"),
        to=headers.addresses("to"),
        cc=headers.addresses("cc"),
        date=headers.date(),
        text="",
        original_text="",
        attachments=(),
        headers=tuple((name, one_line(value, 2_000)) for name, value in headers.pairs if name in _KEPT_HEADERS),
    )


def _unread(raw: bytes, reason: str) -> Mail:
    """A mail of which only the header lines are looked at, and not even those if they are what is broken."""
    try:
        bare = _of_headers(Headers.of(BytesHeaderParser(policy=policy.compat32).parsebytes(raw[:_LONGEST_HEADERS])))
    except Exception:  # noqa: BLE001 - as above, and this is the last resort
        bare = _of_headers(Headers(()))
    return replace(
        bare,
        text=f"[This mail could not be read: {reason}. The original is kept.]",
        original_text=storable(decode(raw[:MAX_ORIGINAL_CHARACTERS])),
        unreadable=reason,
    )


def _cut(text: str, whole: int) -> str:
    if len(text) <= MAX_CHARACTERS and whole <= MAX_READ:
        return text
    note = f"\n\n[Cut here. The whole mail has {whole:,} characters.]"
    return text[: MAX_CHARACTERS - len(note)].rstrip() + note


def _nothing(attachments: Iterable[Attachment]) -> str:
    names = ", ".join(attachment.name for attachment in attachments)[:1_000]
    return f"[A mail without text, with: {names}]" if names else "[An empty mail.]"


def _bounce(found: Content, headers: Headers, text: str) -> Bounce | None:
    recipients = found.failed or headers_recipients(headers.all("x-failed-recipients"))
    if not recipients and found.report != "delivery-status":
        return None
    if found.report == "delivery-status" and not recipients and found.parts > 1:
        return None  # it reports that everything went well
    return Bounce(found.original_id or original_message_id(text), recipients)
