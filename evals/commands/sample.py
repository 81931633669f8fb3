"""``csagent sample``: the whole product, with the sample company's articles in and its customers played through."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from api.agent import open_embedder
from api.commands.up import Product, address_of, listen, print_addresses, running_product, until_stopped
from evals.sample_company.play import Played, Player
from evals.sample_company.script import ARTICLES, load_script
from evals.sample_company.stage import Providers, open_providers, open_stage
from infra.knowledge.ingest import Ingest
from infra.knowledge.reading import read_articles
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.settings import Settings, read_settings
from skills.adapt.texts import text_for
from skills.turn import Language

_SOURCE = "sample company"
_PIPED = 140
"""Columns of the table where there is no terminal to ask."""
_LANGUAGES = (Language("en"), Language("de"), Language("es"), Language("fr"))
_GREETING = {
    language: re.compile(
        re.escape(text_for(language, "greeting"))
        + "|"
        + re.escape(text_for(language, "greeting_by_name")).replace(re.escape("{name}"), ".+")
    )
    for language in _LANGUAGES
}


def command(
    once: Annotated[bool, typer.Option("--once", help="Stop after the sample; exit 1 if a turn went wrong.")] = False,
    port: Annotated[int | None, typer.Option(help="Port; without it 8000, or the next free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where data and keys are kept.", show_default=".csagent")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the turns as JSON lines, for scripts.")] = False,
) -> None:
    """Start everything, play a sample company's customers through it, show how each turn ended, and stay up.

    The company is invented (see evals/sample_company). Its articles go into the knowledge base, its customers write
    by chat, form, mail and WhatsApp, and what comes of every turn is compared with what ought to come of it. Gmail and
    Twilio are emulated on this machine, whatever accounts are set: nothing is sent to anybody.
    """
    settings = read_settings(**({"folder": folder} if folder else {}))
    console = Console(stderr=True, highlight=False)

    async def run() -> int:
        async with staged_product(settings, console, port=port, workers=workers) as (product, providers):
            await add_articles(product, console)
            played = await play(product, providers, console)
            if as_json:
                for turn in played:
                    print(json.dumps({name: getattr(turn, name) for name in turn.__slots__}, ensure_ascii=False))  # noqa: T201
            else:
                print_table(played, table_console())
            wrong = sum(turn.problem is not None for turn in played)
            console.print(
                f"\n{len(played)} turns, {len(played) - wrong} as expected"
                + (f", [bold red]{wrong} not[/]" if wrong else "")
            )
            if not once:
                print_addresses(product, console)
                await until_stopped()
                console.print("[dim]stopping …[/]")
            return 1 if wrong else 0

    with asyncio.Runner() as runner:
        code = runner.run(run())
    raise typer.Exit(code)


@asynccontextmanager
async def staged_product(
    settings: Settings, console: Console, *, port: int | None = None, workers: int = 1
) -> AsyncIterator[tuple[Product, Providers]]:
    """The running product, with Gmail and Twilio emulated beside it."""
    listener = listen(settings.host, port, settings.port)
    kept = settings.model.replies_file
    keeping = {} if kept is None else {"CSAGENT_MODEL__REPLIES_FILE": str(kept)}
    with listener, open_providers(address_of(listener)) as providers:
        surroundings = {**providers.environment, **keeping}
        async with running_product(
            settings, console, listener=listener, workers=workers, surroundings=surroundings
        ) as product:
            yield product, providers


async def add_articles(product: Product, console: Console) -> None:
    """The sample company's articles, into the knowledge base; unchanged ones are left as they are."""
    url = product.settings.database_url
    assert url is not None  # the product runs on it
    database = Database(url.get_secret_value(), size=3)
    await database.open()
    try:
        with console.status("reading the sample company's articles …"):
            async with open_embedder(product.settings) as embedder:
                reading = read_articles(ARTICLES, source=_SOURCE)
                await Ingest(PostgresArticles(database), embedder).add(reading, prune=True)
    finally:
        await database.close()


async def play(product: Product, providers: Providers, console: Console) -> list[Played]:
    """Every customer of the script, with a progress bar."""
    customers = load_script()
    titles = {article.stem: _title(article) for article in ARTICLES.glob("*.md")}
    columns = (TextColumn("playing the sample customers"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with open_stage(product.url, product.staff_key, providers) as stage:
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("turns", total=sum(len(customer.turns) for customer in customers))
            return await Player(stage, titles).play(customers, lambda _: progress.advance(bar))


def print_table(played: Sequence[Played], console: Console) -> None:
    """What was asked, how it ended, what came back or why not, and how long it took.

    One line a turn at any width: the two texts share what the other columns leave. What went wrong stands below its
    turn, in full. A pipe has no width, so ``table_console`` gives it one.
    """
    table = Table(box=None, expand=True, pad_edge=False, header_style="bold", row_styles=["", "dim"])
    table.add_column("", width=1)
    table.add_column("channel", width=max([len(turn.channel) for turn in played], default=7), no_wrap=True)
    table.add_column("message", ratio=4, no_wrap=True, overflow="ellipsis")
    table.add_column("outcome", width=max(len(turn.outcome) for turn in played) if played else None, no_wrap=True)
    table.add_column("reply or reason", ratio=6, no_wrap=True, overflow="ellipsis")
    table.add_column("ms", width=max([len(_ms(turn)) for turn in played], default=2), justify="right")
    for turn in played:
        mark = Text("✓", "green") if turn.problem is None else Text("✗", "bold red")
        table.add_row(
            mark,
            turn.channel,
            _one_line(turn.message),
            Text(turn.outcome),
            _one_line(own_words(turn.detail)),
            _ms(turn),
        )
    console.print(table)
    for turn in played:
        if turn.problem is not None:
            problem = f"{' '.join(turn.message.split())} → {' '.join(turn.problem.split())}"
            console.print(Padding(Text(f"✗ {problem}", "red"), (1, 0, 0, 0)))


def table_console() -> Console:
    """Where the table goes: as wide as the terminal, or ``_PIPED`` columns in a pipe or a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED)


def own_words(reply: str) -> str:
    """A reply without the greeting and the sentence that every first one begins with, which would hide the rest."""
    first, _, rest = reply.partition("\n\n")
    if rest and any(_GREETING[language].fullmatch(first.strip()) for language in _LANGUAGES):
        reply = rest
    for language in _LANGUAGES:
        reply = reply.removeprefix(text_for(language, "disclosure")).lstrip()
    return reply


def _one_line(text: str) -> Text:
    return Text(" ".join(text.split()))


def _ms(turn: Played) -> str:
    return f"{turn.milliseconds:.0f}"


def _title(article: Path) -> str:
    for line in article.read_text(encoding="utf-8").splitlines():
        if line.startswith("title:"):
            return line.removeprefix("title:").strip().strip('"')
    return article.stem
