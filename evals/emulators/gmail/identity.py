"""What a mail says of itself, read from its header as leniently as a mail server does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses

_PREFIX = re.compile(r"^\s*((re|fwd?|aw|wg|sv|vs|rv|tr)\s*(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_ID = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class Identity:
    """The parts of a header that threads and deliveries go by."""

    message_id: str | None
    references: frozenset[str]
    subject: str
    """Without ``Re:`` and its like, in lower case, blanks made one."""
    sender: str
    recipients: tuple[str, ...]
    """Addresses in lower case, of To, Cc and Bcc."""


def identity(parsed: Message) -> Identity:
    """Read it."""
    ids = _ID.findall(text(parsed.get("Message-ID", "")))
    return Identity(
        message_id=ids[0] if ids else None,
        references=frozenset(_ID.findall(" ".join(_all(parsed, "References", "In-Reply-To")))),
        subject=" ".join(_PREFIX.sub("", text(parsed.get("Subject", ""))).lower().split()),
        sender=next(iter(_addresses(parsed, "From")), ""),
        recipients=tuple(dict.fromkeys(_addresses(parsed, "To", "Cc", "Bcc"))),
    )


def text(value: object) -> str:
    """A header's value as the API shows it: on one line, encoded words decoded, what can't be read left as it is."""
    raw = re.sub(r"[\r\n]+[ \t]?", " ", str(value)).strip()
    try:
        decoded = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, ValueError):
        decoded = raw
    return decoded.encode("utf-8", "replace").decode()


def _all(parsed: Message, *names: str) -> list[str]:
    return [text(value) for name in names for value in parsed.get_all(name, [])]


def _addresses(parsed: Message, *names: str) -> list[str]:
    return [address.lower() for _, address in getaddresses(_all(parsed, *names)) if "@" in address]
