"""Where the graph goes next: pure functions of the state.

They are async so that LangGraph calls them on the event loop; a plain function would cost a thread each time.
"""

from __future__ import annotations

from typing import Literal

from graph.state import TurnState


async def after_guard(state: TurnState) -> Literal["respond", "escalate"]:
    """Back to respond while the guards demand something of it, twice at most in a row."""
    return "escalate" if state["guarding"].demand is None else "respond"


async def after_adapt(state: TurnState) -> Literal["review", "__end__"]:
    """To a person when the policy asks for one, else the turn is over."""
    return "review" if state["escalation"].needed else "__end__"


async def after_review(state: TurnState) -> Literal["respond", "__end__"]:
    """A rejected draft is written again with the reviewer's reason; everything else ends the turn."""
    return "respond" if state["decision"].action == "reject" else "__end__"
