"""The escalate node."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

from skills.escalate.conditions import Situation
from skills.escalate.policy import Policy
from skills.turn import Draft, Escalation, Guarding, Identification, Intent, Rejection, Sentiment, Turn


class EscalateInput(TypedDict):
    """What escalate reads."""

    turn: Turn
    sentiment: Sentiment
    draft: Draft
    identification: NotRequired[Identification]
    intent: NotRequired[Intent]
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
        now = Situation.of(
            state["turn"],
            state["sentiment"],
            state["draft"],
            identification=state.get("identification"),
            rejections=state.get("rejections", ()),
            intent=state.get("intent"),
            guarding=state.get("guarding"),
        )
        return {"escalation": Escalation(reasons=self.policy.reasons(now))}
