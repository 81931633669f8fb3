"""``csagent knowledge add``: articles from folders, files, pages and sitemaps."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from api.agent import open_answering_embedder
from api.commands.connection import connected, run
from api.commands.options import Name
from api.commands.printing import duration, notices, output, plural, visible
from api.wiring import Services
from infra.knowledge.addresses import GuardedNetwork, networks
from infra.knowledge.article import language_code, moment
from infra.knowledge.crawling import Crawled, Crawler, CrawlTerms
from infra.knowledge.fetching import Fetcher, checked_url
from infra.knowledge.gaps import SOURCE as GAPS
from infra.knowledge.ingest import Ingest, Summary
from infra.knowledge.ingest import Progress as Told
from infra.knowledge.mapping import load_mapping
from infra.knowledge.reading import Reading, read_articles
from infra.postgres.articles import PostgresArticles
from infra.postgres.fetched_pages import FetchedPages
from skills.errors import BadRequestError

FORMATS = "Markdown, text, HTML, PDF, Word, CSV and JSON"

AudienceName = Literal["public", "customers", "staff"]


@dataclass(frozen=True, slots=True)
class _Address:
    """A target that is fetched, under the source's name."""

    url: str
    source: str


@dataclass(frozen=True, slots=True)
class _Added:
    reading: Reading
    summary: Summary
    seconds: float
    left_out: int = 0


def add(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH_OR_URL...",
            help=f"Files, folders with the folders in them, pages, or sitemaps: {FORMATS}.",
        ),
    ],
    mapping: Annotated[
        Path | None, typer.Option(help="A TOML file that says where the articles are in JSON or CSV of another shape.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="The name that the articles are kept under.", show_default="the path's last part, or the URL"
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="Of articles that do not say theirs: en, de, es …", show_default="guessed from the text"),
    ] = None,
    audience: Annotated[AudienceName, typer.Option(help="Who may be told, where an article does not say.")] = "public",
    effective: Annotated[
        str | None, typer.Option(help="The day from which articles hold that do not say it.", metavar="DATE")
    ] = None,
    expires: Annotated[str | None, typer.Option(help="The last day on which they hold.", metavar="DATE")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove a source's articles that are gone from it.")] = False,
    include: Annotated[
        list[str] | None, typer.Option(help="Of a sitemap only pages that fit: `*/help/*`. May be repeated.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Pages of a sitemap that are left out.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50_000, help="Pages of a sitemap at most.")] = 1_000,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(help="A network that is not public and may be asked all the same: `10.1.0.0/16`."),
    ] = None,
    name: Name = None,
) -> None:
    """Add articles, or bring those of a source up to date.

    What has not changed is not touched, so run it as often as you like.
    What can't be read is listed at the end, with exit code 1; everything
    else goes in. Pages are fetched only from the addresses that you name,
    and a sitemap's own host.
    """
    if source is not None and len(targets) > 1:
        raise BadRequestError("--source names one source", hint="run the command once for each")
    terms = CrawlTerms(
        language=None if language is None else language_code(language),
        audience=audience,
        effective=None if effective is None else moment(effective),
        expires=None if expires is None else moment(expires, ends=True),
        mapping=None if mapping is None else load_mapping(mapping),
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        most=limit,
    )
    networks(allow_network or ())  # a mistake in what was typed costs no start of a server, nor does one in a path
    found = [_target(target, mapping, source, terms) for target in targets]
    if any(one.source == GAPS for one in found):
        raise BadRequestError(
            f"the source {GAPS!r} has the articles that were approved here", hint="give --source NAME"
        )

    async def work() -> list[_Added]:
        async with (
            connected("knowledge") as services,
            open_answering_embedder(services.settings, services.database) as embedder,
        ):
            ingest = Ingest(PostgresArticles(services.database), embedder)
            return [
                await _bring_in(services, ingest, one, terms, prune, who(name), allow_network or []) for one in found
            ]

    added = run(work)
    for one in added:
        _print_summary(one)
    if any(one.reading.problems for one in added):
        raise typer.Exit(1)


def _target(target: str, mapping: Path | None, source: str | None, terms: CrawlTerms) -> Reading | _Address:
    if target.lower().startswith(("http://", "https://")):
        url = checked_url(target)
        return _Address(url, source or url)
    return read_articles(
        Path(target),
        mapping=mapping,
        source=source,
        language=terms.language,
        audience=terms.audience,
        effective=terms.effective,
        expires=terms.expires,
    )


async def _bring_in(
    services: Services,
    ingest: Ingest,
    found: Reading | _Address,
    terms: CrawlTerms,
    prune: bool,
    by: str,
    allowed: list[str],
) -> _Added:
    began = time.perf_counter()
    if isinstance(found, Reading):
        with progress_bar(notices(), "adding articles") as told:
            summary = await ingest.add(found, prune=prune, progress=told, by=by)
        return _Added(found, summary, time.perf_counter() - began)
    pages = FetchedPages(services.database)
    known = await pages.known(found.source, terms.hash)
    private = networks([*services.settings.knowledge.private_networks, *allowed])
    with progress_bar(notices(), "fetching pages") as told:

        def crawl() -> Crawled:
            fetcher = Fetcher(GuardedNetwork(private))
            try:
                return Crawler(fetcher, terms, known, told).read(found.url, found.source)
            finally:
                fetcher.close()

        crawled = await asyncio.to_thread(crawl)
    with progress_bar(notices(), "adding articles") as told:
        summary = await ingest.add(crawled.reading, prune=prune, progress=told, by=by)
    await pages.keep(found.source, terms.hash, crawled.validators)
    return _Added(crawled.reading, summary, time.perf_counter() - began, crawled.left_out)


def who(name: str | None) -> str:
    """Who brings the articles, for the record of versions: the given name, else the login's."""
    try:
        chosen = (name if name is not None else getpass.getuser()).strip()
    except (KeyError, OSError):  # a container's user often has a number only
        chosen = ""
    return chosen or "command line"


def _print_summary(added: _Added) -> None:
    reading, summary = added.reading, added.summary
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
            (visible(reading.source), "bold"), f": {', '.join(parts) or 'no articles'} in {duration(added.seconds)}"
        ),
        soft_wrap=True,
    )
    console.print(f"{plural(summary.embedded, 'passage')} embedded", style="dim")
    if reading.ignored:
        console.print(
            Text(f"{plural(len(reading.ignored), 'file')} of other formats left out", style="dim"), soft_wrap=True
        )
    if added.left_out:
        console.print(Text(f"{plural(added.left_out, 'page')} beyond --limit left out", style="dim"), soft_wrap=True)
    if not reading.problems:
        return
    problems = notices()
    problems.print(Text(f"\n{plural(len(reading.problems), 'problem')}:", style="bold red"))
    for problem in reading.problems:
        problems.print(Text(f"  {visible(str(problem))}"), soft_wrap=True)
        if problem.hint:
            problems.print(Text(f"    {problem.hint}", style="dim"), soft_wrap=True)


@contextmanager
def progress_bar(console: Console, what: str) -> Iterator[Told | None]:
    """A bar for whoever watches; nothing where nobody does."""
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
