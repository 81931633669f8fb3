"""What can go wrong between us and Twilio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer as one should, after ``pause`` seconds."""

    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer with an error; ``taken`` if the request was carried out all the same."""

    status: int
    code: int
    message: str
    taken: bool = False
    retry_after: int | None = None
    """Seconds that the answer asks to wait."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Read the request and never answer."""

    taken: bool = True


@dataclass(frozen=True, slots=True)
class Drop:
    """Read the request and close the connection."""

    taken: bool = True


@dataclass(frozen=True, slots=True)
class Truncate:
    """Carry the request out and answer with the first half of the JSON, as if it were all."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Lead elsewhere, as a file's address does."""

    location: str


Behaviour = Answer | Fail | Hang | Drop | Truncate | Redirect


def rate_limited(retry_after: int | None = None) -> Fail:
    """Too many requests at a time."""
    return Fail(429, 20429, "Too Many Requests", retry_after=retry_after)


def server_error(*, taken: bool = False) -> Fail:
    """Something broke; the answer is the same whether the message was taken or not."""
    return Fail(500, 20500, "Internal Server Error", taken)


def unavailable(*, taken: bool = False) -> Fail:
    """Something is away; the same."""
    return Fail(503, 20503, "Service Unavailable", taken)


@dataclass(frozen=True, slots=True)
class Life:
    """Which statuses are reported of a message, in this order; the last one is where it stays."""

    statuses: tuple[str, ...]
    error_code: int | None = None
    """Goes with ``failed`` and ``undelivered``."""


USUAL = Life(("sent", "delivered", "read"))
UNREAD = Life(("sent", "delivered"))
OUT_OF_ORDER = Life(("read", "delivered", "sent"))
DOUBLED = Life(("sent", "sent", "delivered", "delivered", "delivered", "read", "read"))
LOST = Life(())


def failing(code: int, status: Literal["failed", "undelivered"] = "failed") -> Life:
    """A message that Twilio took and could not deliver. Real accounts report 63016 in both ways."""
    return Life((status,), code)


WebhookFault = Literal["none", "doubled", "forged", "replayed", "truncated"]
"""Of a customer's message: sent twice at once, with a wrong signature, again with every byte the same, or cut short."""
