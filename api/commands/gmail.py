"""``csagent gmail``: sign the mailbox in, see how it is followed, take in what is new."""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from api.channels.email import credentials_file, open_account, open_sync, place
from api.commands.connection import connected, run
from api.commands.options import AsJson
from api.commands.printing import duration, notices, output, plural, print_json
from channels.gmail.consent import Consent
from channels.gmail.credentials import store
from channels.gmail.refusals import CallError
from infra.channel_settings import GmailSettings
from infra.settings import Settings, read_settings
from skills.errors import ConfigurationError

app = typer.Typer(
    help="The mailbox: connect, status, sync.",
    no_args_is_help=True,
    epilog="Begin with `csagent gmail connect --help`; docs/channels/email.md shows every step.",
)
connect = typer.Typer(no_args_is_help=True, help="Sign the mailbox in, once: `oauth` or `service-account`.")
app.add_typer(connect, name="connect")

Mailbox = Annotated[str | None, typer.Option("--mailbox", help="Its address.", show_default="CSAGENT_GMAIL__MAILBOX")]


@connect.command("oauth", epilog="Example: `csagent gmail connect oauth client_secret.json`")
def connect_oauth(
    client: Annotated[Path, typer.Argument(help="The OAuth client's file, from Google's console.")],
    mailbox: Mailbox = None,
    *,
    paste: Annotated[bool, typer.Option("--paste", help="No browser here: copy the answer from another one.")] = False,
) -> None:
    """The mailbox's owner agrees in a browser. For a mailbox of your own, or one that is no Workspace user.

    In console.cloud.google.com, in a project of yours:

    1. APIs & Services, Library: enable the Gmail API.

    2. Google Auth Platform, Branding, Audience: Internal if the mailbox is
    in your Workspace; else External and published, for consents to an app
    in testing end after a week.

    3. Data access: add the scopes gmail.readonly and gmail.send.

    4. Clients, Create client, Desktop app: download the JSON file.
    """
    settings = _settings(mailbox)
    consent = Consent(_read(client), settings.gmail.subject or settings.gmail.mailbox)
    if paste:
        notices().print("Open this address in any browser, sign in as the mailbox, and agree:\n", soft_wrap=True)
        typer.echo(consent.address())
        notices().print(
            "\nThe browser then fails to open a page on localhost, as is meant: copy the whole address of that page.\n"
        )
        info = consent.pasted(typer.prompt("Its address"))
    else:
        info = consent.in_browser("A browser opens. If it does not, open this address there yourself:\n{url}\n")
    _keep(settings, info)


@connect.command("service-account", epilog="Example: `csagent gmail connect service-account key.json`")
def connect_service_account(
    key: Annotated[Path, typer.Argument(help="The service account's key file, from Google's console.")],
    mailbox: Mailbox = None,
) -> None:
    """A service account acts for the mailbox, without anybody's consent. For a mailbox in your Workspace.

    1. console.cloud.google.com, APIs & Services, Library: enable the Gmail
    API.

    2. IAM & Admin, Service accounts: create one, then Keys, Add key, JSON.
    Note its client id, a long number.

    3. admin.google.com, Security, Access and data control, API controls,
    Domain-wide delegation, Add new: that client id, and the two scopes
    gmail.readonly and gmail.send, written out, a comma between them.

    It takes some minutes until Google knows.
    """
    settings = _settings(mailbox)
    if settings.gmail.mailbox is None:
        raise ConfigurationError("for which mailbox?", hint="--mailbox support@shop.example")
    info = _read(key)
    if info.get("type") != "service_account":
        raise ConfigurationError(f"{key} is no service account's key", hint="Service accounts, Keys, Add key, JSON")
    _keep(settings, info)


@dataclass(frozen=True, slots=True)
class Status:
    """How the mailbox is followed."""

    mailbox: str
    credentials: str
    signed_in: bool
    problem: str | None
    hint: str | None
    cursor: int | None
    last_sync: datetime | None
    backlog: int | None
    """Mails that came or went since; as many as Gmail tells at once."""
    awaited: int
    """Mails that were named and could not be had yet."""
    watch_until: datetime | None
    pushes: bool


@app.command(epilog="Example: `csagent gmail status`")
def status(*, as_json: AsJson = False) -> None:
    """How the mailbox is followed: access, cursor, watch, what waits. Google is asked; exit code 1 without access."""
    _refuse_unset()

    async def work() -> Status:
        async with connected("gmail") as services:
            gmail, mailbox = services.settings.gmail, place(services)
            state = await mailbox.state()
            cursor = None if state is None else state.history_id
            problem: CallError | None = None
            backlog = None
            async with open_account(services.settings.gmail, services.settings.folder) as account:
                try:
                    await account.profile()
                    backlog = None if cursor is None else len((await account.changes(cursor)).entries)
                except CallError as error:
                    problem = None if error.missing else error
            return Status(
                mailbox=gmail.mailbox or "",
                credentials=str(credentials_file(gmail, services.settings.folder)),
                signed_in=problem is None,
                problem=None if problem is None else str(problem),
                hint=None if problem is None else problem.hint,
                cursor=cursor,
                last_sync=None if state is None else state.synced_at,
                backlog=backlog,
                awaited=0 if state is None else state.awaited,
                watch_until=None if state is None else state.watch_until,
                pushes=gmail.topic is not None and gmail.pushes,
            )

    found = run(work)
    if as_json:
        print_json(found)
    else:
        output().print(_shown(found))
    if not found.signed_in:
        raise typer.Exit(1)


@app.command(epilog="Example: `csagent gmail sync`")
def sync(*, as_json: AsJson = False) -> None:
    """Take in what is new, once, now. The scheduler does the same by itself.

    The first run only begins to follow the mailbox: what was there before
    is not answered.
    """
    _refuse_unset()

    async def work() -> Counter[str]:
        async with (
            connected("gmail") as services,
            open_account(services.settings.gmail, services.settings.folder) as account,
        ):
            return (await open_sync(services, account).run()).counts

    counts = run(work)
    if as_json:
        print_json(dict(counts))
    elif counts["busy"]:
        output().print("another run is at it")
    else:
        output().print(
            f"{plural(counts['received'], 'new mail')}, {plural(counts['by_person'], 'reply', 'replies')} of people, "
            f"{counts['known'] + counts['own'] + counts['not_ours']} known already or not for us"
        )


def _refuse_unset() -> None:
    """Say so before servers are started for nothing."""
    if read_settings().gmail.mailbox is None:
        raise ConfigurationError("no mailbox is set up", hint="CSAGENT_GMAIL__MAILBOX; see `csagent gmail connect`")


def _settings(mailbox: str | None) -> Settings:
    settings = read_settings()
    if mailbox is None:
        return settings
    return settings.model_copy(
        update={"gmail": GmailSettings.model_validate({**settings.gmail.model_dump(), "mailbox": mailbox})}
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't be read: {error.strerror}", hint="name the file you downloaded"
        ) from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} is not Google's JSON file", hint="download it again")
    return found


def _keep(settings: Settings, info: Mapping[str, Any]) -> None:
    """Try the credentials, and store them only if they work."""
    final = credentials_file(settings.gmail, settings.folder)
    tried = final.with_name(f"{final.name}.new")
    store(tried, info)
    trial = settings.gmail.model_copy(update={"credentials": tried})

    async def address() -> str:
        async with open_account(trial, settings.folder) as account:
            return (await account.profile()).address

    try:
        found = run(address)
        expected = settings.gmail.subject or settings.gmail.mailbox
        if expected is not None and found != expected:
            raise ConfigurationError(
                f"that is the mailbox of {found}, not of {expected}",
                hint=f"sign in as {expected}; if that is another address of it, CSAGENT_GMAIL__SUBJECT={found}",
            )
        os.replace(tried, final)  # noqa: PTH105 - in one step
    finally:
        tried.unlink(missing_ok=True)
    console = output()
    console.print(f"signed in as {found}; credentials in {final} ({stat.filemode(final.stat().st_mode)})")
    if settings.gmail.mailbox != read_settings().gmail.mailbox or settings.gmail.mailbox is None:
        console.print(f"now set CSAGENT_GMAIL__MAILBOX={settings.gmail.mailbox or found}, and restart")
    console.print("next: `csagent gmail sync` begins to follow it; `csagent gmail status` shows how it goes")


def _shown(found: Status) -> Table:
    now = datetime.now(UTC)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("mailbox", found.mailbox)
    table.add_row("access", "works" if found.signed_in else f"[bold red]{found.problem}[/]")
    if found.hint:
        table.add_row("", found.hint)
    table.add_row("cursor", "not followed yet: `csagent gmail sync`" if found.cursor is None else str(found.cursor))
    if found.last_sync is not None:
        table.add_row("last sync", f"{duration((now - found.last_sync).total_seconds())} ago")
    table.add_row("backlog", "unknown" if found.backlog is None else plural(found.backlog, "mail"))
    if found.awaited:
        table.add_row("awaited", f"{plural(found.awaited, 'mail')} could not be fetched yet; asked for again each run")
    table.add_row("watch", _watch(found.watch_until, now))
    table.add_row("pushes", "taken" if found.pushes else "not set up: mail is found by looking")
    return table


def _watch(until: datetime | None, now: datetime) -> str:
    if until is None:
        return "none"
    left = (until - now).total_seconds()
    return f"{duration(left)} left, renewed daily" if left > 0 else f"[yellow]ended {duration(-left)} ago[/]"
