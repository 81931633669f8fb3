"""The graph of a turn. It reads like its drawing.

    identify ─▶ sentiment ──────────┐                 objected
             ├▶ retrieve ─▶ intent ─┤              ┌───────────┐
             └▶ conclude ───────────┴▶ respond ────┴▶ guard ───┴▶ escalate ─▶ adapt ─▶ review (interrupt, when a person
                                          ▲                                              │       decides)
                                          └───────────────── rejected ───────────────────┘

Every draft passes the guards, whoever wrote it: there is no edge around them. Review comes last, so that a reviewer
reads, and the hash covers, the very text that is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from graph.review import review
from graph.routing import after_adapt, after_guard, after_review
from graph.state import TurnState
from skills.conclude import Conclude
from skills.guard import Guard
from skills.intent import ReadIntent

Graph = CompiledStateGraph[Any, Any, Any, Any]
Skill = Any
"""A node: ``async def __call__(self, state: <its input>) -> <its update>``. LangGraph reads those annotations at run
time, which no static type can say."""

GRAPH_VERSION = "2"
"""Written on every turn. Raise it when a paused turn of the older graph could not resume on this one."""


@dataclass(frozen=True, slots=True)
class Skills:
    """One skill a node. Each is a frozen dataclass of its ports; LangGraph hands it only the keys it names."""

    identify: Skill
    sentiment: Skill
    retrieve: Skill
    respond: Skill
    escalate: Skill
    adapt: Skill
    conclude: Skill = field(default_factory=Conclude)
    guard: Skill = field(default_factory=Guard)
    intent: Skill = field(default_factory=ReadIntent)


def build_graph(skills: Skills, *, receive: Skill | None = None, receives: type[Any] | None = None) -> Graph:
    """Compile the graph, without a checkpointer: whoever runs it brings one.

    Args:
        skills: the nodes.
        receive: a node before all others that makes a ``Turn`` out of something else; LangGraph Studio needs one.
        receives: the type of what ``receive`` takes, which then is the graph's input.
    """
    graph = StateGraph(TurnState, input_schema=receives) if receives else StateGraph(TurnState)

    graph.add_node("identify", skills.identify)
    graph.add_node("sentiment", skills.sentiment)
    graph.add_node("retrieve", skills.retrieve)
    graph.add_node("intent", skills.intent)
    graph.add_node("conclude", skills.conclude)
    graph.add_node("respond", skills.respond)
    graph.add_node("guard", skills.guard)
    graph.add_node("escalate", skills.escalate)
    graph.add_node("adapt", skills.adapt)
    graph.add_node("review", review)

    if receive is None:
        graph.add_edge(START, "identify")
    else:
        graph.add_node("receive", receive)
        graph.add_edge(START, "receive")
        graph.add_edge("receive", "identify")
    graph.add_edge("identify", "sentiment")
    graph.add_edge("identify", "retrieve")
    graph.add_edge("identify", "conclude")
    graph.add_edge("retrieve", "intent")
    graph.add_edge(["sentiment", "intent", "conclude"], "respond")
    graph.add_edge("respond", "guard")
    graph.add_conditional_edges("guard", after_guard, ["respond", "escalate"])
    graph.add_edge("escalate", "adapt")
    graph.add_conditional_edges("adapt", after_adapt, ["review", END])
    graph.add_conditional_edges("review", after_review, ["respond", END])

    return graph.compile()
