"""The servers as a single command needs them: connected, up to date, and let go at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

from api.commands.printing import notices, plural
from api.machine import own_machine
from api.wiring import Services, open_services
from infra.postgres.database import Database
from infra.postgres.migrate import migrate, pending
from infra.settings import Settings, read_settings
from skills.errors import ConfigurationError

Result = TypeVar("Result")


def run(work: Callable[[], Coroutine[None, None, Result]]) -> Result:
    """Run a command's coroutine to its end; Ctrl-C cancels it, so that servers are let go in order."""
    with asyncio.Runner() as runner:
        return runner.run(work())


@asynccontextmanager
async def connected(process: str) -> AsyncIterator[Services]:
    """The services on this machine's servers, embedded or named by the settings, for as long as the block lasts.

    An embedded database is brought up to date; one of yours is only looked at, because when to migrate is your choice.

    Raises:
        ConfigurationError: a server can't be reached or started, a setting is wrong, or migrations are pending.
    """
    settings = read_settings()
    async with on_servers(settings) as completed:
        async with opened_database(completed, process) as database:  # before keys are looked at: a table has them
            if settings.database_url is None:
                await migrate(database)
            elif todo := await pending(database):
                raise ConfigurationError(
                    f"{plural(len(todo), 'migration is', 'migrations are')} pending", hint="run `csagent migrate` first"
                )
        async with open_services(completed, process=process) as services:
            yield services


@asynccontextmanager
async def opened_database(settings: Settings, process: str) -> AsyncIterator[Database]:
    """A small pool on the database of completed settings, as it is.

    Raises:
        ConfigurationError: it does not answer, or is unfit.
    """
    assert settings.database_url is not None  # own_machine saw to it
    database = Database(settings.database_url.get_secret_value(), size=2, application=f"csagent {process}")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def on_servers(settings: Settings) -> AsyncIterator[Settings]:
    """The settings, completed; a line on a terminal says what takes its time."""
    console = notices()
    with console.status("connecting …") as status:
        async with own_machine(settings, on_progress=lambda told: status.update(f"{told} …")) as completed:
            status.stop()
            yield completed
