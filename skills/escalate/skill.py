"""The escalate node."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

<<<<<<< HEAD
from skills.escalate.conditions import Situation
from skills.escalate.policy import Policy
from skills.turn import Draft, Escalation, Identification, Intent, Rejection, Sentiment, Turn
=======
from skills.amounts import amounts_in
from skills.escalate.conditions import Situation
from skills.escalate.policy import Policy
from skills.language import sentences, words
from skills.turn import Draft, Escalation, Guarding, Rejection, Sentiment, Turn
>>>>>>> guards


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
<<<<<<< HEAD
        now = Situation.of(
            state["turn"],
            state["sentiment"],
            state["draft"],
            identification=state.get("identification"),
            rejections=state.get("rejections", ()),
            intent=state.get("intent"),
=======
        turn, guarding = state["turn"], state.get("guarding")
        now = Situation(
            turn=turn,
            sentences=tuple(words(sentence) for sentence in sentences(turn.text)),
            amounts=amounts_in(turn.text),
            sentiment=state["sentiment"],
            draft=state["draft"],
            rejections=state.get("rejections", ()),
            findings=() if guarding is None else guarding.findings,
>>>>>>> guards
        )
        return {"escalation": Escalation(reasons=self.policy.reasons(now))}
