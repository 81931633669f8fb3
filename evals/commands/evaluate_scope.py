"""``csagent eval scope``: intents and what is outside of them, on labelled texts of others."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from api.commands.printing import notices, plural
from evals.measure.layered import layered_embedder
from evals.measure.scope import Judged
from infra.intents.examples import OUT_OF_SCOPE, Labelled, read_examples
from infra.intents.training import Examples, train
from infra.intents.vectors import vectors_of
from skills.errors import BadRequestError
from skills.intent import Floats


def command(
    train_file: Annotated[Path, typer.Option("--train", help="CSV with the columns text and label.")],
    test_file: Annotated[Path, typer.Option("--test", help="The same; the label oos marks what is out of scope.")],
) -> None:
    """Measure how well intents are told, and questions out of scope.

    The product's own classifier learns from the first file alone (rows with
    the label oos are left out of it) and is tested on the second. A label
    of the test that the training lacks can't be told: such rows count as
    wrong. Ends with one line of JSON: `accuracy` in scope, `oos_auroc`, and
    `fpr_at_95_tpr`, the share of texts out of scope that pass for in scope
    where 95 % of those in scope do; `null` where a file has none of a kind.
    """
    training, test = read_examples(train_file), read_examples(test_file)
    known = [row for row in training if row.label != OUT_OF_SCOPE]
    if not known:
        raise BadRequestError(
            f"{train_file} has no text in scope: every label is {OUT_OF_SCOPE}", hint="label the texts with intents"
        )
    console = notices()
    _warn(console, training, known, test, test_file)
    with asyncio.Runner() as runner:
        judged = runner.run(_judge(known, test, console))
    line = _line(judged, known, test)
    _print(console, line)
    typer.echo(json.dumps(line))


async def _judge(known: Sequence[Labelled], test: Sequence[Labelled], console: Console) -> Judged:
    async with layered_embedder() as embedder:
        vectors: list[Floats] = []
        for rows in (known, test):
            console.print(f"vectors of {plural(len(rows), 'text')}")
            vectors.append(await vectors_of(embedder, [row.text for row in rows]))
    return await asyncio.to_thread(_judged, known, test, vectors[0], vectors[1])


def _judged(known: Sequence[Labelled], test: Sequence[Labelled], known_vectors: Floats, test_vectors: Floats) -> Judged:
    examples = Examples([row.text for row in known], [row.label for row in known], known_vectors)
    classifier = train(examples, embedder="")
    judgement = classifier.judge([row.text for row in test], test_vectors)
    return Judged.of(
        [classifier.labels[number] for number in judgement.labels],
        judgement.outside.tolist(),
        [row.label for row in test],
        OUT_OF_SCOPE,
    )


def _warn(
    console: Console, training: Sequence[Labelled], known: Sequence[Labelled], test: Sequence[Labelled], file: Path
) -> None:
    if len(known) < len(training):
        console.print(f"{plural(len(training) - len(known), 'row')} of the training are {OUT_OF_SCOPE}, and left out")
    labels = {row.label for row in known}
    if len(labels) == 1:
        console.print("the training has one label: only what is outside can be told")
    strange = [row for row in test if row.label not in labels | {OUT_OF_SCOPE}]
    if strange:
        console.print(
            f"{escape(str(file))}, line {strange[0].line}: the training has no label “{escape(strange[0].label)}”; "
            f"{plural(len(strange), 'such row counts', 'such rows count')} as wrong",
            soft_wrap=True,
        )


def _line(judged: Judged, known: Sequence[Labelled], test: Sequence[Labelled]) -> dict[str, object]:
    outside = int(judged.out_of_scope.sum())
    inside = len(test) - outside
    both = bool(outside and inside)
    return {
        "accuracy": _number(judged.accuracy),
        "accuracy_interval": _pair(judged.accuracy_interval) if inside else None,
        "oos_auroc": _number(judged.auroc),
        "oos_auroc_interval": _pair(judged.auroc_interval) if both else None,
        "fpr_at_95_tpr": _number(judged.false_positives),
        "fpr_at_95_tpr_interval": _pair(judged.false_positives_interval) if both else None,
        "n": len(test),
        "n_in_scope": inside,
        "n_oos": outside,
        "n_train": len(known),
        "labels": len({row.label for row in known}),
    }


def _print(console: Console, line: dict[str, object]) -> None:
    for name in ("accuracy", "oos_auroc", "fpr_at_95_tpr"):
        value, interval = line[name], line[f"{name}_interval"]
        said = "none: the test lacks what it takes" if value is None else f"{value}, 95 % {interval}"
        console.print(f"{name:14}  {said}")


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _pair(interval: tuple[float, float]) -> list[float]:
    return [round(value, 4) for value in interval]
