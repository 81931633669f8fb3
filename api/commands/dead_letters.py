"""``csagent dead-letters``: what the agent gave up; tried again or put away at a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.commands.connection import connected, run
from api.commands.escalations import reader
from api.commands.ids import whole_id
from api.commands.options import AsJson, Id, Name
from api.commands.printing import duration, indented, line, output, plural, print_json, title
from api.wiring import Services
from infra.postgres.dead_letters import DeadLetter, ReadDeadLetter
from skills.turn import CaseId

app = typer.Typer(
    help="What the agent gave up: list, show, retry, discard.",
    no_args_is_help=True,
    epilog="Their cases are among those that people own: the page /review of the API.",
)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


@app.command("list", epilog="Example: `csagent dead-letters list`")
def list_open(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Dead letters at most.")] = 50, *, as_json: AsJson = False
) -> None:
    """What nobody has dealt with yet, oldest first."""

    async def work() -> list[DeadLetter]:
        async with connected("dead-letters") as services:
            return await services.dead_letters.open(limit=limit)

    letters = run(work)
    if as_json:
        print_json(letters)
        return
    console = output()
    if not letters:
        console.print("no dead letters")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "age", "messages", "case"):
        table.add_column(name, no_wrap=True)
    table.add_column("error", ratio=1)
    now = datetime.now(UTC)
    for letter in letters:
        age = duration((now - letter.created_at).total_seconds())
        table.add_row(str(letter.id), age, str(letter.messages), str(letter.case_id)[:13], line(letter.error))
    console.print(table)


@app.command(epilog="Example: `csagent dead-letters show 0198a3f2-77`")
def show(identifier: Id, name: Name = None, *, as_json: AsJson = False) -> None:
    """The messages, the error, how often it was tried, and what the customer was told.

    That you read it is written down.
    """

    async def work() -> ReadDeadLetter:
        async with connected("dead-letters") as services:
            return await services.dead_letters.read(await _id(services, identifier), reader=reader(name))

    read = run(work)
    if as_json:
        print_json(read)
    else:
        _print(output(), read)


@app.command(epilog="Example: `csagent dead-letters retry 0198a3f2-77`")
def retry(identifier: Id, name: Name = None, *, yes: Yes = False) -> None:
    """Let the agent try again, with what the customer wrote since.

    Refused when a person has answered meanwhile, has the case, or has
    resolved it. A second time changes nothing.
    """
    operator = reader(name)

    async def work() -> CaseId:
        async with connected("dead-letters") as services:
            letter_id = await _id(services, identifier)
            _confirm(yes, "Give its messages and the case back to the agent?")
            case_id = await services.dead_letters.retry(letter_id, operator)
            await services.signals.case_waits(case_id)
            return case_id

    output().print(f"retried: a worker takes case {run(work)} up at once", soft_wrap=True)


@app.command(epilog='Example: `csagent dead-letters discard 0198a3f2-77 --reason "answered by telephone"`')
def discard(
    identifier: Id,
    reason: Annotated[str, typer.Option(help="Why nobody answers, in a sentence; it is kept sealed.")],
    name: Name = None,
    *,
    yes: Yes = False,
) -> None:
    """Put it away without an answer. The case stays with the people, who may hand it back or resolve it."""
    operator = reader(name)

    async def work() -> CaseId:
        async with connected("dead-letters") as services:
            letter_id = await _id(services, identifier)
            _confirm(yes, "Put it away without an answer?")
            return await services.dead_letters.discard(letter_id, operator, reason)

    output().print(f"discarded; case {run(work)} stays with the people: hand it back or resolve it", soft_wrap=True)


async def _id(services: Services, identifier: str) -> UUID:
    between = services.dead_letters.beginning
    return await whole_id(identifier, between, what="dead letter", shown_by="csagent dead-letters list")


def _confirm(yes: bool, question: str) -> None:
    if not yes:
        typer.confirm(question, abort=True, err=True)


def _print(console: Console, read: ReadDeadLetter) -> None:
    age = duration((datetime.now(UTC) - read.created_at).total_seconds())
    tried = "" if read.attempts is None else f", tried {plural(read.attempts, 'time')}"
    console.print(Text.assemble((line(read.error), "bold red"), f"  {age} ago{tried}, on {read.channel}"))
    owner = f"{read.owner_name or 'the people'}" if read.owner == "human" else "the agent"
    console.print(Text(f"case {read.case_id}, {read.case_status}, with {line(owner)}"), soft_wrap=True)
    if read.resolution is not None:
        console.print(Text(f"{read.resolution} by {line(read.resolved_by or '')}", style="yellow"))
        if read.reason:
            console.print(indented(read.reason))
    console.print(title("Given up"))
    if not read.messages:
        console.print(indented("nothing is left of it: the customer was erased"))
    for message in read.messages:
        console.print(indented(f"{message.sequence}  {message.text}"))
    console.print(title("What the customer was told"))
    told = "nothing" if read.told is None else f"{read.told.text}  ({read.told.delivery})"
    console.print(indented(told))
    later = [message for message in read.transcript if read.messages and message.sequence > read.messages[-1].sequence]
    later = [message for message in later if message is not read.told]
    if later:
        console.print(title("Since then"))
        for message in later:
            console.print(indented(f"{message.author}: {message.text}"))
