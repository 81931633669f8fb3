"""``csagent knowledge``: the articles that the agent answers from."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.agent import open_answering_embedder
from api.commands import knowledge_gaps
from api.commands.connection import connected, run
from api.commands.knowledge_add import AudienceName, add, who
from api.commands.knowledge_care import check, history, reindex, restore, show
from api.commands.options import AsJson
from api.commands.printing import indented, line, output, plural, print_json, visible
from infra.postgres.articles import ArticleCount, PostgresArticles
from infra.postgres.knowledge import PostgresKnowledge
from skills.errors import NotFoundError
from skills.ports import KnowledgeQuery
from skills.turn import Audience, Passage

app = typer.Typer(
    help="The articles that the agent answers from: add, list, search, look after, remove.",
    no_args_is_help=True,
    epilog="docs/knowledge.md tells of formats, audiences, dates, versions and mapping files.",
)

app.command(epilog="Example: `csagent knowledge add help/ https://shop.example/sitemap.xml --prune`")(add)


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
        async with (
            connected("knowledge") as services,
            open_answering_embedder(services.settings, services.database) as embedder,
        ):
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
            return await store.delete_source(source, who(None))

    output().print(Text(f"removed {plural(run(work), 'article')} of {visible(source)}"))


app.command(epilog="Example: `csagent knowledge history help/returns.md`")(history)
app.command(epilog="Example: `csagent knowledge show help/returns.md --version 2`")(show)
app.command(epilog="Example: `csagent knowledge restore help/returns.md --version 2`")(restore)
app.command(epilog="Example: `csagent knowledge check --json`")(check)
app.command(epilog="Example: `csagent knowledge reindex --model text-embedding-3-small`")(reindex)
app.add_typer(knowledge_gaps.app, name="gaps")
