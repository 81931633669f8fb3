"""``csagent doctor``: is everything as it has to be, and what to mend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from api.commands.channel_checks import check_whatsapp
from api.commands.connection import run
from api.commands.finding import Finding, error, failed, ok, warning
from api.commands.machine_checks import (
    check_binaries,
    check_chat_model,
    check_embeddings,
    check_folder,
    check_keys,
    check_mailbox,
    check_policy,
    check_python,
    running_servers,
)
from api.commands.printing import output, plural, print_json, visible
from api.commands.server_checks import check_database, check_redis
from infra.postgres.connections import Demand
from infra.settings import Settings, read_settings
from skills.errors import ConfigurationError

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def command(as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False) -> None:
    """Check this machine, the settings, the servers and what waits in them; say what to mend.

    Nothing is changed and no server is started. Exit code 1 when there is
    an error; warnings leave it 0.
    """
    console = output()

    async def work() -> list[Finding]:
        found = []
        async for finding in examine():
            found.append(finding)
            if not as_json:
                _print(console, finding)
        return found

    found = run(work)
    errors = sum(finding.state == "error" for finding in found)
    warnings = sum(finding.state == "warning" for finding in found)
    if as_json:
        print_json({"healthy": not errors, "checks": found})
    else:
        console.print(f"\n{plural(errors, 'error')}, {plural(warnings, 'warning')}")
    if errors:
        raise typer.Exit(1)


async def examine() -> AsyncIterator[Finding]:
    """Every check, the cheapest first; what can't be checked any more is left out."""
    yield check_python()
    try:
        settings = read_settings()
    except ConfigurationError as problem:
        yield failed("settings", problem)
        return
    yield ok("settings", "valid")
    yield check_binaries(settings)
    yield check_folder(settings)
    yield check_keys(settings)
    yield check_policy(settings)
    yield check_chat_model(settings)
    yield await check_embeddings(settings)
    yield check_mailbox(settings)
    yield check_whatsapp(settings)
    async for finding in _servers(settings):
        yield finding


async def _servers(settings: Settings) -> AsyncIterator[Finding]:
    redis_url = None if settings.redis_url is None else settings.redis_url.get_secret_value()
    if settings.database_url is not None:
        database_url = settings.database_url.get_secret_value()
    else:
        try:
            record = running_servers(settings)
        except OSError as problem:
            yield error("database", f"its folder can't be read: {problem.strerror}", "run as the user who started it")
            return
        if record is None or record.database_url is None:
            yield warning("database", "the embedded servers are not running", "`csagent up` starts them")
            return
        database_url, redis_url = record.database_url, redis_url or record.redis_url
    yield await check_redis(redis_url)
    demand = Demand(settings.database_processes, settings.database_pool, listening=redis_url is None)
    async for finding in check_database(database_url, demand, settings.staff_keys):
        yield finding


def _print(console: Console, finding: Finding) -> None:
    state = Text(f"{finding.state:<8}", style=_STYLES[finding.state])
    console.print(Text.assemble(state, (f"{finding.check:<17}", "bold"), visible(finding.message)), soft_wrap=True)
    if finding.hint:
        console.print(Text(f"{'':25}{visible(finding.hint)}", style="dim"), soft_wrap=True)
