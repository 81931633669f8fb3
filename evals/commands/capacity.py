"""``csagent loadtest capacity``: starts the product, finds what it can take, and writes the plan."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from pydantic import SecretStr
from rich.console import Console

from api.commands.connection import opened_database
from api.commands.printing import notices
from api.commands.up import Product, running_product
from api.machine import kept_keys
from api.terms import build_keyring
from channels.web import CHAT
from evals.commands.sample import add_articles
from evals.loadtest.arrivals import steady
from evals.loadtest.capacity import Limits, Step, find_capacity, step_of
from evals.loadtest.customers import Manner
from evals.loadtest.footprint import Footprint, Watcher, this_machine
from evals.loadtest.histogram import Histogram
from evals.loadtest.load import CUSTOMERS, run_load
from evals.loadtest.plan import USE, Measured, plan
from evals.loadtest.questions import sample_answers, sample_questions
from evals.loadtest.record import Record
from evals.loadtest.seed import seed
from evals.loadtest.statements import StatementLog
from evals.loadtest.web import WebChannel
from infra.embedded.servers import EmbeddedServers
from infra.postgres.database import Database
from infra.postgres.keys import refuse_other_keys
from infra.postgres.leases import Leases
from infra.postgres.migrate import migrate
from infra.settings import Settings, read_settings
from skills.errors import BadRequestError

_PATIENCE = 20.0
_WARM_SECONDS = 5.0


def command(
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 1,
    start: Annotated[float, typer.Option(help="Messages a second to begin with.")] = 5.0,
    seconds: Annotated[float, typer.Option(help="How long each rate is tried.")] = 20.0,
    hold: Annotated[float, typer.Option(help="How long 60 % of the capacity is held.")] = 120.0,
    messages: Annotated[int, typer.Option(min=0, help="History in the database before; 0: none.")] = 0,
    cases: Annotated[int, typer.Option(min=0, help="Cases of that history.")] = 0,
    statements: Annotated[bool, typer.Option(help="Another run, to time PostgreSQL's statements.")] = True,
    write: Annotated[Path | None, typer.Option(help="Write the plan here, as Markdown.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON, for scripts.")] = False,
) -> None:
    """Start the whole product in a folder of its own, raise the rate until it breaks, then hold 60 % of what held.

    Nothing of yours is touched: neither .csagent nor DATABASE_URL. Leave the machine alone meanwhile.
    """
    console = notices()

    async def work() -> Measured:
        async with throw_away_servers() as settings:
            trial = Trial(settings, console, workers, seconds, hold, (messages, cases), statements=statements)
            return await trial.run(start)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        measured = runner.run(work())
    if write is not None:
        _write(write, plan(measured))
    if as_json:
        print(json.dumps(measured.figures()))  # noqa: T201 - the line that scripts read
    elif write is None:
        typer.echo(plan(measured))


@dataclass(slots=True)
class Trial:
    """One product, tried."""

    settings: Settings
    console: Console
    workers: int
    seconds: float
    hold: float
    history: tuple[int, int]
    statements: bool
    limits: Limits = field(default_factory=Limits)

    async def run(self, start: float) -> Measured:
        """Everything, from an empty folder to the figures.

        Raises:
            ConflictError: not even the first rate holds.
        """
        if self.history[0]:
            await self._seed()
        async with AsyncExitStack() as stack:
            product = await stack.enter_async_context(
                running_product(self.settings, self.console, workers=self.workers)
            )
            await add_articles(product, self.console)
            database = await stack.enter_async_context(opened_database(product.settings, "loadtest"))
            bench = Bench(product, database, self.console)
            await bench.load(start, _WARM_SECONDS, label="warming up")
            capacity, steps = await find_capacity(
                lambda rate: bench.attempt(rate, self.seconds), start=start, limits=self.limits
            )
            began = datetime.now(UTC)
            self.console.print(f"holding {USE:.0%} of {capacity:.1f} messages a second")
            record = await bench.load(capacity * USE, self.hold, label="holding")
            sent = await bench.watcher.sent_since(began)
            return Measured(
                machine=this_machine(),
                workers=self.workers,
                history=self.history,
                settle_seconds=product.settings.settle.of(CHAT).total_seconds(),
                limits=self.limits,
                steps=steps,
                step_seconds=self.seconds,
                capacity=capacity,
                load=record,
                sent=sent,
                footprint=bench.footprint,
                statements=await bench.time_statements(capacity * USE, self.seconds) if self.statements else {},
            )

    async def _seed(self) -> None:
        messages, cases = self.history
        completed = self.settings.model_copy(update=kept_keys(self.settings))
        async with opened_database(completed, "loadtest") as database:
            keyring = build_keyring(completed)
            await migrate(database)
            await refuse_other_keys(database, keyring)
            with self.console.status(f"making up {messages:,} messages …"):
                texts = (sample_questions(), sample_answers())
                await seed(database, keyring, messages=messages, cases=cases, texts=texts)


@asynccontextmanager
async def throw_away_servers() -> AsyncIterator[Settings]:
    """Settings of a product on servers and in a folder that are gone afterwards, whatever the environment names.

    Raises:
        ConfigurationError: the servers can't be started.
    """
    # Not where TMPDIR says: as root the servers run as somebody else, who has to get in.
    with tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as place:
        folder = Path(place)
        os.chmod(place, 0o755)  # noqa: PTH101, S103 - that somebody else reads; nothing runs here yet
        async with EmbeddedServers(folder / "servers", system_folder=folder / "system") as servers:
            yield read_settings(folder=folder / "product").model_copy(
                update={
                    "database_url": SecretStr(servers.database_url),
                    "redis_url": None if servers.redis_url is None else SecretStr(servers.redis_url),
                }
            )


class Bench:
    """Loads a product that runs, and looks at it meanwhile."""

    def __init__(self, product: Product, database: Database, console: Console) -> None:
        self._product = product
        self._database = database
        self._console = console
        self._questions = sample_questions()
        self._leases = Leases(database, holder="loadtest", duration=timedelta(seconds=1))
        self._oldest = 0.0
        self.watcher = Watcher(database, {**product.processes.pids, "load": os.getpid()})
        self.footprint = Footprint({}, {})

    async def attempt(self, rate: float, seconds: float) -> Step:
        """One rate, tried."""
        step = step_of(rate, await self.load(rate, seconds, label=f"{rate:.1f} a second"), self._oldest)
        self._console.print(
            f"{rate:7.1f} messages a second: reply p95 {step.reply_p95_ms:,.0f} ms,"
            f" oldest due for {step.oldest_seconds:.1f} s, lost {step.lost}"
        )
        return step

    async def load(self, rate: float, seconds: float, *, label: str) -> Record:
        """A steady rate; looks at the queue and the processes when its last message arrives."""
        profile = steady(rate, seconds)
        manner = Manner(patience=_PATIENCE, seed=round(rate * 1000))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look(after=seconds))
            channel = WebChannel(self._product.url, deadline=_PATIENCE)
            records = await run_load(channel, self._questions, profile, manner, self._console, label=label)
        return records[CUSTOMERS]

    async def time_statements(self, rate: float, seconds: float) -> dict[str, Histogram]:
        """What PostgreSQL's statements take at a rate."""
        async with StatementLog(self._database) as log:
            await self.load(rate, seconds, label="timing statements")
            return await log.read()

    async def _look(self, *, after: float) -> None:
        await asyncio.sleep(after)
        self._oldest = (await self._leases.backlog()).oldest_seconds
        self.footprint = await self.watcher.look()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadRequestError(f"{path} can't be written: {error.strerror}", hint="choose another file") from None
