"""How the company appears in mails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes, from where."""

    address: str
    """The mailbox's: answers come from it and go to it."""
    company: str
    signature: str = ""
    """Plain text below every answer."""


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)
