"""The customer-service window: free text only within 24 hours of the customer's last message, afterwards a template.

Only what the customer writes opens it again; our own messages and templates don't. Twilio takes a late text with a 201
and reports 63016 in a status afterwards, so whoever sends has to look first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from skills.adapt.rules import length_of
from skills.turn import ConversationId

LENGTH = timedelta(hours=24)
MARGIN = timedelta(minutes=5)
"""For clocks that differ, and for a message that waits in Twilio's queue."""

MAX_TEMPLATE_TEXT = 1_024
"""What WhatsApp allows for a template's body, in UTF-16 code units."""

_WHITE_SPACE = re.compile(r"\s+")


class LastHeard(Protocol):
    """Knows when a customer last wrote."""

    async def last_heard(self, conversation_id: ConversationId) -> datetime | None:
        """When the customer's last message of this conversation came in; ``None`` if they never wrote."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """One conversation's window."""

    last_heard: datetime | None
    margin: timedelta = MARGIN

    @property
    def closes_at(self) -> datetime | None:
        """From when on free text is too late for us; ``None`` if the window never opened."""
        return None if self.last_heard is None else self.last_heard + LENGTH - self.margin

    def open_at(self, moment: datetime) -> bool:
        """Whether free text may be sent then."""
        closes_at = self.closes_at
        return closes_at is not None and moment < closes_at


@dataclass(frozen=True, slots=True)
class Template:
    """A content template that WhatsApp approved, to be sent when the window is closed.

    With a ``text_variable`` the template carries the text itself. Without one it only invites the customer to write
    again, so the text still waits to be sent.
    """

    content_sid: str
    variables: Mapping[str, str] = field(default_factory=dict)
    text_variable: str | None = None
    """The number of the variable that takes the text, such as ``1``."""

    def carrying(self, text: str) -> str | None:
        """``ContentVariables`` with the text in its variable; ``None`` if it doesn't fit or there is no such variable.

        WhatsApp refuses line breaks, tabs and long gaps in a variable, so that white space becomes single spaces.
        """
        flat = _WHITE_SPACE.sub(" ", text).strip()
        if self.text_variable is None or length_of(flat) > MAX_TEMPLATE_TEXT:
            return None
        return json.dumps({**self.variables, self.text_variable: flat}, ensure_ascii=False)

    def inviting(self) -> str:
        """``ContentVariables`` without a text."""
        return json.dumps(dict(self.variables), ensure_ascii=False)
