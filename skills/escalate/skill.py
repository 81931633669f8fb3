"""The escalate node."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from skills.amounts import amounts_in
from skills.escalate.conditions import Situation
from skills.escalate.policy import Policy
from skills.language import sentences, words
from skills.turn import Draft, Escalation, Guarding, Rejection, Sentiment, Turn


class EscalateInput(TypedDict):
    """What escalate reads."""

    turn: Turn
    sentiment: Sentiment
    draft: Draft
    rejections: NotRequired[tuple[Rejection, ...]]
    guarding: NotRequired[Guarding]


class EscalateUpdate(TypedDict):
    """What escalate decides."""

    escalation: Escalation


@dataclass(frozen=True)
class Escalate:
    """Asks the policy. Pure: the same turn and draft give the same reasons, whatever was said to the model."""

    policy: Policy = field(default_factory=Policy.default)

    async def __call__(self, state: EscalateInput) -> EscalateUpdate:
        """Collect the reasons of every rule that holds."""
        turn, guarding = state["turn"], state.get("guarding")
        now = Situation(
            turn=turn,
            sentences=tuple(words(sentence) for sentence in sentences(turn.text)),
            amounts=amounts_in(turn.text),
            sentiment=state["sentiment"],
            draft=state["draft"],
            rejections=state.get("rejections", ()),
            findings=() if guarding is None else guarding.findings,
        )
        return {"escalation": Escalation(reasons=self.policy.reasons(now))}
