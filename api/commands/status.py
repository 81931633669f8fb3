"""``csagent status``: the public status page, written and served."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import httpx
import typer
from rich.table import Table

from api.commands.ids import whole_id
from api.commands.options import AsJson, Id, Name
from api.commands.printing import line, output, plural, print_json
from api.machine import STATUS_FILE
from api.status_server import Lookout, create_status_app, export
from infra.settings import Settings, read_settings
from infra.status.components import BY_ID, IMPACTS, PHASES, SEVERITIES, STATES
from infra.status.snapshot import utc_now
from infra.telemetry.logs import configure_logs
from skills.errors import BadRequestError

if TYPE_CHECKING:
    from api.status_desk import StatusDesk

app = typer.Typer(
    help="The public status page: show, open, update, report, dismiss, plan, end, set; serve, export.",
    no_args_is_help=True,
    epilog="docs/status.md says what it promises, and how to serve it from another machine.",
)

Result = TypeVar("Result")
_RECENT = timedelta(days=90)
_AUTO = "auto"

Parts = Annotated[list[str], typer.Option("--part", help=f"What is affected, several times: {', '.join(BY_ID)}.")]
Severity = Annotated[str, typer.Option(help=f"One of {', '.join(SEVERITIES)}.")]
Impact = Annotated[str, typer.Option(help=f"One of {', '.join(IMPACTS)}.")]
Origin = Annotated[
    str | None,
    typer.Option(help="The API's address, as this process reaches it.", show_default="CSAGENT_STATUS__ORIGIN"),
]
File = Annotated[
    Path | None, typer.Option("--file", help="The snapshot, read and kept.", show_default="CSAGENT_STATUS__FILE")
]


@app.command()
def show(*, as_json: AsJson = False) -> None:
    """Components, open incidents with their drafts, and what is planned."""

    async def read(desk: StatusDesk) -> dict[str, list[object]]:
        since = utc_now() - _RECENT
        return {
            "components": [*await desk.board.components(desk.rules.components)],
            "incidents": [
                {**asdict(one), "updates": [told.model_dump() for told in one.updates]}
                for one in await desk.incidents.listed(since)
            ],
            "maintenance": [one.model_dump() for one in await desk.incidents.maintenance(utc_now())],
        }

    found = _with(read)
    if as_json:
        print_json(found)
        return
    for title, columns in (
        ("components", ("id", "state", "checks", "reason")),
        ("incidents", ("id", "severity", "title", "started_at", "published_at", "ended_at")),
        ("maintenance", ("id", "title", "starts_at", "ends_at", "cancelled_at")),
    ):
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.removesuffix("_at"))
        for row in found[title]:
            values = row if isinstance(row, dict) else {name: getattr(row, name) for name in columns}
            table.add_row(*(_cell(values[name]) for name in columns))
        output().print(table if found[title] else f"no {title}")


@app.command(name="open", epilog='Example: `csagent status open "Mails arrive late" --severity P2 --part email`')
def open_incident(
    title: Annotated[str, typer.Argument(help="What customers notice, in their words.")],
    parts: Parts,
    severity: Severity = "P2",
    impact: Impact = "down",
    text: Annotated[str, typer.Option(help="The first update; with it the incident is public at once.")] = "",
    name: Name = None,
) -> None:
    """Open an incident. Prints its id."""
    by, now = _reader(name), utc_now()

    async def work(desk: StatusDesk) -> UUID:
        from infra.postgres.incidents import Written

        written = Written(
            title, _one(severity, SEVERITIES, "severity"), _one(impact, IMPACTS, "impact"), tuple(parts), now
        )
        made = await desk.incidents.open(written, by=by, now=now)
        if text.strip():
            await desk.incidents.update(made, "investigating", text, by=by, now=now)
            await desk.publish()
        return made

    output().print(str(_with(work)))


@app.command(epilog='Example: `csagent status update 01a2b3c4 resolved "All mails are delivered."`')
def update(
    incident: Id,
    phase: Annotated[str, typer.Argument(help=f"One of {', '.join(PHASES)}.")],
    text: Annotated[str, typer.Argument(help="What the public is told.")],
    name: Name = None,
) -> None:
    """Tell the public. The first update publishes a draft, `resolved` ends it."""
    by, chosen = _reader(name), _one(phase, PHASES, "phase")

    async def work(desk: StatusDesk) -> None:
        await desk.incidents.update(await _incident(desk, incident), chosen, text, by=by, now=utc_now())
        await desk.publish()

    _with(work)
    output().print("it is public")


@app.command()
def dismiss(incident: Id, name: Name = None) -> None:
    """Put a draft away that was nothing."""
    by = _reader(name)

    async def work(desk: StatusDesk) -> None:
        await desk.incidents.dismiss(await _incident(desk, incident), by=by, now=utc_now())

    _with(work)
    output().print("the draft is put away")


@app.command()
def report(
    incident: Id,
    text: Annotated[str, typer.Option(help="What happened, and what is done about it.")] = "",
    url: Annotated[str, typer.Option(help="Or where that stands.")] = "",
    name: Name = None,
) -> None:
    """Say what happened, once it is over."""
    by = _reader(name)

    async def work(desk: StatusDesk) -> None:
        await desk.incidents.report(await _incident(desk, incident), text, url, by=by)
        await desk.publish()

    _with(work)
    output().print("the report is public")


@app.command(
    epilog='Example: `csagent status plan "New servers" "Mails wait." --part email 2026-12-01T22:00 2026-12-01T23:00`'
)
def plan(
    title: Annotated[str, typer.Argument()],
    text: Annotated[str, typer.Argument(help="What will be noticed.")],
    starts: Annotated[str, typer.Argument(help="In UTC: 2026-12-01T22:00.")],
    ends: Annotated[str, typer.Argument(help="In UTC.")],
    parts: Parts,
    name: Name = None,
) -> None:
    """Announce planned work, before it begins. Prints its id."""
    by, began, ended = _reader(name), _moment(starts), _moment(ends)

    async def work(desk: StatusDesk) -> UUID:
        made = await desk.incidents.plan(title, text, parts, began, ended, by=by, now=utc_now())
        await desk.publish()
        return made

    output().print(str(_with(work)))


@app.command()
def end(maintenance: Id, name: Name = None) -> None:
    """Cancel planned work that has not begun, or end it now."""
    by = _reader(name)

    async def work(desk: StatusDesk) -> None:
        listed = [one.id for one in await desk.incidents.maintenance(utc_now())]
        found = await whole_id(maintenance, _among(listed), what="planned work", shown_by="csagent status show")
        await desk.incidents.end_maintenance(found, by=by, now=utc_now())
        await desk.publish()

    _with(work)
    output().print("it is over")


@app.command(
    name="set", epilog="Example: `csagent status set email degraded`, and back: `csagent status set email auto`"
)
def set_component(
    part: Annotated[str, typer.Argument(help=f"One of {', '.join(BY_ID)}.")],
    state: Annotated[str, typer.Argument(help="operational, degraded, down, or auto: as checks say.")],
    name: Name = None,
) -> None:
    """A word over the checks, until it is taken back."""
    by = _reader(name)
    said = None if state == _AUTO else _one(state, STATES, "state")

    async def work(desk: StatusDesk) -> None:
        await desk.board.override(part, said, by=by)
        await desk.publish()

    _with(work)
    output().print(f"{part} is {'as checks say' if said is None else said}")


@app.command(epilog="Example, on another machine: `csagent status serve --origin https://help.example --port 8080`")
def serve(
    origin: Origin = None,
    file: File = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8090,
) -> None:
    """Serve the page by itself: it needs no database, and stays up when the rest is down."""
    import uvicorn

    settings = read_settings()
    configure_logs(settings.log_level, process="status")
    lookout = _lookout(settings, origin, file)
    uvicorn.run(
        create_status_app(lookout), host=host, port=port, log_config=None, access_log=False, server_header=False
    )


@app.command(name="export", epilog="Example: `csagent status export --to /srv/status --address https://status.example`")
def export_files(
    to: Annotated[Path, typer.Option(help="The folder; it is made where there is none.")],
    origin: Origin = None,
    file: File = None,
    address: Annotated[str, typer.Option(help="Where the page will be, for its feed.")] = "",
) -> None:
    """Write the page as files for any web host, from what can be seen now."""
    lookout = _lookout(read_settings(), origin, file)

    async def look() -> None:
        async with httpx.AsyncClient(timeout=5) as client:
            for _ in range(2):  # as the server does: what fails once may have been lost on the way
                await lookout.look(client)

    asyncio.run(look())
    files = export(lookout.seen(), to, address.rstrip("/"))
    output().print(f"{plural(len(files), 'file')} in {to}")


def _lookout(settings: Settings, origin: str | None, file: Path | None) -> Lookout:
    usual = settings.status.origin or settings.public_url or f"http://{settings.host}:{settings.port}"
    kept = file or settings.status.file or settings.folder / STATUS_FILE
    return Lookout((origin or usual).rstrip("/"), kept, company=settings.company.name or "Customer support")


def _with(work: Callable[[StatusDesk], Awaitable[Result]]) -> Result:
    from api.commands.connection import connected, run  # heavy: `serve` and `export` go without

    async def connect() -> Result:
        async with connected("status") as services:
            return await work(services.status)

    return run(connect)


def _reader(name: str | None) -> str:
    from api.commands.escalations import reader

    return reader(name)


async def _incident(desk: StatusDesk, incident: str) -> UUID:
    listed = [one.id for one in await desk.incidents.listed(utc_now() - _RECENT)]
    return await whole_id(incident, _among(listed), what="incident", shown_by="csagent status show")


def _among(ids: Sequence[UUID]) -> Callable[[UUID, UUID], Awaitable[list[UUID]]]:
    async def between(first: UUID, last: UUID) -> list[UUID]:
        return [one for one in ids if first <= one <= last]

    return between


def _one(text: str, allowed: Sequence[Result], what: str) -> Result:
    for one in allowed:
        if one == text:
            return one
    raise BadRequestError(f"{line(text, 40)} is no {what}", hint=f"one of {', '.join(map(str, allowed))}")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequestError(f"{line(text, 40)} is no time", hint="write it as 2026-12-01T22:00, in UTC") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else line(str(value), 60)
