"""What handling a turn needs from outside: somebody who lends cases, hands out work and commits results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver

from graph.state import TurnState
from skills.turn import CaseId, Decision, EscalationId, Turn, TurnId


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one case. ``token`` grows with every claim, and a commit with an old one is refused."""

    case_id: CaseId
    turn_id: TurnId
    token: int
    attempts: int
    """How often this work was begun, this time included. Counted at the claim, so that a killed worker counts."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """A paused turn whose decision is in."""

    escalation_id: EscalationId
    interrupt_id: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do in a case: a fresh turn over its waiting messages, or a paused one to resume."""

    lease: Lease
    turn: Turn | None
    """What a fresh turn starts from; a resumed one has it in its checkpoint."""
    resumption: Resumption | None
    checkpointer: BaseCheckpointSaver[Any]
    """This turn's own: it reads the paused turn's checkpoint and holds what the graph writes until the commit."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The graph stopped at its interrupt: the request for a person, by LangGraph's interrupt id."""

    interrupt_id: str
    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the graph got to: its state, and the pause it ended in, if it did."""

    state: TurnState
    pause: Pause | None
    started_at: datetime
    milliseconds: dict[str, float]
    """Where the time went: ``queue`` (settle time included), ``graph``, and ``finish`` once it is committed."""


Committed = Literal["committed", "superseded"]
"""``superseded``: newer messages had arrived, nothing was committed, and the turn is to be run again with them."""


class Ledger(Protocol):
    """Hands out the work of a leased case and commits its outcome, all or nothing."""

    async def load(self, lease: Lease) -> Work | None:
        """What there is to do; ``None`` when nothing waits or a person owns the case."""
        ...

    async def commit(self, work: Work, outcome: Outcome, *, may_supersede: bool) -> Committed:
        """One transaction: messages handled, checkpoint, outbox, escalation, events, lease given back.

        Raises:
            LeaseLostError: another worker has claimed the case since; nothing was written.
        """
        ...

    async def release(self, lease: Lease) -> None:
        """Give the case back with nothing to do."""
        ...
