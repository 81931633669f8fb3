"""Skills that do next to nothing, for tests and measurements of everything around them.

The text steers them: "person" escalates, "fail" raises, "slow" takes a moment, a "riddle" has no answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TypedDict

from graph.build import Graph, Skills, build_graph
from skills.turn import (
    Draft,
    Escalation,
    Guarding,
    Identification,
    Language,
    Reason,
    Rejection,
    Reply,
    Retrieval,
    Sentiment,
    Severity,
    Trend,
    Turn,
)

EN = Language("en")


class OfTurn(TypedDict):
    turn: Turn


class OfRejections(TypedDict):
    turn: Turn
    rejections: tuple[Rejection, ...]


class OfDraft(TypedDict):
    turn: Turn
    draft: Draft
    escalation: Escalation


@dataclass(frozen=True)
class Gate:
    """Lets a test stop a turn in the middle: "slow" turns report here and wait."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)


async def identify(state: OfTurn) -> dict[str, Identification]:
    customer = state["turn"].customer
    return {"identification": Identification(customer.id, customer.verified, (), ())}


async def sentiment(state: OfTurn) -> dict[str, Sentiment]:
    return {"sentiment": Sentiment(0.0, 0.0, 0.0, 0.0, Trend.STEADY, EN, ())}


async def retrieve(state: OfTurn) -> dict[str, Retrieval]:
    return {"retrieval": Retrieval(state["turn"].text, (), 0.9)}


async def guard(state: OfTurn) -> dict[str, Guarding]:
    """Lets everything pass: what is said here is no answer."""
    return {"guarding": Guarding(())}


async def escalate(state: OfTurn) -> dict[str, Escalation]:
    wants = "person" in state["turn"].text
    reasons = (Reason("asked_for_human", "asked for a person", Severity.P2, "Greet them."),) if wants else ()
    return {"escalation": Escalation(reasons)}


async def adapt(state: OfDraft) -> dict[str, Reply]:
    handoff = "A colleague will look at this." if state["escalation"].needed else None
    return {"reply": Reply(state["draft"].text, handoff)}


def trivial_skills(gate: Gate | None = None) -> Skills:
    async def respond(state: OfRejections) -> dict[str, Draft]:
        turn = state["turn"]
        if "fail" in turn.text:
            raise ValueError("this text can't be answered")
        if gate is not None and "slow" in turn.text:
            gate.reached.set()
            await gate.open.wait()
        again = f" (again {len(state.get('rejections', ()))})" if state.get("rejections") else ""
        text = "echo: " + " | ".join(message.text for message in turn.messages) + again
        return {"draft": Draft(text, "riddle" not in turn.text, (), 0.9, EN, "trivial")}

    return Skills(identify, sentiment, retrieve, respond, escalate, adapt, guard=guard)


def trivial_graph(gate: Gate | None = None) -> Graph:
    return build_graph(trivial_skills(gate))
