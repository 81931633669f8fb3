"""``csagent deliveries``: texts that did not arrive or may not have, and what a person says became of each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from api.commands.connection import connected, run
from api.commands.escalations import reader
from api.commands.options import SHORTEST, AsJson, Id, Name
from api.commands.printing import duration, line, output, print_json
from infra.postgres.outbox import Finding, Trouble
from skills.errors import BadRequestError, NotFoundError
from skills.turn import CaseId

app = typer.Typer(
    help="Texts that failed or may have: list, settle.",
    no_args_is_help=True,
    epilog="Look at the provider before you settle one: what is sent again may be read twice.",
)

_LIST = "`csagent deliveries list` shows them"


@app.command("list", epilog="Example: `csagent deliveries list`")
def list_troubled(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Deliveries at most.")] = 50, *, as_json: AsJson = False
) -> None:
    """What nobody has settled yet, oldest first.

    An unknown one holds back what follows it in its conversation.
    """

    async def work() -> list[Trouble]:
        async with connected("deliveries") as services:
            return await services.outbox.troubled(limit)

    troubled = run(work)
    if as_json:
        print_json(troubled)
        return
    console = output()
    if not troubled:
        console.print("every text arrived")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "age", "state", "channel"):
        table.add_column(name, no_wrap=True)
    table.add_column("error", ratio=1)
    now = datetime.now(UTC)
    for one in troubled:
        age = duration((now - one.created_at).total_seconds())
        table.add_row(str(one.id), age, one.state, one.channel, line(one.error or ""))
    console.print(table)


@app.command(epilog="Example: `csagent deliveries settle 0198a3f2-77 arrived`")
def settle(
    identifier: Id,
    finding: Annotated[Finding, typer.Argument(help="What you found out at the provider, or decided.")],
    name: Name = None,
) -> None:
    """Say what became of a text; what waited behind it goes on.

    arrived: the customer has it. send_again: it did not arrive, and goes
    out once more. given_up: the customer never gets it.
    """
    person = reader(name)

    async def work() -> CaseId:
        async with connected("deliveries") as services:
            outbox_id = find(await services.outbox.troubled(1000), identifier)
            case_id = await services.outbox.settle_by_hand(outbox_id, finding, person)
            await services.signals.outbox_waits()
            return case_id

    output().print(f"settled as {finding}, in case {run(work)}", soft_wrap=True)


def find(troubled: list[Trouble], identifier: str) -> UUID:
    """The one whose id is this or begins with it.

    Raises:
        BadRequestError: it is too short, or several ids begin so.
        NotFoundError: none begins so.
    """
    digits = identifier.strip().lower().replace("-", "")
    if len(digits) < SHORTEST:
        raise BadRequestError(f"{line(identifier, 60)!r} is no id", hint=f"{_LIST}: {SHORTEST} characters do")
    found = [one.id for one in troubled if one.id.hex.startswith(digits)]
    if not found:
        raise NotFoundError("there is no such delivery in trouble", hint=_LIST)
    if len(found) > 1:
        raise BadRequestError(f"several ids begin with {line(identifier.strip(), 60)}", hint="give more of it")
    return found[0]
