"""What a delivery report says: which of our mails did not arrive, at whom, and whether it is worth another try."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_string

from channels.gmail.headers import Headers, normalised
from channels.gmail.text import one_line
from channels.storable import storable

MAX_RECIPIENTS = 100

_LONGEST_STATUS = 100_000
_PARAGRAPH = re.compile(r"\n\s*\n")
_OURS = re.compile(r"^message-id:\s*(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """One address that a mail of ours did not reach, or not yet."""

    address: str
    status: str
    """The enhanced status code, such as ``5.1.1``; empty when the report has none."""
    permanent: bool
    """Whether the other side said that trying again is pointless."""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report (RFC 3464), or what looks like one."""

    original_message_id: str | None
    """The Message-ID of the mail that it is about, with angle brackets."""
    recipients: tuple[FailedRecipient, ...]

    @property
    def permanent(self) -> bool:
        """Whether the mail will not arrive at any of those addresses."""
        return bool(self.recipients) and all(recipient.permanent for recipient in self.recipients)


def status_recipients(text: str) -> tuple[FailedRecipient, ...]:
    """Whom a delivery status reports as failed or delayed: a paragraph of header lines for each."""
    found = []
    for paragraph in _PARAGRAPH.split(storable(text[:_LONGEST_STATUS]))[: MAX_RECIPIENTS + 1]:
        headers = Headers.of(message_from_string(paragraph))
        address = headers.first("final-recipient") or headers.first("original-recipient")
        action = headers.first("action").strip().lower()
        if not address or action not in {"failed", "delayed"}:
            continue
        status = headers.first("status").split()
        code = status[0][:20] if status else ""
        found.append(
            FailedRecipient(
                address=normalised(address.partition(";")[2].strip(" <>") or address.strip(" <>")),
                status=code,
                permanent=action == "failed" and not code.startswith("4"),
                diagnostic=headers.text("diagnostic-code"),
            )
        )
    return tuple(found)


def original_message_id(text: str) -> str | None:
    """The Message-ID line of a mail, or of its headers, that stands in a text."""
    found = _OURS.search(text)
    return found[1] if found else None


def headers_recipients(values: Iterable[str]) -> tuple[FailedRecipient, ...]:
    """Whom ``X-Failed-Recipients`` names: some servers send that and no proper report. Always given up on."""
    addresses = (one_line(address, 320) for value in values for address in value.split(","))
    found = (FailedRecipient(normalised(address), status="", permanent=True) for address in addresses if "@" in address)
    return tuple(found)[:MAX_RECIPIENTS]
