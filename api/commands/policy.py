"""``csagent policy``: when a person decides, explained, checked, and tried on what was said before."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from api.agent import open_offline_agent, read_policy
from api.commands.connection import connected, run
from api.commands.escalations import reader
from api.commands.options import AsJson, Name
from api.commands.policy_trial import Changed, Trial, print_explanation, print_faults, print_trial
from api.commands.printing import notices, output, plural, print_json
from api.trying import make_turn, run_steps
from graph.build import Graph
from infra.postgres.past_turns import PastTurn, PastTurns
from infra.settings import read_settings
from skills.errors import BadRequestError
from skills.escalate import Policy, Situation, faults_of
from skills.turn import Draft, Guarding, Identification, Intent, Sentiment, Turn

app = typer.Typer(
    help="When a person decides: explain, check, and try another policy on the past.",
    no_args_is_help=True,
    epilog="The rules stand in skills/escalate/policy.toml; CSAGENT_POLICY_FILE names another file.",
)

_SPAN = re.compile(r"(\d{1,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}

PolicyFile = Annotated[Path | None, typer.Option("--policy", help="A policy file.", show_default="the one in use")]


@app.command(epilog='Example: `csagent policy explain "my friend says I should sue you" --channel email --verified`')
def explain(
    text: Annotated[str, typer.Argument(help="What a customer writes.")],
    channel: Annotated[str, typer.Option(help="Where: chat, form, email, whatsapp.")] = "chat",
    verified: Annotated[bool, typer.Option(help="Whether the address was proven.")] = False,
    segment: Annotated[str, typer.Option(help="The customer's: standard, vip, or one of your own.")] = "standard",
    earlier_cases: Annotated[int, typer.Option(min=0, help="Cases of the customer in the last seven days.")] = 0,
    policy: PolicyFile = None,
    every: Annotated[bool, typer.Option("--all", help="Also why each other rule does not hold.")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Which rules ask for a person to decide on this text, and which nearly do.

    The real skills run on the real articles, without a language model; nothing
    is stored or sent. Each rule that holds is told with what made it hold, its
    severity and how soon a person looks.
    """
    if not text.strip():
        raise BadRequestError("there is no text", hint='csagent policy explain "I want my money back"')
    chosen = _policy(policy)
    turn = make_turn(text, channel=channel, name=None)
    customer = replace(turn.customer, verified=verified, segment=segment, earlier_cases=earlier_cases)
    turn = replace(turn, customer=customer)

    async def work() -> Situation:
        async with (
            connected("policy") as services,
            open_offline_agent(services.settings, services.database, services.keyring) as graph,
        ):
            return await _situation(graph, turn)

    print_explanation(run(work), chosen, every=every, as_json=as_json)


@app.command(epilog="Example: `csagent policy check ours.toml`")
def check(
    file: Annotated[Path | None, typer.Argument(help="A policy file.", show_default="the one in use")] = None,
) -> None:
    """Say everything that is wrong with a policy: file, rule, field, what is allowed. Exit code 1 if anything is."""
    path = file or read_settings().policy_file
    if path is None:
        policy = Policy.default()
    elif faults := faults_of(_read(path), name=path.name):
        print_faults(faults)
        raise typer.Exit(1)
    else:
        policy = Policy.parse(_read(path), name=path.name)
    counts = {name: sum(rule.severity == name for rule in policy.rules) for name in ("P1", "P2", "P3")}
    told = ", ".join(f"{count} of {name}" for name, count in counts.items())
    output().print(
        f"{path.name if path else 'the shipped policy'}: {plural(len(policy.rules), 'rule')} ({told}), no fault"
    )


@app.command("dry-run", epilog="Example: `csagent policy dry-run ours.toml --since 30d`")
def dry_run(
    file: Annotated[Path, typer.Argument(help="The other policy file.")],
    since: Annotated[str, typer.Option(help="How far back: 12h, 30d, 8w.")] = "30d",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Turns at most, the newest first.")] = 500,
    examples: Annotated[int, typer.Option(min=0, max=100, help="Turns to show of each kind of change.")] = 3,
    name: Name = None,
    *,
    as_json: AsJson = False,
) -> None:
    """What another policy would have done with turns of the past, beside the one in use.

    What customers wrote is opened and the skills run on it again, without a
    language model, on the articles as they are now; then both policies judge
    the same findings. Nothing is changed or sent. That each case was read is
    written down.
    """
    in_use, other = _policy(None), _policy(file)
    from_when = datetime.now(UTC) - _span(since)

    async def work() -> Trial:
        async with (
            connected("policy") as services,
            open_offline_agent(services.settings, services.database, services.keyring) as graph,
        ):
            past = PastTurns(services.database, services.keyring)
            turn_ids = await past.ended(since=from_when, limit=limit)
            trial = Trial(since=from_when)
            with Progress(console=notices(), transient=True) as progress:
                bar = progress.add_task("turns", total=len(turn_ids))
                for turn_id in turn_ids:
                    found = await past.read(turn_id, reader=reader(name))
                    if found is None:
                        trial.unreadable += 1
                    else:
                        trial.add(await _changed(graph, found, in_use, other))
                    progress.advance(bar)
            return trial

    trial = run(work)
    if as_json:
        print_json(trial.as_json(examples))
    else:
        print_trial(output(), trial, file.name, examples)


async def _changed(graph: Graph, past: PastTurn, in_use: Policy, other: Policy) -> Changed:
    now = await _situation(graph, past.turn)
    return Changed(past, in_use.reasons(now), other.reasons(now))


async def _situation(graph: Graph, turn: Turn) -> Situation:
    """What the skills find out in a turn, up to where the policy is asked."""
    steps: AsyncIterator[Any] = run_steps(graph, turn)
    found: dict[type, Any] = {type(step.finding): step.finding async for step in steps}
    return Situation.of(
        turn,
        found[Sentiment],
        found[Draft],
        identification=found[Identification],
        intent=found.get(Intent),
        guarding=found.get(Guarding),
    )


def _policy(file: Path | None) -> Policy:
    return read_policy(read_settings()) if file is None else Policy.parse(_read(file), name=file.name)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(
            f"the policy file {file} can't be read: {type(error).__name__}", hint="name a TOML file in UTF-8"
        ) from None


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise BadRequestError(f"--since is {text!r}, which is no span of time", hint="such as 12h, 30d or 8w")
    return timedelta(hours=int(found[1]) * _HOURS[found[2]])
