"""``csagent archive``: resolved cases and old events out of the database into files, verified before they go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from api.commands.connection import connected, run
from api.commands.escalations import reader
from api.commands.printing import notices, output, plural, print_json
from infra.archive.files import verify
from infra.archive.manifest import Manifest
from infra.postgres.archive import Archived, Terms
from infra.postgres.archive_cases import CaseArchive
from infra.postgres.archive_events import EventArchive
from infra.postgres.archive_restore import restore
from infra.postgres.database import Database
from infra.postgres.housekeeping import nothing_to_check
from infra.settings import SHORTEST_CASE_DAYS
from skills.errors import BadRequestError

Name = Annotated[str | None, typer.Option("--as", help="Who you are, for the records.", show_default="your login")]


def command(
    events: Annotated[bool, typer.Option("--events", help="Events, by the month.")] = False,
    cases: Annotated[bool, typer.Option("--cases", help="Resolved cases with all that is theirs.")] = False,
    before: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Resolved, or over, before this day (UTC).")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="The folder of the archives.", file_okay=False)] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Delete months of events without an archive.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what there is to archive, and change nothing.")
    ] = False,
    check: Annotated[
        Path | None, typer.Option("--verify", help="Read an archive to its end and compare it with its manifest.")
    ] = None,
    back: Annotated[Path | None, typer.Option("--restore", help="Read an archive into tables of a schema.")] = None,
    into: Annotated[str, typer.Option(help="The schema for --restore; it must not be there yet.")] = "restored",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    name: Name = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """Move resolved cases and old events into files.

    Each file is read back from the disk and compared with the database
    before a row is deleted. What is sealed stays sealed: the keys stay in
    the database, so that erasing a customer covers the archives too.

    Examples: `csagent archive --cases --before 2025-01-01 --to /archive`,
    `csagent archive --verify FILE`, `csagent archive --restore FILE`.
    """
    if sum((events or cases, check is not None, back is not None)) != 1:
        raise BadRequestError("say one thing to do", hint="--events or --cases with --before; --verify; or --restore")
    if check is not None:
        _told(verify(check), "whole: it is what was written", as_json=as_json)
        return
    if back is not None:
        _told(run(lambda: _restore(back, into)), f"restored into the schema {into}", as_json=as_json)
        return
    if dry_run:
        _count(_day(before, cases=cases), events=events, cases=cases, as_json=as_json)
        return
    if drop and (cases or to is not None):
        raise BadRequestError("--drop is for events alone, and writes no archive", hint="leave out --cases and --to")
    if not drop and to is None:
        raise BadRequestError("an archive needs a folder", hint="--to FOLDER")
    wanted = _Wanted(_day(before, cases=cases), events=events, cases=cases, folder=to, actor=reader(name))
    if not yes:
        way = "without an archive" if to is None else f"once they are in {to}"
        typer.confirm(
            f"Delete what is older than {wanted.day:%Y-%m-%d} from the database, {way}?", abort=True, err=True
        )
    done = run(lambda: _move(wanted, quiet=as_json))
    if as_json:
        print_json(done)
    elif not done:
        notices().print("nothing is old enough")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an operator asked for. Without a folder months of events are dropped."""

    day: datetime
    events: bool
    cases: bool
    folder: Path | None
    actor: str


async def _move(wanted: _Wanted, *, quiet: bool) -> list[Archived]:
    """Archive all of it, and say so after each file, which may take its time."""
    done = []
    async with connected("archive") as services:
        async for moved in _moves(services.database, wanted):
            done.append(moved)
            if not quiet:
                where = "dropped" if moved.path is None else str(moved.path)
                output().print(f"{moved.what}: {plural(sum(moved.rows.values()), 'row')}, {where}", soft_wrap=True)
    return done


async def _moves(database: Database, wanted: _Wanted) -> AsyncIterator[Archived]:
    """One archive after the other, until nothing is left."""
    terms = None if wanted.folder is None else Terms(wanted.folder, wanted.actor, nothing_to_check)
    if wanted.cases and terms is not None:
        archive = CaseArchive(database)
        while (moved := await archive.move(wanted.day, terms)) is not None:
            yield moved
    if wanted.events:
        months = EventArchive(database)
        for month in await months.months(wanted.day):
            yield await (months.drop(month, wanted.actor) if terms is None else months.move(month, terms))


def _count(day: datetime, *, events: bool, cases: bool, as_json: bool) -> None:
    """Say what there is to archive."""

    async def count() -> tuple[int, list[str]]:
        async with connected("archive") as services:
            resolved = (await CaseArchive(services.database).count(day)).cases if cases else 0
            over = await EventArchive(services.database).months(day) if events else []
            return resolved, [f"{month.first:%Y-%m}" for month in over]

    resolved, months = run(count)
    if as_json:
        print_json({"cases": resolved, "months": months})
        return
    if cases:
        output().print(f"cases: {resolved:,}")
    if events:
        output().print(f"months of events: {', '.join(months) or 'none'}", soft_wrap=True)


async def _restore(path: Path, schema: str) -> Manifest:
    async with connected("archive") as services:
        return await restore(services.database, path, schema)


def _day(before: datetime | None, *, cases: bool) -> datetime:
    if before is None:
        raise BadRequestError("--before is missing", hint="--before 2025-01-01: what is older goes")
    day = before.replace(tzinfo=UTC)
    if day > datetime.now(UTC):
        raise BadRequestError("--before lies in the future", hint="only what is over can be archived")
    if cases and day > datetime.now(UTC) - timedelta(days=SHORTEST_CASE_DAYS):
        raise BadRequestError(
            f"resolved cases stay for {SHORTEST_CASE_DAYS} days at least",
            hint="a provider may deliver their messages again; choose an earlier --before",
        )
    return day


def _told(manifest: Manifest, verdict: str, *, as_json: bool) -> None:
    if as_json:
        print_json(manifest)
        return
    console = output()
    console.print(f"{manifest.file}: {verdict}", soft_wrap=True)
    console.print(f"{manifest.kind} from {manifest.first} to {manifest.last}, migration {manifest.migration:04}")
    for table, told in manifest.tables.items():
        console.print(f"  {table}: {plural(told.rows, 'row')}")
