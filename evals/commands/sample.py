"""``csagent sample``: the whole product, with the sample company's articles in and its customers played through."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.agent import open_embedder
from api.commands.up import Product, print_addresses, running_product, until_stopped
from evals.sample_company.play import Played, Player
from evals.sample_company.script import ARTICLES, load_script
from infra.knowledge.ingest import Ingest
from infra.knowledge.reading import read_articles
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from infra.settings import read_settings

_SOURCE = "sample company"


def command(
    once: Annotated[bool, typer.Option("--once", help="Stop after the sample; exit 1 if a turn went wrong.")] = False,
    port: Annotated[int | None, typer.Option(help="Port; without it 8000, or the next free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where data and keys are kept.", show_default=".csagent")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the turns as JSON lines, for scripts.")] = False,
) -> None:
    """Start everything, play a sample company's customers through it, show how each turn ended, and stay up.

    The company is invented (see evals/sample_company). Its articles go into the knowledge base, its customers write
    over HTTP, and what comes of every turn is compared with what ought to come of it.
    """
    settings = read_settings(**({"folder": folder} if folder else {}))
    console = Console(stderr=True, highlight=False)

    async def run() -> int:
        async with running_product(settings, console, port=port, workers=workers) as product:
            await add_articles(product, console)
            played = await play(product, console)
            if as_json:
                for turn in played:
                    print(json.dumps({name: getattr(turn, name) for name in turn.__slots__}, ensure_ascii=False))  # noqa: T201
            else:
                print_table(played, Console(highlight=False))
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


async def play(product: Product, console: Console) -> list[Played]:
    """Every customer of the script, with a progress bar."""
    customers = load_script()
    titles = {article.stem: _title(article) for article in ARTICLES.glob("*.md")}
    columns = (TextColumn("playing the sample customers"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    player = Player(product.url, product.staff_key, titles)
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("turns", total=sum(len(customer.turns) for customer in customers))
            return await player.play(customers, lambda _: progress.advance(bar))
    finally:
        await player.close()


def print_table(played: list[Played], console: Console) -> None:
    """What was asked, how it ended, what came back or why not, and how long it took."""
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=["", "dim"])
    table.add_column("")
    table.add_column("message", ratio=4, no_wrap=True, overflow="ellipsis")
    table.add_column("outcome", no_wrap=True)
    table.add_column("reply or reason", ratio=6, no_wrap=True, overflow="ellipsis")
    table.add_column("ms", justify="right")
    for turn in played:
        mark = "[green]✓[/]" if turn.problem is None else "[bold red]✗[/]"
        table.add_row(mark, _one_line(turn.message), turn.outcome, _one_line(turn.detail), f"{turn.milliseconds:.0f}")
        if turn.problem is not None:
            table.add_row("", "", "", f"[red]{_one_line(turn.problem)}[/]", "")
    console.print(table)


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("[", r"\[")


def _title(article: Path) -> str:
    for line in article.read_text(encoding="utf-8").splitlines():
        if line.startswith("title:"):
            return line.removeprefix("title:").strip().strip('"')
    return article.stem
