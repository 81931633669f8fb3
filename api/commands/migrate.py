"""``csagent migrate``: bring the database up to date."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.connection import on_servers, opened_database, run
from api.commands.printing import output, plural
from infra.postgres.migrate import Migration, migrate, pending
from infra.settings import read_settings


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; say what is pending, with exit code 1 if anything is.")
    ] = False,
) -> None:
    """Bring the database up to date.

    Every migration is a transaction of its own and is applied once, however
    many start at the same time. The database is the one in DATABASE_URL,
    else the embedded one.

    In a deployment: `csagent migrate` before the new version starts,
    `csagent migrate --check` to see whether it ran.
    """

    async def work() -> list[Migration]:
        settings = read_settings()
        async with on_servers(settings) as completed, opened_database(completed, "migrate") as database:
            return await (pending(database) if check else migrate(database))

    found = run(work)
    console = output()
    for migration in found:
        console.print(f"{'pending' if check else 'applied'}  {migration.name}")
    if check and found:
        console.print(f"{plural(len(found), 'migration')} to apply: `csagent migrate`")
        raise typer.Exit(1)
    if not found:
        console.print("the database is up to date")
