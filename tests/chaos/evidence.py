"""What the judge looks at: what customers and reviewers were told, what the database holds, what the provider saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.chaos.customers import Acknowledged
from tests.chaos.reviewers import Answered
from tests.emulators.provider import Call


@dataclass(frozen=True, slots=True)
class Inbound:
    """A customer's message as it is stored."""

    id: UUID
    case_id: UUID
    conversation_id: UUID
    sequence: int
    position: int
    state: str
    turn_id: UUID | None
    text: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row of the outbox with its text. ``seen``: its place among what the customer sees, once it is delivered."""

    id: UUID
    intent_id: UUID
    ordinal: int
    case_id: UUID
    conversation_id: UUID
    channel: str
    kind: str
    state: str
    order: int
    seen: int | None
    author: str
    text: str
    reported: bool = False
    """Whether the provider has reported that it did not arrive after all."""
    superseded: int = 0
    """How often it went out again because of such a report."""


@dataclass(frozen=True, slots=True)
class StoredTurn:
    id: UUID
    case_id: UUID
    status: str
    first_sequence: int
    last_sequence: int


@dataclass(frozen=True, slots=True)
class StoredCase:
    id: UUID
    owner: str
    paused: bool
    escalation: str | None
    """The state of its live escalation: open or decided."""


@dataclass(frozen=True, slots=True)
class Buried:
    """A dead letter over a span of a case's messages."""

    case_id: UUID
    turn_id: UUID | None
    first_sequence: int
    last_sequence: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything, after all has settled."""

    acknowledged: Sequence[Acknowledged] = ()
    inbound: Sequence[Inbound] = ()
    outgoing: Sequence[Outgoing] = ()
    turns: Sequence[StoredTurn] = ()
    cases: Sequence[StoredCase] = ()
    buried: Sequence[Buried] = ()
    decisions: Mapping[UUID, int] = field(default_factory=dict)
    """How many decisions each escalation has."""
    reviewed: Sequence[Answered] = ()
    calls: Sequence[Call] = ()
    """What the provider saw, in that order."""
    shown_unknown: int | None = None
    """How many unknown sends the product itself says there are; ``None`` when it was not asked."""
