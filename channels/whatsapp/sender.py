"""How we appear on WhatsApp, and whom the sending half asks before it sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from channels.whatsapp.window import MARGIN, LastHeard, Template
from skills.turn import MessageId

Link = Callable[[MessageId, int], str | None]
"""A public address of a message's file, by its ordinal from 1; ``None`` where there can be none."""


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def no_link(_message_id: MessageId, _ordinal: int) -> str | None:
    """Files have no public addresses here."""
    return None


class OptOuts(Protocol):
    """Knows who does not want to be written to."""

    async def opted_out(self, address: str, /) -> bool:
        """Whether whoever has this address wants nothing sent there."""
        ...


class Known(LastHeard, OptOuts, Protocol):
    """All that has to be known of a customer before anything is sent."""


@dataclass(frozen=True, slots=True)
class Sender:
    """How we appear on WhatsApp."""

    number: str
    """Ours, in E.164, as WhatsApp knows it."""
    status_callback: str | None = None
    """The public URL of our status webhook."""
    messaging_service_sid: str | None = None
    """Sends through a messaging service, for its opt-out handling."""
    template: Template | None = None
    """What to send when the window is closed."""
    code_template: Template | None = None
    """What carries a one-time code: WhatsApp takes those only in a template of their own kind."""
    margin: timedelta = MARGIN
