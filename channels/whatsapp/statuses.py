"""What becomes of a text after Twilio took it, told by status webhooks in any order, doubled or not at all.

A status never goes back: each has a rank and the highest that ever came counts, so any order and any repetition of the
same webhooks ends the same. A proof of arrival outranks a failure, because WhatsApp tries several devices and one may
fail where another got the message. Twilio sends no webhook for the first status, which stands in the answer to the
request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from channels.envelope import Refused
from channels.whatsapp import PREFIX
from channels.whatsapp.form import Form
from channels.whatsapp.refusals import refusal
from skills.errors import InvalidMessageError

Outcome = Literal["pending", "arrived", "failed"]


_DIGITS = 3


class Status(StrEnum):
    """A message's status, lowest rank first."""

    SCHEDULED = "scheduled"
    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    CANCELED = "canceled"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"

    @property
    def rank(self) -> int:
        """How much the status outweighs others."""
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a message got."""

    status: Status
    error_code: int | None = None

    def after(self, other: Progress) -> Progress:
        """The two taken together, whichever came first."""
        return max(self, other, key=lambda one: (one.status.rank, one.error_code or 0))

    @property
    def outcome(self) -> Outcome:
        """What it means for the text."""
        if self.status in {Status.DELIVERED, Status.READ}:
            return "arrived"
        return "failed" if self.status in {Status.FAILED, Status.UNDELIVERED, Status.CANCELED} else "pending"

    @property
    def refused(self) -> Refused | None:
        """Why it failed, if it did, as if the request had been refused."""
        return refusal(self.error_code) if self.outcome == "failed" else None


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One status webhook."""

    provider_message_id: str
    address: str
    """The customer's, without ``whatsapp:``."""
    progress: Progress
    delivery_id: UUID | None
    """The outbox row, from the webhook's own address: it settles an unknown send, for only a taken one has a status."""
    part: int = 0
    """Which of the row's messages, from 0, when its text was too long for one."""
    parts: int = 1
    """How many messages the row became."""


def callback_url(url: str, delivery_id: UUID, part: int, parts: int = 1) -> str:
    """Where Twilio shall report this message's statuses. The signature covers the query, so nobody can change it."""
    return f"{url}?{urlencode({'delivery': str(delivery_id), 'part': part, 'of': parts})}"


def status_event(form: Form, query: str = "") -> StatusEvent | None:
    """Read a status webhook whose signature holds; ``None`` for a status that we don't know, which changes nothing.

    Args:
        form: its parameters.
        query: the query string of the address that it came to.

    Raises:
        InvalidMessageError: it names no message.
    """
    sid = form.get("MessageSid") or form.get("SmsSid")
    if not sid:
        raise InvalidMessageError(
            "a status webhook without MessageSid", hint="is the URL for messages set in its place?"
        )
    try:
        status = Status((form.get("MessageStatus") or form.get("SmsStatus")).casefold())
    except ValueError:
        return None
    code = form.get("ErrorCode")
    asked = parse_qs(query)
    return StatusEvent(
        provider_message_id=sid,
        address=form.get("To").removeprefix(PREFIX),
        progress=Progress(status, int(code) if code.isascii() and code.isdigit() and code != "0" else None),
        delivery_id=_uuid(asked.get("delivery", [""])[0]),
        part=_number(asked, "part", 0),
        parts=max(_number(asked, "of", 1), 1),
    )


def _number(asked: dict[str, list[str]], name: str, otherwise: int) -> int:
    text = asked.get(name, [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else otherwise


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
