"""``csagent alerts``: what the staff were told of, how it went, and the programs that are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from api.alert_desk import AlertDesk
from api.commands.connection import connected, run
from api.commands.escalations import reader
from api.commands.ids import whole_id
from api.commands.options import AsJson, Id, Name
from api.commands.printing import duration, line, notices, output, plural, print_json, severity
from infra.alerts.alert import words
from infra.postgres.alert_endpoints import Endpoint
from infra.postgres.alerts import ListedAlert
from skills.errors import BadRequestError

app = typer.Typer(
    help="What the staff are told of: list, test, retry, webhook.",
    no_args_is_help=True,
    epilog="docs/alerts.md says who is told of what, and what a webhook gets.",
)
webhook = typer.Typer(
    no_args_is_help=True, help="Programs that are told: add, list, secret, rotate, enable, disable, remove."
)
app.add_typer(webhook, name="webhook")

Hook = Annotated[str, typer.Argument(metavar="NAME", help="The webhook's name.")]
Result = TypeVar("Result")


@app.command("list", epilog="Example: `csagent alerts list --failed`")
def list_alerts(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Alerts at most.")] = 50,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that somebody was not told of.")] = False,
    as_json: AsJson = False,
) -> None:
    """The newest alerts: who was told, how often it was tried, and the last error."""
    alerts: list[ListedAlert] = _with(lambda desk: desk.noted.listed(limit=limit, failed=failed))
    if as_json:
        print_json(alerts)
        return
    if not alerts:
        output().print("everybody was told of everything" if failed else "nothing was to be told yet")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("send", "age", "", "what", "to", "state", "tries", "error"):
        table.add_column(column, no_wrap=column in {"send", "age"})
    now = datetime.now(UTC)
    for alert in alerts:
        age = duration((now - alert.created_at).total_seconds())
        urgency = severity(alert.severity) if alert.severity else Text()
        for send in alert.sends or [dict.fromkeys(("id", "to", "state", "attempts", "error"))]:
            table.add_row(
                str(send["id"] or ""),
                age,
                urgency,
                words(alert.kind),
                line(send["to"] or "nobody"),
                send["state"] or "untold",
                "" if send["attempts"] is None else str(send["attempts"]),
                line(send["error"] or ""),
            )
    output().print(table)


@app.command("test", epilog="Example: `csagent alerts test`")
def send_test(name: Name = None) -> None:
    """Tell every webhook that telling works, and you if an account of your name has an address."""
    by = reader(name)
    sends = _with(lambda desk: desk.noted.test(by=by))
    if not sends:
        raise BadRequestError(
            "there is nobody to tell",
            hint="`csagent alerts webhook add`, or `csagent staff address`; and a mail server",
        )
    output().print(f"{plural(sends, 'receiver is', 'receivers are')} told within seconds, while the scheduler runs")


@app.command(epilog="Example: `csagent alerts retry 0198a3f2-77`")
def retry(identifier: Id) -> None:
    """Try again to tell somebody, now and for as long as a new one. The id is the send's."""

    async def work(desk: AlertDesk) -> None:
        found = await whole_id(identifier, desk.sends.beginning, what="send", shown_by="csagent alerts list")
        await desk.sends.retry(found)

    _with(work)
    output().print("it is tried again now")


@webhook.command("add", epilog="Example: `csagent alerts webhook add pager https://hooks.example/csagent`")
def add_webhook(
    hook: Hook,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it is told.")],
    name: Name = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell a program, too. Prints the secret that its requests are signed with."""
    by = reader(name)
    _print_secret(hook, _with(lambda desk: desk.endpoints.add(hook, url, by=by)), as_json=as_json)


@webhook.command("list")
def list_webhooks(*, as_json: AsJson = False) -> None:
    """The programs that are told, and how it goes."""
    endpoints: list[Endpoint] = _with(lambda desk: desk.endpoints.listed())
    if as_json:
        print_json(endpoints)
        return
    if not endpoints:
        output().print("no webhooks; `csagent alerts webhook add NAME URL` makes one")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("name", "address", "state", "last told"):
        table.add_column(column)
    for one in endpoints:
        state = "on"
        if one.disabled_for is not None:
            state = "switched off: it answered 410" if one.disabled_for == "gone" else "disabled"
        elif one.failing:
            state = f"failing, {plural(one.failing, 'waits', 'wait')}"
        last = f"{one.sent_at:%Y-%m-%d %H:%M} UTC" if one.sent_at else "never"
        table.add_row(one.name, line(one.url), state, last)
    output().print(table)


@webhook.command("secret")
def show_secret(hook: Hook, *, as_json: AsJson = False) -> None:
    """The secret that holds."""
    _print_secret(hook, _with(lambda desk: desk.endpoints.secret(hook)), as_json=as_json)


@webhook.command("rotate")
def rotate_secret(hook: Hook, name: Name = None, *, as_json: AsJson = False) -> None:
    """A new secret. For a day the old one signs too, so that the receiver can be changed in between."""
    by = reader(name)
    _print_secret(hook, _with(lambda desk: desk.endpoints.rotate(hook, by=by)), as_json=as_json)


@webhook.command("enable")
def enable_webhook(hook: Hook, name: Name = None) -> None:
    """Tell it again what comes from now on."""
    by = reader(name)
    _with(lambda desk: desk.endpoints.enable(hook, by=by))
    output().print(f"{hook} is told again")


@webhook.command("disable")
def disable_webhook(hook: Hook, name: Name = None) -> None:
    """Tell it nothing more."""
    by = reader(name)
    _with(lambda desk: desk.endpoints.disable(hook, by=by))
    output().print(f"{hook} is told nothing more")


@webhook.command("remove")
def remove_webhook(hook: Hook, name: Name = None) -> None:
    """Forget it, and how telling it went."""
    by = reader(name)
    _with(lambda desk: desk.endpoints.remove(hook, by=by))
    output().print(f"{hook} is removed")


def _with(work: Callable[[AlertDesk], Awaitable[Result]]) -> Result:
    async def connect() -> Result:
        async with connected("alerts") as services:
            return await work(services.alerts)

    return run(connect)


def _print_secret(hook: str, secret: str, *, as_json: bool) -> None:
    """The secret alone on standard output, so that it can be piped to where it goes."""
    if as_json:
        print_json({"name": hook, "secret": secret})
        return
    notices().print(f"the secret of {hook}; whoever has it can pretend to be us:")
    output().print(secret)
