"""The review contract: what a paused turn asks a person, and what the person may answer.

The request is plain JSON, because LangGraph Studio and Agent Inbox show it as it is. Its ``proposal`` is the very text
that ``approve`` sends; the hash over the whole request is what a decision is compared with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, assert_never, cast, get_args

from langgraph.types import interrupt

from skills.errors import BadRequestError
from skills.turn import (
    Action,
    Decision,
    Draft,
    Escalation,
    Guarding,
    Identification,
    Rejection,
    Reply,
    Retrieval,
    Sentiment,
    Turn,
)

MAX_REJECTIONS = 2
"""After so many drafts turned down the agent proposes nothing more in this turn: a person answers or takes over."""


class ReviewInput(TypedDict):
    """The part of the state that a reviewer is shown."""

    turn: Turn
    identification: Identification
    sentiment: Sentiment
    retrieval: Retrieval
    draft: Draft
    guarding: NotRequired[Guarding]
    escalation: Escalation
    reply: Reply
    rejections: tuple[Rejection, ...]


class ReviewUpdate(TypedDict, total=False):
    """What a decision changes."""

    decision: Decision
    reply: Reply
    rejections: tuple[Rejection, ...]


class ReviewRequest(TypedDict):
    """What the interrupt carries. Every value is JSON."""

    proposal: str
    """The text that ``approve`` sends; empty when the agent has nothing to propose."""
    answered: bool
    confidence: float
    model: str
    severity: str
    reasons: list[dict[str, str]]
    """``rule``, ``explanation``, ``severity`` and ``guidance`` of each rule that fired."""
    findings: list[dict[str, str]]
    """What the guards objected to: ``guard``, ``reason``, the ``sentence`` (taken out since), and of which ``draft``:
    the ``first``, which was written again, or the ``last``."""
    sources: list[dict[str, Any]]
    """The passages found: ``title``, ``heading``, ``text``, ``url``, ``similarity``, and ``cited`` sentences."""
    messages: list[str]
    """The customer's messages of this turn."""
    mood: dict[str, Any]
    elsewhere: list[dict[str, str]]
    """What the same customer wrote and was told lately in other talks: ``channel``, ``author``, ``text``, ``at``."""
    possible_matches: list[str]
    """Other customers who proved an address that is mentioned here, or whose records fit what is said. For the reviewer
    only, never for the customer."""
    rejected: list[dict[str, str]]
    actions: list[str]


async def review(state: ReviewInput) -> ReviewUpdate:
    """Pause until a person decides, then do exactly what was decided.

    LangGraph runs this node again from its beginning when the turn resumes, so nothing before ``interrupt`` has an
    effect, and there is one ``interrupt`` only.
    """
    decision = parse_decision(interrupt(request_of(state)))
    match decision.action:
        case "approve" | "take_over":
            return {"decision": decision}
        case "edit" | "answer":
            return {"decision": decision, "reply": Reply(text=decision.text or "", handoff=None)}
        case "reject":
            cited = tuple(dict.fromkeys(citation.passage_id for citation in state["draft"].citations))
            turned_down = Rejection(state["reply"].text, decision.reason or "", cited)
            return {"decision": decision, "rejections": (turned_down,)}
        case _:
            assert_never(decision.action)


def request_of(state: ReviewInput) -> ReviewRequest:
    """What a reviewer is asked in this state."""
    exhausted = len(state.get("rejections", ())) >= MAX_REJECTIONS
    proposal = "" if exhausted else state["reply"].text
    mood = state["sentiment"]
    return ReviewRequest(
        proposal=proposal,
        answered=state["draft"].answered,
        confidence=round(state["draft"].confidence, 3),
        model=state["draft"].model,
        severity=state["escalation"].severity.value,
        reasons=[
            {
                "rule": reason.rule,
                "explanation": reason.explanation,
                "severity": reason.severity.value,
                "guidance": reason.guidance,
            }
            for reason in state["escalation"].reasons
        ],
        findings=_findings(state.get("guarding")),
        sources=[
            {
                "title": passage.title,
                "heading": passage.heading,
                "text": passage.text,
                "url": passage.url,
                "similarity": round(passage.similarity, 3),
                "cited": [c.sentence for c in state["draft"].citations if c.passage_id == passage.id],
            }
            for passage in state["retrieval"].passages
        ],
        messages=[message.text for message in state["turn"].messages],
        mood={
            "polarity": round(mood.polarity, 2),
            "anger": round(mood.anger, 2),
            "urgency": round(mood.urgency, 2),
            "trend": mood.trend.value,
            "evidence": list(mood.evidence),
        },
        elsewhere=[
            {
                "channel": str(message.channel),
                "author": message.author,
                "text": message.text,
                "at": message.received_at.isoformat(timespec="seconds"),
            }
            for message in state["turn"].elsewhere
        ],
        possible_matches=[str(match) for match in state["identification"].possible_matches],
        rejected=[{"draft": r.draft, "reason": r.reason} for r in state.get("rejections", ())],
        actions=["answer", "take_over"] if exhausted else list(get_args(Action)),
    )


def _findings(guarding: Guarding | None) -> list[dict[str, str]]:
    """Empty for a turn that was paused before there were guards."""
    if guarding is None:
        return []
    return [
        {"guard": finding.guard, "reason": finding.reason, "sentence": finding.sentence, "draft": draft}
        for draft, findings in (("first", guarding.earlier), ("last", guarding.findings))
        for finding in findings
    ]


def has_draft(request: Mapping[str, Any]) -> bool:
    """Whether the agent proposes an answer, and not only a text that says that it has none."""
    return bool(request["answered"] and request["proposal"])


def proposal_hash(request: Mapping[str, Any]) -> bytes:
    """SHA-256 over the request as the reviewer gets it, in one canonical form."""
    canonical = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).digest()


def parse_decision(answer: object) -> Decision:
    """A decision as it comes out of a resume: ours already, or JSON from Studio.

    Raises:
        BadRequestError: an unknown action, a missing text or reason, or a text where none belongs.
    """
    if isinstance(answer, Decision):
        return answer
    if not isinstance(answer, Mapping):
        raise BadRequestError("a decision is an object", hint='for example {"action": "approve"}')
    return make_decision(
        action=str(answer.get("action")),
        reviewer=str(answer.get("reviewer") or "studio"),
        text=answer.get("text"),
        reason=answer.get("reason"),
    )


def make_decision(*, action: str, reviewer: str, text: object = None, reason: object = None) -> Decision:
    """A decision that makes sense in itself; whether it fits the request is checked against its ``actions``.

    Raises:
        BadRequestError: as for ``parse_decision``.
    """
    if action not in get_args(Action):
        raise BadRequestError(f"unknown action {action!r}", hint=f"one of {', '.join(get_args(Action))}")
    known = cast("Action", action)
    if known in {"edit", "answer"}:
        if not isinstance(text, str) or not text.strip():
            raise BadRequestError(f"{known} needs the text to send", hint="put it into 'text'")
    elif text is not None:
        raise BadRequestError(f"{known} takes no text", hint="to send another text, choose edit or answer")
    if known == "reject" and (not isinstance(reason, str) or not reason.strip()):
        raise BadRequestError("reject needs a reason", hint="the next draft is told why: put it into 'reason'")
    return Decision(
        action=known,
        reviewer=reviewer,
        text=text if isinstance(text, str) else None,
        reason=reason if isinstance(reason, str) else None,
    )
