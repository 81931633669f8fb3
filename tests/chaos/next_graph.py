"""A later version of the graph, for workers of two releases side by side: it has one node more."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from graph.build import Graph, Skills
from graph.routing import after_adapt, after_review
from graph.state import TurnState
from skills.turn import Reply
from tests.trivial import OfDraft

VERSION = "next"


async def polish(state: OfDraft) -> dict[str, Reply]:
    handoff = "A colleague will look at this soon." if state["escalation"].needed else None
    return {"reply": Reply(f"{state['draft'].text} (polished)", handoff)}


def next_graph(skills: Skills, review: Any) -> Graph:
    graph = StateGraph(TurnState)
    graph.add_node("identify", skills.identify)
    graph.add_node("sentiment", skills.sentiment)
    graph.add_node("retrieve", skills.retrieve)
    graph.add_node("respond", skills.respond)
    graph.add_node("escalate", skills.escalate)
    graph.add_node("adapt", skills.adapt)
    graph.add_node("polish", polish)
    graph.add_node("review", review)
    graph.add_edge(START, "identify")
    graph.add_edge("identify", "sentiment")
    graph.add_edge("identify", "retrieve")
    graph.add_edge(["sentiment", "retrieve"], "respond")
    graph.add_edge("respond", "escalate")
    graph.add_edge("escalate", "adapt")
    graph.add_edge("adapt", "polish")
    graph.add_conditional_edges("polish", after_adapt, ["review", END])
    graph.add_conditional_edges("review", after_review, ["respond", END])
    return graph.compile()
