"""One question through the graph, to see how the agent comes to its answer: nothing is stored, sent or asked."""

from __future__ import annotations

import copy
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from graph.build import Graph
from skills.turn import (
    CHECKPOINTED,
    CaseId,
    ChannelName,
    Customer,
    CustomerId,
    Message,
    MessageId,
    Reply,
    Turn,
    TurnId,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A skill that has finished: what it found out, or for ``review`` what it asks a person."""

    skill: str
    milliseconds: float
    finding: Any


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a question."""

    steps: tuple[Step, ...]
    reply: Reply
    request: Mapping[str, Any] | None
    """What a person would be asked, while the customer gets the handoff note; ``None``: the reply goes out at once."""

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Tried:
        """What all the steps of a turn come to."""
        return cls(
            tuple(steps),
            reply=next(step.finding for step in steps if isinstance(step.finding, Reply)),
            request=next((step.finding for step in steps if step.skill == "review"), None),
        )


def make_turn(question: str, *, channel: str, name: str | None) -> Turn:
    """The turn of an unverified customer's first message."""
    now = datetime.now(UTC)
    return Turn(
        id=TurnId(uuid4()),
        case_id=CaseId(uuid4()),
        channel=ChannelName(channel),
        customer=Customer(
            CustomerId(uuid4()), name, verified=False, language=None, segment="standard", earlier_cases=0
        ),
        messages=(Message(MessageId(uuid4()), 1, "customer", question, now),),
        history=(),
        earlier_polarity=(),
        started_at=now,
    )


async def run_steps(graph: Graph, turn: Turn) -> AsyncIterator[Step]:
    """Run the graph on a turn, in memory, and tell of every skill as it finishes."""
    running = copy.copy(graph)
    running.checkpointer = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=CHECKPOINTED))
    config: RunnableConfig = {"configurable": {"thread_id": str(turn.case_id)}}
    began: dict[str, float] = {}
    stream: AsyncIterator[Any] = running.astream(
        {"turn": turn}, config, stream_mode=["tasks", "updates"], durability="exit"
    )
    async for mode, told in stream:
        now = time.perf_counter()
        if mode == "tasks":
            # A task is told of twice: when it begins, with its input, and when it has ended, with its result.
            if "input" in told:
                began[told["name"]] = now
            continue
        for node, update in told.items():
            if node == "__interrupt__":
                skill, finding = "review", update[0].value
            else:
                skill, (finding,) = node, update.values()
            yield Step(skill, round((now - began.get(skill, now)) * 1000, 2), finding)
