"""``csagent escalations``: what waits for a person, read and decided at a terminal."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.commands.connection import connected, run
from api.commands.dossier import print_changes, print_dossier
from api.commands.ids import whole_id
from api.commands.options import SHORTEST, AsJson, Id, Name
from api.commands.printing import left, line, notices, output, print_json, severity, window
from api.wiring import Services
from graph.review import make_decision
from infra.postgres.escalations import QueuedEscalation, ReadEscalation
from infra.postgres.listed import Listed
from skills.errors import BadRequestError, ConflictError
from skills.turn import CaseId, Decision, EscalationId

app = typer.Typer(
    help="What waits for a person: list, show, decide.",
    no_args_is_help=True,
    epilog="The same at a browser: the page /review of the API.",
)


@app.command("list", epilog="Example: `csagent escalations list`")
def list_open(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Escalations at most.")] = 50,
    name: Name = None,
    *,
    as_json: AsJson = False,
) -> None:
    """What nobody has decided yet, the nearest deadline first. That you looked is written down."""
    who = reader(name)

    async def work() -> Listed[QueuedEscalation]:
        async with connected("escalations") as services:
            return await services.reviews.queue(limit=limit, reader=who)

    queue = run(work)
    if as_json:
        print_json(queue)
        return
    console = output()
    if not queue:
        console.print("nothing waits for a person")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    length = unique_length([item.id for item in queue])
    for column in ("id", "", "time", "channel"):
        table.add_column(column, no_wrap=True)
    table.add_column("why and what", ratio=1)
    now = datetime.now(UTC)
    for item in queue:
        whose = "" if item.customer_name is None else f"{line(item.customer_name)}: "
        what = Text.assemble((", ".join(item.rules), "bold"), f"\n{whose}{line(item.first_line)}")
        if item.claimed_by:
            what.append(f"\n{line(item.claimed_by)} is at it", style="yellow")
        if item.window_closes_at is not None:
            what.append("\n")
            what.append_text(window(item.window_closes_at, now))
        table.add_row(str(item.id)[:length], severity(item.severity), left(item.reply_by, now), item.channel, what)
    console.print(table)
    if queue.total > len(queue):
        notices().print(f"the first {len(queue)} of {queue.total}; --limit shows more")


@app.command(epilog="Example: `csagent escalations show 0198a3f2-77`")
def show(identifier: Id, name: Name = None, *, as_json: AsJson = False) -> None:
    """Everything that a reviewer needs: the talk, the proposal, why you are asked, the sources, the version.

    That you read it is written down.
    """

    async def work() -> ReadEscalation:
        async with connected("escalations") as services:
            return await _read(services, identifier, reader(name))

    read = run(work)
    if as_json:
        print_json(read)
    else:
        print_dossier(output(), read)


@app.command(epilog='Example: `csagent escalations decide 0198a3f2-77 --action edit --text "It left us on Monday."`')
def decide(
    identifier: Id,
    action: Annotated[str, typer.Option(help="approve, edit, answer, reject or take_over.")],
    text: Annotated[str | None, typer.Option(help="What is sent instead, with edit and answer.")] = None,
    text_file: Annotated[Path | None, typer.Option(help="The same from a file; - is standard input.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why the draft is no good, with reject.")] = None,
    version: Annotated[
        str | None,
        typer.Option(help="The version that you read, as `show` gives it.", show_default="shows it and asks"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask; needs --version.")] = False,
    name: Name = None,
) -> None:
    """Decide, on exactly what you have read.

    approve sends the proposal; edit and answer send your text; reject asks
    the agent for another draft; take_over leaves the case to you. Without
    --version the escalation is shown and you are asked. If anything has
    changed since the version that you read, nothing is decided and you are
    told what is different.
    """
    console = notices()
    if yes and version is None:
        raise BadRequestError(
            "--yes needs --version", hint="`csagent escalations show` gives the version: decide on what you have read"
        )
    if version is None and text_file == Path("-"):
        raise BadRequestError("a text on standard input needs --version", hint="there is nobody left to ask")
    decision = make_decision(action=action, reviewer=reader(name), text=_text(text, text_file), reason=reason)

    async def work() -> CaseId:
        async with connected("escalations") as services:
            seen = version
            if seen is None:
                read = await _read(services, identifier, decision.reviewer)
                print_dossier(console, read)
                _confirm(decision, read)
                seen = read.version
            escalation_id = await _id(services, identifier)
            try:
                case_id = await services.reviews.decide(escalation_id, decision, seen=seen)
            except ConflictError as conflict:
                print_changes(console, conflict.changes)
                raise
            await services.signals.case_waits(case_id)
            return case_id

    case_id = run(work)
    output().print(f"decided: {decision.action}; a worker applies it to case {case_id}", soft_wrap=True)


def reader(name: str | None) -> str:
    """Who reads and decides: the given name, else the login's.

    Raises:
        BadRequestError: neither says who it is.
    """
    try:
        chosen = (name if name is not None else getpass.getuser()).strip()
    except (KeyError, OSError):  # a container's user often has a number only
        chosen = ""
    if not chosen:
        raise BadRequestError("nobody knows who you are", hint="say it: --as NAME")
    return chosen


def unique_length(ids: list[EscalationId]) -> int:
    """How many characters tell these ids apart, and then two more; ids made in one minute begin alike."""
    texts = sorted(str(escalation_id) for escalation_id in ids)
    shared = [
        next((at for at, (one, other) in enumerate(zip(a, b, strict=True)) if one != other), 0)
        for a, b in pairwise(texts)
    ]
    return max(SHORTEST, max(shared, default=0) + 3)


async def _id(services: Services, identifier: str) -> EscalationId:
    between = services.reviews.beginning
    return await whole_id(identifier, between, what="escalation", shown_by="csagent escalations list")


async def _read(services: Services, identifier: str, name: str) -> ReadEscalation:
    return await services.reviews.read(await _id(services, identifier), reader=name)


def _text(text: str | None, text_file: Path | None) -> str | None:
    if text_file is None:
        return text
    if text is not None:
        raise BadRequestError("--text and --text-file exclude each other", hint="use one of them")
    if text_file == Path("-"):
        return sys.stdin.read()
    try:
        return text_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(
            f"{text_file} can't be read: {type(error).__name__}", hint="a text file in UTF-8, or - for standard input"
        ) from None


def _confirm(decision: Decision, read: ReadEscalation) -> None:
    if read.status != "open":
        return  # deciding says who was quicker
    questions = {
        "approve": "Send the proposal above to the customer?",
        "edit": "Send your text to the customer?",
        "answer": "Send your text to the customer?",
        "reject": "Reject the proposal and have another one written?",
        "take_over": "Take the case over? The agent then says nothing more in it.",
    }
    typer.confirm(questions[decision.action], abort=True, err=True)
