"""``csagent customers``: who has an address, what is theirs on every channel, joining, parting, and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from api.commands.connection import connected, run
from api.commands.escalations import reader
from api.commands.ids import whole_id
from api.commands.options import SHORTEST, AsJson, Id, Name
from api.commands.printing import line, notices, output, plural, print_json, title, visible
from api.wiring import Services
from infra.customer_records import COLUMNS, checked_facts, read_records
from infra.postgres.customers import FoundCustomer, ReadCustomer
from infra.postgres.facts import BATCH, Kept
from skills.turn import CustomerId

_SHOWN = 20
"""Lines that are named one by one, of those that can't be read."""

app = typer.Typer(
    help="Customers across channels: find, show, merge, unmerge, import, note.",
    no_args_is_help=True,
    epilog="Every look is written down, with your name and without the address.",
)


@app.command(epilog="Example: `csagent customers find dana@example.com`")
def find(
    address: Annotated[str, typer.Argument(help="A whole mail address, or a phone number with its country.")],
    name: Name = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Who has this very address: proven by a channel or a code, or only said."""

    async def work() -> list[FoundCustomer]:
        async with connected("customers") as services:
            return await services.customers.find(address, reader=reader(name))

    found = run(work)
    if as_json:
        print_json(found)
        return
    console = output()
    if not found:
        console.print("nobody has this address")
    for one in found:
        how = Text("proven", style="green") if one.proven else Text("only says so", style="yellow")
        console.print(Text.assemble(str(one.id), "  ", how, f"  {', '.join(one.channels)}"))


@app.command(epilog="Example: `csagent customers show 0198a3f2-77`")
def show(identifier: Id, name: Name = None, *, as_json: AsJson = False) -> None:
    """Addresses, cases on all channels, and who may be the same person. That you read it is written down."""

    async def work() -> ReadCustomer:
        async with connected("customers") as services:
            return await services.customers.read(await _id(services, identifier), reader=reader(name))

    read = run(work)
    if as_json:
        print_json(read)
    else:
        _print_customer(output(), read)


@app.command(epilog="Example: `csagent customers merge 0198a3f2-77 0198b001-12`")
def merge(
    identifier: Id,
    into: Annotated[str, typer.Argument(help=f"Whose part it becomes: an id, or {SHORTEST} characters of it or more.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't show both and ask.")] = False,
    name: Name = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say that two customers are one person: talks, cases and addresses of the first become the second's.

    It can be undone for a time. What an agent is writing in their cases
    begins anew, so that nothing is sent that rests on what was before.
    """
    who = reader(name)

    async def work() -> dict[str, str]:
        async with connected("customers") as services:
            source, target = await _id(services, identifier), await _id(services, into)
            if not yes:
                for one in (source, target):
                    _print_customer(notices(), await services.customers.read(one, reader=who))
                typer.confirm("Are these two one person?", abort=True, err=True)
            merge_id = await services.customers.merge(source, target, reviewer=who)
            return {"merge_id": str(merge_id), "customer_id": str(target)}

    merged = run(work)
    if as_json:
        print_json(merged)
    else:
        output().print(f"merged into {merged['customer_id']}; `csagent customers unmerge` undoes it", soft_wrap=True)


@app.command(epilog="Example: `csagent customers unmerge 0198a3f2-77`")
def unmerge(identifier: Id, name: Name = None, *, as_json: AsJson = False) -> None:
    """Undo the merge by which this customer became another's part: what moved goes back."""
    who = reader(name)

    async def work() -> dict[str, str]:
        async with connected("customers") as services:
            source = await _id(services, identifier)
            parted = await services.customers.unmerge(source, reviewer=who)
            return {"customer_id": str(source), "parted_from": str(parted)}

    parted = run(work)
    if as_json:
        print_json(parted)
    else:
        output().print(f"parted from {parted['parted_from']}", soft_wrap=True)


@app.command("import", epilog="Example: `csagent customers import customers.csv`")
def import_records(
    path: Annotated[Path, typer.Argument(help=f"A CSV file with the columns {', '.join(COLUMNS)}; name is needed.")],
    name: Name = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Bring your own records of customers, so that somebody who tells theirs is offered to staff as a match.

    Bring the file as often as you like: what has not changed is not touched.
    Addresses in it are claims, which only a message or a code proves. Lines
    that can't be read are listed at the end, with exit code 1.
    """
    who, read = reader(name), read_records(path)

    async def work() -> Kept:
        kept = Kept()
        async with connected("customers") as services:
            with _progress(len(read.records)) as told:
                for start in range(0, len(read.records), BATCH):
                    batch = read.records[start : start + BATCH]
                    kept += await services.customer_facts.keep(batch, told_by=who)
                    told(start + len(batch))
        return kept

    kept = run(work)
    if as_json:
        print_json(kept)
    else:
        output().print(
            f"{plural(kept.added, 'record')} added, {kept.changed:,} changed, {kept.unchanged:,} unchanged"
            + (f", {kept.erased:,} of erased customers left out" if kept.erased else "")
        )
    if read.problems:
        console = notices()
        console.print(Text(f"{plural(len(read.problems), 'line')} left out:", style="bold red"))
        for problem in read.problems[:_SHOWN]:
            console.print(Text(f"  {visible(problem)}"), soft_wrap=True)
        if len(read.problems) > _SHOWN:
            console.print(Text(f"  and {len(read.problems) - _SHOWN:,} more", style="dim"))
        raise typer.Exit(1)


@app.command(epilog='Example: `csagent customers note 0198a3f2-77 --called "Jane Bell" --postcode "G46 0JU"`')
def note(
    identifier: Id,
    called: Annotated[str, typer.Option(help="First and last name.")],
    postcode: Annotated[str, typer.Option(help="As it is written: EC1A 1BB, 75011, 00-950.")] = "",
    born: Annotated[str, typer.Option(help="Date of birth: 1981-03-20, or 20.03.1981.")] = "",
    name: Name = None,
) -> None:
    """Write down what you know of a customer from a case, in place of what was noted before."""
    who, facts = reader(name), checked_facts({"name": called, "postcode": postcode, "date_of_birth": born})

    async def work() -> CustomerId:
        async with connected("customers") as services:
            customer = await _id(services, identifier)
            await services.customer_facts.note(customer, facts, told_by=who)
            return customer

    output().print(f"noted of {run(work)}")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar for whoever watches; nothing where nobody does."""
    console = notices()
    if not console.is_terminal:
        yield lambda _done: None
        return
    columns = (TextColumn("keeping records"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


async def _id(services: Services, identifier: str) -> CustomerId:
    between = services.customers.beginning
    return await whole_id(identifier, between, what="customer", shown_by="csagent customers find ADDRESS")


def _print_customer(console: Console, read: ReadCustomer) -> None:
    about = [line(read.name or "no name"), read.language or "language unknown", read.segment]
    console.print(Text(", ".join(about), style="bold"))
    console.print(Text(f"customer {read.id}, since {read.created_at:%Y-%m-%d}", style="dim"))
    if read.erased:
        console.print(Text("erased: nothing of it can be read any more", style="yellow"))
    if read.merged_into:
        console.print(Text(f"is part of {read.merged_into} now", style="yellow"))
    if read.addresses:
        console.print(title("Addresses"))
    for known in read.addresses:
        said = ("proven", "green") if known.proven_at else ("only said", "yellow")
        contested = "  proven in a talk of this customer: look whose it is" if known.contested else ""
        console.print(Text.assemble("  ", line(known.address or "erased"), f"  {known.channel}  ", said, contested))
    console.print(
        title(
            f"{plural(len(read.cases), 'case')} in {plural(read.conversations, 'conversation')}, {read.open_cases} open"
        )
    )
    if read.cases:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("  case", "channel", "opened", "status", "with"):
            table.add_column(column, no_wrap=True)
        for case in read.cases:
            owner = line(case.owner_name or "a person") if case.owner == "human" else "the agent"
            table.add_row(f"  {case.id}", case.channel, f"{case.opened_at:%Y-%m-%d %H:%M}", case.status, owner)
        console.print(table)
    for match in read.possible_matches:
        why = "proved the same address" if match.contested or match.theirs else "says to have the same address"
        console.print(
            Text(f"may be the same as {match.customer_id}: {why} ({', '.join(match.channels)})", style="yellow")
        )
    for merged in read.merges:
        undone = f", undone by {line(merged.undone_by)}" if merged.undone_by else ""
        console.print(
            Text(
                f"{merged.source_id} was merged into {merged.into_id} by {line(merged.merged_by)}{undone}", style="dim"
            )
        )
