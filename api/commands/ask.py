"""``csagent ask``: one question through the real graph, with nothing stored and nothing sent."""

from __future__ import annotations

import copy
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import typer
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from api.agent import open_agent
from api.commands.connection import connected, run
from api.commands.printing import jsonable, output, print_json
from api.commands.trace import print_answer, print_step
from graph.build import Graph
from infra.models.tracing import tracing
from skills.errors import BadRequestError
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


def command(
    question: Annotated[str, typer.Argument(help="What a customer writes.")],
    channel: Annotated[str, typer.Option(help="What the reply is made for: chat, form, email, whatsapp.")] = "chat",
    name: Annotated[str | None, typer.Option(help="The customer's name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """Ask the agent one question and see how each skill comes to its result.

    The real graph runs on the real articles, as an unverified customer's
    message would make it; but nothing is stored, sent or asked of a person.
    Each line is a skill as it finishes, with its milliseconds.

    Example: csagent ask "My parcel never came and I want my money back"
    """
    if not question.strip():
        raise BadRequestError("there is no question", hint='csagent ask "Where is my parcel?"')
    console = output()

    async def work() -> list[Step]:
        steps = []
        async with connected("ask") as services:
            settings = services.settings
            async with open_agent(settings, services.database, services.keyring) as graph:
                with tracing(allowed=settings.langsmith_api_key is not None):
                    async for step in run_steps(graph, make_turn(question, channel=channel, name=name)):
                        steps.append(step)
                        if not as_json:
                            print_step(console, step.skill, step.milliseconds, step.finding)
        return steps

    steps = run(work)
    reply = next(step.finding for step in steps if isinstance(step.finding, Reply))
    request = next((step.finding for step in steps if step.skill == "review"), None)
    if as_json:
        print_json(
            {
                "question": question,
                "channel": channel,
                "steps": [
                    {"skill": step.skill, "milliseconds": step.milliseconds, "finding": jsonable(step.finding)}
                    for step in steps
                ],
                # What the customer gets now: the handoff note alone where a person has to decide on the reply.
                "answered_now": request is None,
                "reply": reply.text,
                "handoff": reply.handoff,
            }
        )
    else:
        print_answer(console, reply, request)


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
