"""``csagent loadtest``: load on a service, history for a database, and what a worker can do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from api.commands.connection import on_servers, opened_database
from api.commands.printing import notices
from api.terms import build_keyring
from evals.commands import capacity
from evals.commands.sample import table_console
from evals.loadtest.arrivals import Profile, burst, ramp, steady
from evals.loadtest.customers import Manner
from evals.loadtest.histogram import PERCENTILES
from evals.loadtest.load import run_load
from evals.loadtest.questions import read_questions, sample_answers, sample_questions
from evals.loadtest.record import Record, percentile_name
from evals.loadtest.report import write_report
from evals.loadtest.seed import Seeded, seed
from evals.loadtest.web import WebChannel
from infra.postgres.keys import refuse_other_keys
from infra.postgres.migrate import migrate
from infra.settings import read_settings
from skills.errors import BadRequestError

Result = TypeVar("Result")

app = typer.Typer(
    help="Load on a running service, history for a database, and what one worker process can do.",
    no_args_is_help=True,
    epilog="docs/capacity.md shows what it found, and how.",
)
app.command("capacity")(capacity.command)


@app.command(epilog="Example: `csagent loadtest run --url http://127.0.0.1:8000 --rate 20 --report load.html`")
def run(
    url: Annotated[str, typer.Option(help="Where the service is.")] = "http://127.0.0.1:8000",
    rate: Annotated[float, typer.Option(help="Messages a second.")] = 10.0,
    duration: Annotated[float, typer.Option(help="Seconds that messages arrive.")] = 60.0,
    ramp_to: Annotated[float | None, typer.Option("--ramp", help="Go evenly from --rate to this.")] = None,
    burst_of: Annotated[
        str | None, typer.Option("--burst", metavar="RATE:SECONDS", help="In the middle, this rate for so long.")
    ] = None,
    soak: Annotated[float | None, typer.Option(help="Minutes at --rate, instead of --duration.")] = None,
    even: Annotated[bool, typer.Option("--even", help="Like a metronome, instead of at random (Poisson).")] = False,
    seed: Annotated[int, typer.Option(help="The same seed, the same arrivals and questions.")] = 1,
    questions: Annotated[
        Path | None, typer.Option(help="What is asked, a line each.", show_default="the sample company's customers'")
    ] = None,
    messages: Annotated[int, typer.Option(min=1, help="Messages a conversation has at most.")] = 4,
    watched: Annotated[float, typer.Option(min=0, max=1, help="Share of conversations that wait for replies.")] = 1.0,
    patience: Annotated[float, typer.Option(help="Seconds that a customer sends again, and waits for a reply.")] = 30.0,
    hot: Annotated[int, typer.Option(min=0, help="Messages of one conversation that never waits, beside.")] = 0,
    report: Annotated[Path | None, typer.Option(help="Write the run as one HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON, for scripts.")] = False,
) -> None:
    """Write to a service as its customers do, and say how long they waited. Exit 1 if anything was lost or doubled.

    Messages come when they are due, whether or not the service keeps up, and every time counts from then.
    """
    profile = profile_of(rate, duration, ramp_to=ramp_to, burst_of=burst_of, soak=soak)
    asked = sample_questions() if questions is None else read_questions(questions)
    manner = Manner(watched=watched, messages=messages, patience=patience, seed=seed)
    channel = WebChannel(url, deadline=patience)
    console = notices()
    records = run_loop(lambda: run_load(channel, asked, profile, manner, console, poisson=not even, hot=hot))
    about = {
        "service": url,
        "channel": channel.name,
        "messages a second": _told(profile),
        "seconds": f"{profile.seconds:g}",
        "arrivals": "even" if even else "Poisson",
        "seed": str(seed),
        "messages a conversation": f"at most {messages}",
        "watched": f"{watched:.0%} of the conversations",
    }
    if report is not None:
        write_report(report, records, about)
    if as_json:
        print(json.dumps(summary(records)))  # noqa: T201 - the line that scripts read
    else:
        print_records(records, table_console())
    raise typer.Exit(0 if all(record.clean for record in records.values()) else 1)


@app.command("seed", epilog="Example: `csagent loadtest seed --messages 1000000 --cases 100000`")
def fill(
    messages: Annotated[int, typer.Option(min=2, help="Messages, over all cases.")] = 1_000_000,
    cases: Annotated[int, typer.Option(min=1, help="Cases, each with a conversation of its own.")] = 100_000,
    beside_customers: Annotated[
        bool, typer.Option("--beside-customers", help="Even where real customers are. It can't be taken out again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON, for scripts.")] = False,
) -> None:
    """Fill the database with three months of made-up customers, all sealed and readable, and analyse it.

    One transaction over locked tables: stop the product first. What was made up before stays, and more is added.
    """
    texts = (sample_questions(), sample_answers())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    async def work() -> Seeded:
        settings = read_settings()
        async with on_servers(settings) as completed, opened_database(completed, "loadtest") as database:
            keyring = build_keyring(completed)
            if settings.database_url is None:
                await migrate(database)
            await refuse_other_keys(database, keyring)
            with Progress(*columns, console=notices(), transient=True) as progress:
                bar = progress.add_task("messages", total=messages)
                return await seed(
                    database,
                    keyring,
                    messages=messages,
                    cases=cases,
                    texts=texts,
                    beside_customers=beside_customers,
                    on_messages=lambda count: progress.advance(bar, count),
                )

    done = run_loop(work)
    rate = done.messages / done.seconds
    if as_json:
        print(json.dumps({**asdict(done), "messages_per_s": round(rate, 1)}))  # noqa: T201 - the line that scripts read
    else:
        typer.echo(
            f"{done.messages:,} messages of {done.cases:,} cases, {done.rows:,} rows in all,"
            f" in {done.seconds:.0f} s: {rate:,.0f} messages a second"
        )


def profile_of(
    rate: float, duration: float, *, ramp_to: float | None, burst_of: str | None, soak: float | None
) -> Profile:
    """What the options ask for.

    Raises:
        BadRequestError: two shapes at once, or one that makes no sense.
    """
    if sum(option is not None for option in (ramp_to, burst_of, soak)) > 1:
        raise BadRequestError("that is several shapes at once", hint="give one of --ramp, --burst and --soak")
    if ramp_to is not None:
        return ramp(rate, ramp_to, duration)
    if burst_of is not None:
        height, _, length = burst_of.partition(":")
        try:
            return burst(rate, duration, height=float(height), length=float(length))
        except ValueError:
            raise BadRequestError(f"--burst {burst_of} can't be read", hint="RATE:SECONDS, such as 200:10") from None
    return steady(rate, duration if soak is None else soak * 60)


def summary(records: dict[str, Record]) -> dict[str, Any]:
    """The customers' figures, and a hot conversation's under ``hot``."""
    customers, *others = (record.summary() for record in records.values())
    return {**customers, **({"hot": others[0]} if others else {})}


def print_records(records: dict[str, Record], console: Console) -> None:
    """The figures as a table, and what went wrong below it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("milliseconds")
    table.add_column("messages", justify="right")
    for percent in PERCENTILES:
        table.add_column(percentile_name(percent), justify="right")
    for heading, record in records.items():
        prefix = "" if len(records) == 1 else f"{heading.lower()}: "
        for name, histogram in (("acknowledged", record.all_acknowledged), ("reply visible", record.all_replied)):
            if len(histogram):
                values = [f"{value * 1000:,.1f}" for value in histogram.percentiles()]
                table.add_row(f"{prefix}{name}", f"{len(histogram):,}", *values)
    console.print(table)
    for record in records.values():
        figures = record.summary()
        counted = ("lost_messages", "lost_replies", "doubled_messages", "doubled_replies", "reordered_messages")
        wrong = {name: figures[name] for name in (*counted, "refused", "late", "unread") if figures[name]}
        wrong |= figures["errors"]
        told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in wrong.items())
        console.print(f"[bold red]{told}[/]" if told else "[green]nothing lost, doubled, reordered or refused[/]")


def run_loop(work: Callable[[], Coroutine[None, None, Result]]) -> Result:
    """Run to the end on the loop that costs least; Ctrl-C cancels."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


def _told(profile: Profile) -> str:
    return ", then ".join(
        f"{s.begin:g}" if s.begin == s.end else f"{s.begin:g} to {s.end:g}" for s in profile.stretches
    )
