"""What a channel hands to the core, and what the core hands to a channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from skills.turn import Author, ChannelName, ConversationId, ForPerson, Language, MessageId


@dataclass(frozen=True, slots=True)
class ClaimedAddress:
    """An address that somebody says is theirs, on the channel where it would count. Unproven."""

    channel: ChannelName
    address: str


COMING = "coming"
"""Instead of a reason why a file is not kept: it is fetched from its provider."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a message. ``data`` is ``None`` when it is not kept, and ``refusal`` says why."""

    name: str
    """Safe for a file system, a header and a screen."""
    media_type: str
    """What its bytes say."""
    size: int
    """Bytes, also of one that is not kept."""
    data: bytes | None
    refusal: str | None = None
    source: str | None = None
    """Where its provider has it. It is fetched once its message is acknowledged, and ``refusal`` says so until then."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message as a channel received it, verified and parsed, not yet stored."""

    channel: ChannelName
    provider_message_id: str
    """Unique on the channel: a second arrival of the same id is the same message."""
    thread: str
    """What the channel calls the talk: a mail thread, a chat's id."""
    address: str
    """Who writes: a mail address, a phone number, a visitor's id."""
    text: str
    verified: bool
    """Whether the channel proved that the address is the writer's. A web visitor's id proves nothing about a person."""
    name: str | None = None
    language: Language | None = None
    claims: tuple[ClaimedAddress, ...] = ()
    written_at: datetime | None = None
    """The provider's time; ours is taken at the commit."""
    begins: bool = False
    """Whether the channel expects this to be the first message of its talk, which spares a look-up if it is."""
    aliases: tuple[str, ...] = ()
    """Other addresses on the channel that it proves to be the same person's: a user id beside a phone number."""
    related: tuple[str, ...] = ()
    """Provider ids of earlier messages that it answers: a new thread of the same sender goes on in their talk."""
    detail: Mapping[str, str] = field(default_factory=dict)
    """What the channel has to remember of it in order to answer: a mail's subject and ids."""
    original: File | None = None
    """The message as it came in, where the text is only a reading of it."""
    attachments: tuple[File, ...] = ()
    for_person: ForPerson | None = None
    """Why the agent can't take in all of it."""
    automatic: bool = False
    """Whether a machine wrote it (RFC 3834): it is kept and shown, and nobody answers."""
    consent: Literal["stop", "start"] | None = None
    """A wish about being written to at this address at all."""
    confirmation: str | None = None
    """Sent at once, and once, if the wish changes anything; ``None`` where the provider says it itself."""


DeliveryKind = Literal["reply", "handoff", "delay", "failure", "follow_up", "survey", "hand_back", "consent", "code"]
"""Why a text is sent: an answer, a note that a person looks at it, that it takes longer, that something went wrong, the
question whether an answer helped, a survey, a note that the assistant answers again, the confirmation of a STOP or
START, a one-time code."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One text to send. ``id`` names the outbox row: the same id is the same send."""

    id: UUID
    message_id: MessageId
    conversation_id: ConversationId
    channel: ChannelName
    text: str
    address: str
    attempt: int
    kind: DeliveryKind = "reply"
    author: Author = "agent"
    files: tuple[File, ...] = ()
    """What a person sends along."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it. ``provider_message_id`` is its name for the message, when it gave one."""

    provider_message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said no. ``retry`` when it may say yes later (429, 5xx before the message was read)."""

    reason: str
    retry: bool
    seconds: float = 0.0
    """How long the provider asks us to wait before that."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows: the connection broke after the message was handed over. Never sent again blindly."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Nothing was asked of the provider: it is known to be away. No attempt is counted."""

    reason: str
    seconds: float
    """When to try again, from now."""


SendResult = Accepted | Refused | Deferred | Unknown


@dataclass(frozen=True, slots=True)
class Arrived:
    """The provider has all of it. One name a message that it became, in order."""

    provider_message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArrivedPartly:
    """The provider has some of it: a person says what becomes of the rest."""

    provider_message_ids: tuple[str, ...]
    missing: tuple[str, ...]
    """The parts that are certainly not there, in order."""


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider certainly didn't take it: sending it again sends it once."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nobody knows yet, or ever."""

    reason: str
    again: bool
    """Whether asking later may help; otherwise it is a person's to decide."""


Reconciled = Arrived | ArrivedPartly | Absent | Undecided
