"""``csagent customers``: who has an address, what is theirs on every channel, joining two, and parting them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.commands.connection import connected, run
from api.commands.escalations import reader
from api.commands.ids import whole_id
from api.commands.options import SHORTEST, AsJson, Id, Name
from api.commands.printing import line, notices, output, plural, print_json, title
from api.wiring import Services
from infra.postgres.customers import FoundCustomer, ReadCustomer
from skills.turn import CustomerId

app = typer.Typer(
    help="Customers across channels: find, show, merge, unmerge.",
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
