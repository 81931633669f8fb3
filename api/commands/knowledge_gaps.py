"""``csagent knowledge gaps``: what customers ask and no article answers, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from api.commands.connection import connected, run
from api.commands.knowledge_add import AudienceName, who
from api.commands.options import AsJson, Name
from api.commands.printing import indented, line, output, plural, print_json, title, visible
from api.gaps_desk import Approval, ReadGap
from infra.knowledge.article import language_code
from infra.knowledge.gaps import WINDOW, Gap
from infra.knowledge.private import Place
from infra.knowledge.suggesting import Suggestion
from skills.errors import BadRequestError, ConflictError
from skills.turn import ArticleId

app = typer.Typer(
    help="What customers ask and no article answers: list, show, approve an article, dismiss.",
    no_args_is_help=True,
)

GapName = Annotated[str, typer.Argument(metavar="GAP", help="Its id, as the list shows it, or the beginning.")]
Version = Annotated[str, typer.Option(help="The version that you read, as `show` prints it.")]
ReasonName = Literal["not_ours", "case_by_case", "answered_already", "other"]


@app.command("list", epilog="Example: `csagent knowledge gaps list --at-least 3`")
def list_gaps(
    at_least: Annotated[int, typer.Option(min=1, help="Questions of a gap.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Gaps at most.")] = 50,
    name: Name = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List what was asked lately and not answered, the most customers first.

    That you read their words is written down in the customers' cases.
    """

    async def work() -> list[Gap]:
        async with connected("knowledge") as services:
            return await services.gaps.waiting(reader=who(name), at_least=at_least, limit=limit)

    found = run(work)
    if as_json:
        print_json([_summary(gap) for gap in found])
        return
    if not found:
        output().print(f"no open questions in the last {WINDOW.days} days")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("gap", no_wrap=True)
    for column in ("questions", "customers", "answered"):
        table.add_column(column, justify="right")
    table.add_column("last asked (UTC)")
    table.add_column("for example", overflow="fold")
    for gap in found:
        table.add_row(
            str(gap.id), f"{len(gap.asked):,}", f"{gap.customers:,}", f"{len(gap.answered):,}",
            f"{gap.asked[-1].at:%Y-%m-%d %H:%M}", Text(line(gap.example.question, 200)),
        )  # fmt: skip
    output().print(table)


@app.command(epilog="Example: `csagent knowledge gaps show 0199c0de`")
def show(gap: GapName, name: Name = None, *, as_json: AsJson = False) -> None:
    """Read a gap's questions and answers, and the article that is suggested."""

    async def work() -> ReadGap:
        async with connected("knowledge") as services:
            return await services.gaps.read(await services.gaps.find(gap), reader=who(name))

    read = run(work)
    if as_json:
        asked = [{"case": one.case_id, "at": one.at, "text": one.text, "answer": one.answer} for one in read.gap.asked]
        print_json({**_summary(read.gap), "asked": asked, "suggestion": read.suggestion, "places": read.places})
        return
    console = output()
    console.print(Text.assemble((f"{read.gap.id}", "bold"), f"  version {read.gap.version}"))
    for one in read.gap.asked:
        console.print(Text(f"\n{one.at:%Y-%m-%d %H:%M} UTC, case {one.case_id}", style="dim"))
        console.print(indented(Text(visible(one.text)), 2))
        if one.answer:
            console.print(indented(Text(f"staff: {visible(one.answer)}", style="green"), 4))
    if read.suggestion is None:
        console.print("\nno person has answered yet: write the article, and approve it with --title and --file")
        return
    _print_suggestion(read.suggestion, read.places)


@app.command(epilog="Example: `csagent knowledge gaps approve 0199c0de --version 5f0c8a41d2b7e936 --file answer.md`")
def approve(
    gap: GapName,
    version: Version,
    article_title: Annotated[
        str | None, typer.Option("--title", help="The article's title.", show_default="the suggested one")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Markdown, the article's text.", show_default="the suggested one")
    ] = None,
    audience: Annotated[AudienceName, typer.Option(help="Who may be told.")] = "public",
    language: Annotated[str | None, typer.Option(help="en, de …", show_default="that of the answers")] = None,
    checked: Annotated[
        bool, typer.Option("--checked", help="You have looked at every place that may be one customer's own.")
    ] = False,
    name: Name = None,
) -> None:
    """Make an article of a gap. The agent answers with it from then on."""
    text = None if file is None else _read(file)
    code = None if language is None else language_code(language)

    async def work() -> ArticleId:
        async with connected("knowledge") as services:
            gap_id = await services.gaps.find(gap)
            approval = Approval(article_title, text, audience, code, checked=checked)
            return await services.gaps.approve(gap_id, version, approval, by=who(name))

    try:
        article = run(work)
    except ConflictError as error:
        if "places" in error.changes:
            error.hint = f"{error.hint} (--checked)"
        raise
    output().print(f"article {article} is live")


@app.command(epilog="Example: `csagent knowledge gaps dismiss 0199c0de --version 5f0c8a41d2b7e936 --reason not_ours`")
def dismiss(
    gap: GapName,
    version: Version,
    reason: Annotated[ReasonName, typer.Option(help="Why no article is wanted.")],
    name: Name = None,
) -> None:
    """Say that no article is wanted. The gap comes back when it has grown to twice its questions."""

    async def work() -> None:
        async with connected("knowledge") as services:
            await services.gaps.dismiss(await services.gaps.find(gap), version, reason, by=who(name))

    run(work)
    output().print("dismissed")


def _summary(gap: Gap) -> dict[str, object]:
    return {
        "id": gap.id, "version": gap.version, "question": gap.example.question, "questions": len(gap.asked),
        "customers": gap.customers, "answers": len(gap.answered), "first_at": gap.asked[0].at,
        "last_at": gap.asked[-1].at, "earlier_article_id": gap.earlier,
    }  # fmt: skip


def _print_suggestion(suggestion: Suggestion, places: Sequence[Place]) -> None:
    console = output()
    console.print(title(f"Suggested, out of {plural(suggestion.answers, 'answer')}"))
    console.print(Text(visible(suggestion.title), style="bold"))
    console.print(Text(f"\n{visible(suggestion.text)}"), soft_wrap=True)
    others = [
        f"{other.kind}: {other.sentence}" if other.instead is None else f"{other.sentence}  (here: {other.instead})"
        for other in suggestion.others
    ]
    marked = [f"{'! ' if place.private else ''}{place.reason}: {place.sentence}" for place in places]
    for heading, lines in (
        ("Other answers say", others),
        ("Left out, for it was done for one customer", suggestion.left_out),
        ("To look at", marked),
    ):
        if lines:
            console.print(title(heading))
            for one in lines:
                console.print(indented(Text(visible(one)), 2))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequestError(f"{file} can't be read: {type(error).__name__}", hint="name a text file") from None
