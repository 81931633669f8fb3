"""``csagent intents``: what customers want, learned from the company's own examples."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.agent import intents_file, open_intents, open_intents_embedder
from api.commands.connection import run
from api.commands.options import AsJson
from api.commands.printing import notices, output, plural, print_json, visible
from infra.intents.examples import OUT_OF_SCOPE, Labelled, read_examples
from infra.intents.file import save
from infra.intents.training import Checked, Examples, cross_validate, train
from infra.intents.vectors import vectors_of
from infra.settings import read_settings
from skills.errors import BadRequestError, NotFoundError

_FEWEST = 2
_ENOUGH = 10

app = typer.Typer(
    help="What customers want: learned from your own examples, used for figures, policy and scope.",
    no_args_is_help=True,
    epilog="docs/intents.md tells of the file and of what becomes of it.",
)


@app.command("train", epilog="Example: `csagent intents train intents.csv`")
def train_command(
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns text and label.")],
    to: Annotated[
        Path | None, typer.Option(help="Where the model goes.", show_default="intents.npz in the data folder")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Learn intents from labelled examples, and say how well they are told.

    Every example is judged by a model that has not seen it (three folds);
    the model that is kept has seen all. Workers use it from their next
    start. Rows with the label oos are left out.
    """
    settings = read_settings()
    examples = [row for row in read_examples(file) if row.label != OUT_OF_SCOPE]
    counts = Counter(row.label for row in examples)
    if len(counts) < _FEWEST:
        raise BadRequestError(
            f"{file} has {plural(len(counts), 'label')}; intents are told from each other, so it takes two at least",
            hint="add examples of another intent",
        )
    target = to or intents_file(settings)
    checked = run(lambda: _train(examples, target))
    if as_json:
        print_json({"model": str(target), "examples": len(examples), "cross_validated": checked})
        return
    _print(checked, len(examples), target)
    if few := [label for label, count in counts.items() if count < _ENOUGH]:
        notices().print(
            Text(f"with fewer than {_ENOUGH} examples: {visible(', '.join(sorted(few)))}", style="yellow"),
            soft_wrap=True,
        )


@app.command("read", epilog='Example: `csagent intents read "Where is my parcel?"`')
def read_command(
    text: Annotated[str, typer.Argument(help="What a customer writes.")], *, as_json: AsJson = False
) -> None:
    """Say which intent a text has, and whether it has any."""

    async def work() -> tuple[str, float, str]:
        async with open_intents(read_settings()) as intents:
            if intents is None:
                raise NotFoundError("no intents are trained here", hint="csagent intents train FILE")
            return await intents.read(text)

    label, confidence, scope = run(work)
    if as_json:
        print_json({"label": label, "confidence": confidence, "scope": scope})
        return
    output().print(Text(f"{visible(label)}  {confidence:.2f}  {scope}"))


async def _train(examples: Sequence[Labelled], target: Path) -> Checked:
    texts, labels = [row.text for row in examples], [row.label for row in examples]
    async with open_intents_embedder() as embedder:
        labelled = Examples(texts, labels, await vectors_of(embedder, texts))
        checked = await asyncio.to_thread(cross_validate, labelled)
        classifier = await asyncio.to_thread(train, labelled, embedder=embedder.model)
    save(classifier, target, limits=(checked.near, checked.far))
    return checked


def _print(checked: Checked, examples: int, target: Path) -> None:
    console = output()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("label", overflow="fold")
    table.add_column("examples", justify="right")
    table.add_column("told right", justify="right")
    for label, (count, share) in sorted(checked.by_label.items(), key=lambda row: row[1][1]):
        table.add_row(Text(visible(label)), f"{count:,}", f"{share:.0%}")
    console.print(table)
    for label, other, count in checked.mixed_up:
        console.print(Text(f"{visible(label)} was taken for {visible(other)}: {count}", style="dim"), soft_wrap=True)
    console.print(
        Text(f"{plural(examples, 'example')}, {checked.accuracy:.1%} told right; kept in {target}"), soft_wrap=True
    )
