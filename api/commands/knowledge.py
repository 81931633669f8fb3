"""``csagent knowledge``: the articles that the agent answers from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from api.agent import open_embedder
from api.commands.connection import connected, run
from api.commands.options import AsJson
from api.commands.printing import duration, indented, line, notices, output, plural, print_json, visible
from infra.knowledge.article import language_code
from infra.knowledge.ingest import Ingest, Summary
from infra.knowledge.ingest import Progress as Told
from infra.knowledge.reading import Reading, read_articles
from infra.postgres.articles import ArticleCount, PostgresArticles
from infra.postgres.knowledge import PostgresKnowledge
from skills.errors import NotFoundError
from skills.ports import KnowledgeQuery
from skills.turn import Audience, Passage

_FORMATS = "Markdown, text, HTML, CSV and JSON"

app = typer.Typer(
    help="The articles that the agent answers from: add, list, search, remove.",
    no_args_is_help=True,
    epilog="docs/knowledge.md tells of formats, audiences and mapping files.",
)

AudienceName = Literal["public", "customers", "staff"]


@app.command(epilog="Example: `csagent knowledge add help/ --source help --prune`")
def add(
    path: Annotated[Path, typer.Argument(help=f"A file, or a folder with the folders in it: {_FORMATS}.")],
    mapping: Annotated[
        Path | None, typer.Option(help="A TOML file that says where the articles are in JSON of another shape.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The name that the articles are kept under.", show_default="the path's last part")
    ] = None,
    language: Annotated[str, typer.Option(help="Of articles that do not say theirs: en, de, es …")] = "en",
    audience: Annotated[AudienceName, typer.Option(help="Who may be told, where an article does not say.")] = "public",
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove this source's articles that are gone from PATH.")
    ] = False,
) -> None:
    """Add articles, or bring those of a source up to date.

    What has not changed is not touched, so run it as often as you like.
    What can't be read is listed at the end, with exit code 1; everything
    else goes in.
    """
    began = time.perf_counter()
    # Read first: a mistake in the path costs no start of a server.
    reading = read_articles(path, mapping=mapping, source=source, language=language_code(language), audience=audience)

    async def work() -> Summary:
        async with connected("knowledge") as services, open_embedder(services.settings) as embedder:
            with _progress(notices()) as told:
                return await Ingest(PostgresArticles(services.database), embedder).add(
                    reading, prune=prune, progress=told
                )

    _print_summary(reading, run(work), time.perf_counter() - began)
    if reading.problems:
        raise typer.Exit(1)


@app.command("list", epilog="Example: `csagent knowledge list --json`")
def list_sources(*, as_json: AsJson = False) -> None:
    """How many articles there are, by source, language and audience."""

    async def work() -> list[ArticleCount]:
        async with connected("knowledge") as services:
            return await PostgresArticles(services.database).counts()

    counts = run(work)
    if as_json:
        print_json(counts)
        return
    console = output()
    if not counts:
        console.print("there are no articles yet: `csagent knowledge add PATH` brings some")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("source", overflow="fold")
    table.add_column("language")
    table.add_column("audience")
    table.add_column("articles", justify="right")
    table.add_column("passages", justify="right")
    table.add_column("changed (UTC)")
    for count in counts:
        table.add_row(
            Text(visible(count.source)),
            count.language,
            count.audience,
            f"{count.articles:,}",
            f"{count.passages:,}",
            f"{count.updated_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


@app.command(epilog='Example: `csagent knowledge search "Can I return a gift?" --limit 3`')
def search(
    question: Annotated[str, typer.Argument(help="As a customer would put it.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Passages at most.")] = 8,
    audience: Annotated[AudienceName, typer.Option(help="Search as this reader.")] = "public",
    *,
    as_json: AsJson = False,
) -> None:
    """Find passages, best first, as the agent does.

    The similarity is the cosine between question and passage, in [-1, 1].
    The score fuses its rank among the nearest vectors and its rank among
    the matching words; it orders the list and means nothing across
    questions.
    """
    reader: Audience = audience

    async def work() -> list[Passage]:
        async with connected("knowledge") as services, open_embedder(services.settings) as embedder:
            knowledge = PostgresKnowledge(services.database, embedder)
            return await knowledge.search(KnowledgeQuery(question, limit=limit, audience=reader))

    passages = run(work)
    if as_json:
        print_json(passages)
        return
    console = output()
    if not passages:
        console.print("nothing was found; `csagent knowledge list` says what there is")
        return
    console.print(Text("similarity   score  passage", style="dim"))
    for passage in passages:
        heading = "" if passage.heading == passage.title else f" > {passage.heading}"
        console.print(
            Text.assemble(
                (f"{passage.similarity:10.2f}", "bold"), f"  {passage.score:.4f}  ", line(f"{passage.title}{heading}")
            ),
            soft_wrap=True,
        )
        console.print(indented(Text(line(passage.text, 150), style="dim"), 20))


@app.command(epilog="Example: `csagent knowledge remove old-faq --yes`")
def remove(
    source: Annotated[str, typer.Argument(help="The source's name, as `csagent knowledge list` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Remove every article of a source. Conversations that cited them stay as they are."""

    async def work() -> int:
        async with connected("knowledge") as services:
            store = PostgresArticles(services.database)
            count = sum(count.articles for count in await store.counts() if count.source == source)
            if not count:
                raise NotFoundError(f"there is no source {source!r}", hint="`csagent knowledge list` names them")
            if not yes:
                typer.confirm(f"Remove {plural(count, 'article')} of {visible(source)}?", abort=True, err=True)
            return await store.delete_source(source)

    output().print(Text(f"removed {plural(run(work), 'article')} of {visible(source)}"))


def _print_summary(reading: Reading, summary: Summary, seconds: float) -> None:
    console = output()
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (summary.added, "added"),
            (summary.changed, "changed"),
            (summary.unchanged, "unchanged"),
            (summary.removed, "removed"),
        )
        if count
    ]
    console.print(
        Text.assemble(
            (visible(reading.source), "bold"), f": {', '.join(parts) or 'no articles'} in {duration(seconds)}"
        ),
        soft_wrap=True,
    )
    console.print(f"{plural(summary.embedded, 'passage')} embedded", style="dim")
    if reading.ignored:
        console.print(
            Text(f"{plural(len(reading.ignored), 'file')} of other formats left out", style="dim"), soft_wrap=True
        )
    if not reading.problems:
        return
    problems = notices()
    problems.print(Text(f"\n{plural(len(reading.problems), 'problem')}:", style="bold red"))
    for problem in reading.problems:
        problems.print(Text(f"  {visible(str(problem))}"), soft_wrap=True)
        if problem.hint:
            problems.print(Text(f"    {problem.hint}", style="dim"), soft_wrap=True)


@contextmanager
def _progress(console: Console) -> Iterator[Told | None]:
    """A bar for whoever watches; nothing where nobody does."""
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("adding articles"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
