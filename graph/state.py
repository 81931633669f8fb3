"""The graph's state: one object a skill, written by that skill alone.

``Turn`` comes in; every other key is one skill's finding. Each turn starts on an empty state (the messages table is the
history, see ADR 0003), so no reducer has anything to merge but the rejections, which pile up within one turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from typing_extensions import TypedDict  # typing's own says too little at run time before Python 3.12

from skills.turn import (
    Conclusion,
    Decision,
    Draft,
    Escalation,
    Guarding,
    Identification,
    Intent,
    Rejection,
    Reply,
    Retrieval,
    Sentiment,
    Turn,
)


def pile_up(earlier: Iterable[Rejection], newer: Iterable[Rejection]) -> tuple[Rejection, ...]:
    """The reducer of ``rejections``. A checkpoint gives a tuple back as a list, hence not ``operator.add``."""
    return (*earlier, *newer)


class TurnState(TypedDict, total=False):
    """Everything that is known in a turn, each key sealed whole in the checkpoint."""

    turn: Turn
    identification: Identification
    sentiment: Sentiment
    retrieval: Retrieval
    intent: Intent
    conclusion: Conclusion
    draft: Draft
    guarding: Guarding
    escalation: Escalation
    reply: Reply
    decision: Decision
    rejections: Annotated[tuple[Rejection, ...], pile_up]
