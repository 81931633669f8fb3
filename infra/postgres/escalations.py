"""Escalations as they are shown: a line of the queue, everything that a reviewer reads, and which lines are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from infra.alerts.alert import raised
from infra.postgres.cases import TranscriptMessage
from skills.turn import CaseId, ChannelName, CustomerId, EscalationId


@dataclass(frozen=True, slots=True)
class Only:
    """Which lines of the queue somebody wants to see; ``None`` is all."""

    channel: str | None = None
    severity: str | None = None
    topic: str | None = None
    whose: Literal["mine", "nobodys", "others"] | None = None
    late: bool = False
    has_draft: bool | None = None


EVERYTHING = Only()


@dataclass(frozen=True, slots=True)
class QueuedEscalation:
    """A line of the queue."""

    id: EscalationId
    case_id: CaseId
    channel: ChannelName
    severity: str
    rules: tuple[str, ...]
    customer_name: str | None
    first_line: str
    has_draft: bool | None
    """Whether the agent proposes an answer (``graph.review.has_draft``); ``None``: it is from before this was kept."""
    due_at: datetime
    window_closes_at: datetime | None
    """From then on the channel takes no free text; ``None`` where that has no end."""
    created_at: datetime
    claimed_by: str | None
    moved_on_from: str | None = None
    """Whose claim was let go because nothing came of it, while nobody else has it."""
    topic: str | None = None
    """What it is about, where the agent could tell."""

    @property
    def reply_by(self) -> datetime:
        """The nearer of the two."""
        return _nearer(self.due_at, self.window_closes_at)

    @property
    def urgency(self) -> str:
        """How urgent it is by now: what is late counts as one step more."""
        return raised(self.severity, late=self.due_at <= datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class ReadEscalation:
    """Everything that a reviewer sees. ``version`` goes back with the decision."""

    id: EscalationId
    case_id: CaseId
    channel: ChannelName
    status: str
    version: str
    state: str
    """Another word whenever something has changed in its case (``infra.postgres.desk.Look``)."""
    request: dict[str, Any]
    severity: str
    due_at: datetime
    window_closes_at: datetime | None
    created_at: datetime
    claimed_by: str | None
    customer_id: CustomerId
    customer_name: str | None
    customer_language: str | None
    customer_segment: str
    transcript: tuple[TranscriptMessage, ...]
    later_messages: tuple[TranscriptMessage, ...]
    """What the customer wrote after the messages that this proposal answers."""
    decided: str | None
    """``action by reviewer`` once it is decided."""

    @property
    def reply_by(self) -> datetime:
        """The nearer of the deadline and the end of the channel's window."""
        return _nearer(self.due_at, self.window_closes_at)


def _nearer(due_at: datetime, window_closes_at: datetime | None) -> datetime:
    return due_at if window_closes_at is None else min(due_at, window_closes_at)
