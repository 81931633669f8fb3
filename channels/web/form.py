"""From the public form to an envelope, and what makes a message of it suspect.

Suspect is never dropped: a person sees it, and decides. The form asks nobody outside and shows no riddles; what it can
notice is in the message itself, and in how it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from channels.envelope import ClaimedAddress, Envelope, File
from channels.storable import storable
from channels.web import FORM
from channels.web.inbound import envelope
from channels.web.signature import ConversationToken
from skills.turn import ChannelName, ForPerson

MAX_TOPIC = 150
MOST_LINKS = 3
"""Links in a message that anybody writes; more is unusual for a customer and usual for an advertisement."""
MOST_REPEATS = 3
"""The same text or address within an hour that raises no doubt: a household, an impatient customer."""
FLOOD = 20
"""The same text within an hour from which on it is refused, openly."""
_FLOOD_LENGTH = 40
"""Characters of a text that nobody else writes by chance."""

_LINK = re.compile(r"https?://|\bwww\.|\[url|<a\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FormMessage:
    """What somebody sends by the form, checked."""

    text: str
    email: str | None = None
    name: str | None = None
    topic: str | None = None
    language: str | None = None
    files: tuple[File, ...] = ()
    for_person: ForPerson | None = None


def form_envelope(token: ConversationToken, message: FormMessage, *, key: UUID, begins: bool) -> Envelope:
    """One message of the form; the same key is the same message.

    The topic stands above the text, where the assistant and a person both read it.
    """
    topic = " ".join(storable(message.topic or "").split())[:MAX_TOPIC]
    made = envelope(
        token,
        text=f"{topic}\n\n{message.text}" if topic else message.text,
        idempotency_key=str(key),
        name=message.name,
        language=message.language,
        begins=begins,
    )
    return Envelope(
        channel=FORM,
        provider_message_id=made.provider_message_id,
        thread=made.thread,
        address=made.address,
        text=made.text,
        verified=False,
        name=made.name,
        language=made.language,
        claims=() if message.email is None else (ClaimedAddress(ChannelName("email"), message.email.casefold()),),
        begins=begins,
        detail={"topic": topic} if topic else {},
        attachments=message.files,
        for_person=message.for_person,
    )


def suspect(text: str, *, same_text: int, same_address: int, doubted: bool) -> bool:
    """Whether a person should look before anybody answers.

    Args:
        text: of the message.
        same_text: how often it came within the hour, this time included.
        same_address: how often the address was named within the hour.
        doubted: it came as programs send: the hidden field was filled in, and it was sent again all the same.
    """
    links = len(_LINK.findall(text))
    return doubted or links > MOST_LINKS or same_text > MOST_REPEATS or same_address > 2 * MOST_REPEATS


def flooding(text: str, *, same_text: int) -> bool:
    """Whether a text has come so often that it is not taken any more, which its sender is told."""
    return same_text > FLOOD and len(text) >= _FLOOD_LENGTH
