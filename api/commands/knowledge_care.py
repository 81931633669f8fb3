"""``csagent knowledge history|show|restore|check|reindex``: articles over time, and what is wrong with them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.agent import open_answering_embedder, open_model_embedder
from api.commands.connection import connected, run
from api.commands.knowledge_add import progress_bar, who
from api.commands.options import AsJson, Name
from api.commands.printing import line, notices, output, plural, print_json, visible
from infra.knowledge.checking import KINDS, CheckTerms, Finding, Named
from infra.knowledge.ingest import Ingest
from infra.knowledge.reindexing import reindex as reindex_all
from infra.knowledge.switching import Model
from infra.models.minilm import MODEL as MINILM
from infra.postgres.article_versions import ArticleVersion, ArticleVersions, KnownArticle, VersionLine
from infra.postgres.articles import PostgresArticles
from infra.postgres.embedding_models import PostgresEmbeddingModels
from infra.postgres.knowledge_check import KnowledgeCheck
from skills.errors import BadRequestError

Article = Annotated[str, typer.Argument(help="Its slug, SOURCE/SLUG, or the beginning of its id.")]


def history(article: Article, *, as_json: AsJson = False) -> None:
    """What became of an article: every version, who made it and when; of one that was removed, too."""

    async def work() -> tuple[KnownArticle, list[VersionLine]]:
        async with connected("knowledge") as services:
            versions = ArticleVersions(services.database)
            known = await versions.find(article)
            return known, await versions.history(known.article_id)

    known, lines = run(work)
    if as_json:
        print_json({"article": known, "versions": lines})
        return
    console = output()
    console.print(Text.assemble((line(known.title), "bold"), f"  {visible(known.source)}/{visible(known.slug)}"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("version", "what", "by", "when (UTC)", "holds", "audience"):
        table.add_column(column)
    table.add_column("characters", justify="right")
    for one in lines:
        table.add_row(
            str(one.version), one.change, Text(line(one.changed_by, 40)), f"{one.changed_at:%Y-%m-%d %H:%M}",
            _holds(one), one.audience, f"{one.characters:,}",
        )  # fmt: skip
    console.print(table)


def show(
    article: Article,
    version: Annotated[int | None, typer.Option(min=1, help="Which version.", show_default="the newest")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Read an article as it is, or as it was."""

    async def work() -> ArticleVersion:
        async with connected("knowledge") as services:
            versions = ArticleVersions(services.database)
            return await versions.version((await versions.find(article)).article_id, version)

    found = run(work)
    if as_json:
        print_json(found)
        return
    console = output()
    console.print(Text.assemble((line(found.title), "bold"), f"  version {found.version}, {found.change}"))
    told = [
        f"by {line(found.changed_by, 40)}",
        f"{found.changed_at:%Y-%m-%d %H:%M} UTC",
        found.audience,
        found.language,
    ]
    console.print(Text(", ".join([*told, *([visible(found.url)] if found.url else [])]), style="dim"), soft_wrap=True)
    console.print(Text(f"\n{visible(found.body)}"), soft_wrap=True)


def restore(
    article: Article,
    version: Annotated[int, typer.Option(min=1, help="Which version comes back.")],
    name: Name = None,
) -> None:
    """Bring an earlier version back, as a new one.

    It stays until the source says something new: an import of the
    unchanged source leaves it alone.
    """

    async def work() -> ArticleVersion:
        async with (
            connected("knowledge") as services,
            open_answering_embedder(services.settings, services.database) as embedder,
        ):
            versions = ArticleVersions(services.database)
            earlier = await versions.version((await versions.find(article)).article_id, version)
            await Ingest(PostgresArticles(services.database), embedder).restore(earlier.article, by=who(name))
            return earlier

    restored = run(work)
    output().print(Text(f"version {restored.version} of {visible(restored.source)}/{visible(restored.slug)} is back"))


def check(
    stale_months: Annotated[
        int, typer.Option(min=1, help="Unchanged for so long, an article that is cited is old.")
    ] = 12,
    cited: Annotated[int, typer.Option(min=1, help="How often in 90 days an old article is cited to be listed.")] = 5,
    expiring_days: Annotated[int, typer.Option(min=0, help="List what expires so soon.")] = 30,
    *,
    as_json: AsJson = False,
) -> None:
    """List what is wrong with the articles, or soon will be.

    Figures that differ in nearly the same sentence, articles that have
    expired or are old and yet often cited, that their source has no more,
    that say the same twice, and links that lead nowhere.
    """
    terms = CheckTerms(
        expiring=timedelta(days=expiring_days), stale=timedelta(days=round(stale_months * 30.44)), cited=cited
    )

    async def work() -> list[Finding]:
        async with connected("knowledge") as services:
            return await KnowledgeCheck(services.database).report(terms)

    findings = run(work)
    if as_json:
        print_json({"findings": findings})
        return
    console = output()
    if not findings:
        console.print("nothing to look at")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("what", "article", "why"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        at = "" if finding.at is None else f" ({finding.at:%Y-%m-%d})"
        other = "" if finding.other is None else f"\nalso {_place(finding.other)}"
        table.add_row(
            finding.kind.replace("_", " "),
            Text(_place(finding.article)),
            Text(f"{line(finding.detail, 400)}{at}{other}"),
        )
    console.print(table)
    counts = {kind: sum(one.kind == kind for one in findings) for kind in KINDS}
    console.print(
        Text(", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in counts.items() if count), style="dim")
    )


def reindex(
    model: Annotated[str, typer.Option(help="`minilm`, or a name that your server of OpenAI's protocol knows.")],
    dimensions: Annotated[
        int | None, typer.Option(min=1, max=4000, help="The length of its vectors, where it is not known.")
    ] = None,
    grace: Annotated[float, typer.Option(min=0, help="Seconds that the old vectors stay after the switch.")] = 30.0,
) -> None:
    """Give every passage a vector of another model, and switch to it.

    The old model answers until every vector is there; then the new one
    does, in every process within a second or two, and the old vectors are
    dropped. Interrupted, run it again: it goes on where it stopped.
    """

    async def work() -> list[str]:
        async with connected("knowledge") as services:
            name = MINILM if model == "minilm" else model
            async with open_model_embedder(services.settings, name, dimensions) as embedder:
                ingest = Ingest(PostgresArticles(services.database), embedder)
                with progress_bar(notices(), "embedding passages") as told:
                    return await reindex_all(
                        PostgresEmbeddingModels(services.database),
                        ingest,
                        Model(embedder.model, embedder.dimensions),
                        grace=grace,
                        progress=told,
                    )

    if model.startswith("-") or not model.strip():
        raise BadRequestError("that is not the name of a model", hint="minilm, text-embedding-3-small …")
    dropped = run(work)
    left = f"; {plural(len(dropped), 'model')} dropped: {', '.join(dropped)}" if dropped else ""
    output().print(Text(f"{visible(model)} answers now{left}"), soft_wrap=True)


def _holds(version: VersionLine) -> str:
    begins = "" if version.effective_at is None else f"{version.effective_at:%Y-%m-%d} "
    ends = "" if version.expires_at is None else f" {version.expires_at:%Y-%m-%d}"
    return f"{begins}–{ends}" if begins or ends else "always"  # noqa: RUF001 - a dash from day to day


def _place(article: Named) -> str:
    return f"{visible(article.source)}/{visible(article.slug)}"
