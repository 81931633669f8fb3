"""``csagent staff``: who may sign in to the console, and as what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from api.commands.connection import connected, run
from api.commands.escalations import reader
from api.commands.options import AsJson, Name
from api.commands.printing import notices, output, print_json
from infra.postgres.staff import ListedAccount, StaffAccounts
from infra.staff.roles import ROLES, Role
from skills.errors import BadRequestError

app = typer.Typer(
    help="Who may sign in to the console: add, list, role, rename, disable, enable, reset.",
    no_args_is_help=True,
    epilog="What each role may do stands in docs/console.md. Every change is written down, with your name.",
)

Who = Annotated[str, typer.Argument(metavar="NAME", help="The name that they sign in with.")]
Result = TypeVar("Result")
NewRole = Annotated[str, typer.Argument(metavar="ROLE", help=f"One of {', '.join(ROLES)}.")]


@app.command(epilog="Example: `csagent staff add kim --role lead`")
def add(
    who: Who,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "reviewer",
    name: Name = None,
    *,
    as_json: AsJson = False,
) -> None:
    """A new account. Prints a password for the first sign-in, which has to be changed then."""
    by, chosen = reader(name), _role(role)
    _print_password(who, _with(lambda accounts: accounts.add(who, chosen, by=by)), as_json=as_json)


@app.command(name="list")
def list_accounts(*, as_json: AsJson = False) -> None:
    """Everybody who has an account."""
    accounts: list[ListedAccount] = _with(lambda accounts: accounts.listed())
    if as_json:
        print_json(accounts)
        return
    if not accounts:
        output().print("nobody has an account; `csagent staff add NAME --role admin` makes the first")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "role", "signs in", "last", "state"):
        table.add_column(column)
    for one in accounts:
        state = "disabled" if one.disabled_at else "new password" if one.password_made_up else ""
        last = f"{one.signed_in_at:%Y-%m-%d %H:%M} UTC" if one.signed_in_at else "never"
        table.add_row(one.name, one.role, "through the provider" if one.issuer else "by password", last, state)
    output().print(table)


@app.command(epilog="Example: `csagent staff role kim lead`")
def role(who: Who, new: NewRole, name: Name = None) -> None:
    """Make somebody something else; it counts from their next request on."""
    by, chosen = reader(name), _role(new)
    _with(lambda accounts: accounts.set_role(who, chosen, by=by))
    output().print(f"{who} is {chosen} now")


@app.command(epilog="Example: `csagent staff rename kim kim.park`")
def rename(
    who: Who, new: Annotated[str, typer.Argument(metavar="NEW", help="The name from now on.")], name: Name = None
) -> None:
    """Call somebody otherwise. What they did, and the cases that they hold, stay under the name that they had."""
    by = reader(name)
    _with(lambda accounts: accounts.rename(who, new, by=by))
    output().print(f"{who} is {new} now")


@app.command(epilog="Example: `csagent staff disable kim`")
def disable(who: Who, name: Name = None) -> None:
    """Keep somebody out from now on; they are signed out everywhere."""
    by = reader(name)
    _with(lambda accounts: accounts.disable(who, by=by))
    output().print(f"{who} may not sign in any more")


@app.command(epilog="Example: `csagent staff enable kim`")
def enable(who: Who, name: Name = None) -> None:
    """Let somebody in again who was disabled."""
    by = reader(name)
    _with(lambda accounts: accounts.enable(who, by=by))
    output().print(f"{who} may sign in again")


@app.command(epilog="Example: `csagent staff reset kim`")
def reset(who: Who, name: Name = None, *, as_json: AsJson = False) -> None:
    """A new password for somebody who forgot theirs; they are signed out everywhere."""
    by = reader(name)
    _print_password(who, _with(lambda accounts: accounts.reset(who, by=by)), as_json=as_json)


def _with(work: Callable[[StaffAccounts], Awaitable[Result]]) -> Result:
    async def connect() -> Result:
        async with connected("staff") as services:
            return await work(services.staff.accounts)

    return run(connect)


def _role(text: str) -> Role:
    if text not in ROLES:
        raise BadRequestError(f"{text} is no role", hint=f"one of {', '.join(ROLES)}")
    return text


def _print_password(who: str, password: str, *, as_json: bool) -> None:
    """The password alone on standard output, so that it can be piped to where it goes."""
    if as_json:
        print_json({"name": who, "password": password})
        return
    notices().print(f"the password of {who}, shown this once; it has to be changed at the first sign-in:")
    output().print(password)
