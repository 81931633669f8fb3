"""``csagent ask``: one question through the real graph, with nothing stored and nothing sent."""

from __future__ import annotations

from typing import Annotated

import typer

from api.agent import open_agent
from api.commands.connection import connected, run
from api.commands.printing import jsonable, output, print_json
from api.commands.trace import print_answer, print_step
from api.trying import Step, Tried, make_turn, run_steps
from infra.models.tracing import tracing
from skills.errors import BadRequestError


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

    tried = Tried.of(run(work))
    if as_json:
        print_json(
            {
                "question": question,
                "channel": channel,
                "steps": [
                    {"skill": step.skill, "milliseconds": step.milliseconds, "finding": jsonable(step.finding)}
                    for step in tried.steps
                ],
                # What the customer gets now: the handoff note alone where a person has to decide on the reply.
                "answered_now": tried.request is None,
                "reply": tried.reply.text,
                "handoff": tried.reply.handoff,
            }
        )
    else:
        print_answer(console, tried.reply, tried.request)
