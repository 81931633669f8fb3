"""``csagent eval sentiment``: the mood that the product hears in others' texts, against their labels."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from api.agent import open_embedder
from evals.data.labelled import read_labelled
from evals.measure.classes import (
    Array,
    accuracy,
    confusion,
    f1_scores,
    interval,
    macro_f1,
    macro_recall,
    precisions,
    recalls,
)  # fmt: skip
from evals.measure.moods import embed_ahead, labels_of, turn_of
from evals.measure.vectors import FileVectorCache, vectors_file
from infra.models.cache import CachedEmbedder
from infra.settings import read_settings
from skills.sentiment import FusedSentiment
from skills.sentiment.head import LABELS


def sentiment(
    test: Annotated[Path, typer.Option(help="CSV file with the columns text and label.", show_default=False)],
) -> None:
    """Label every text with the sentiment skill, print figures with 95 % intervals, and a line of JSON at the end.

    Labels may be words, -, + or numbers. Each text is taken as one message of a customer whom nobody knows. Nothing is
    stored but vectors, in a cache of this machine.
    """
    items = read_labelled(test)
    console = Console(stderr=True, highlight=False)

    async def run() -> Array:
        cache = FileVectorCache(vectors_file())
        try:
            async with open_embedder(read_settings()) as embedder:
                cached = CachedEmbedder(embedder, cache)
                with console.status(f"reading {len(items)} texts …"):
                    await embed_ahead(cached, [item.text for item in items])
                    said = await labels_of(FusedSentiment(cached), [turn_of(item.text) for item in items])
        finally:
            cache.close()
        return confusion(said, [item.label for item in items], LABELS)

    with asyncio.Runner() as runner:
        counts = runner.run(run())
    console.print(_whole(counts))
    console.print(_by_class(counts))
    print(json.dumps(_line(counts)))  # noqa: T201 - the line that scripts read


def _line(counts: Array) -> dict[str, object]:
    measures = {"macro_recall": macro_recall, "accuracy": accuracy, "macro_f1": macro_f1}
    line: dict[str, object] = {name: round(float(measure(counts)), 4) for name, measure in measures.items()}
    for name, measure in measures.items():
        line[f"{name}_95"] = [round(end, 4) for end in interval(counts, measure)]
    return line | {"n": int(counts.sum()), "classes": list(LABELS), "confusion": counts.astype(int).tolist()}


def _whole(counts: Array) -> Table:
    table = Table(title=f"{int(counts.sum())} texts", title_justify="left")
    for column in ("figure", "value", "95 %"):
        table.add_column(column)
    for name, measure in (("macro recall", macro_recall), ("accuracy", accuracy), ("macro F1", macro_f1)):
        low, high = interval(counts, measure)
        table.add_row(name, f"{float(measure(counts)):.4f}", f"{low:.3f} to {high:.3f}")
    return table


def _by_class(counts: Array) -> Table:
    table = Table(title="by label; the last columns are what was said", title_justify="left")
    for column in ("label", "texts", "recall", "95 %", "precision", "F1", *LABELS):
        table.add_column(column)
    for place, label in enumerate(LABELS):
        found, exact, both = (
            _number(np.asarray(measure(counts))[place]) for measure in (recalls, precisions, f1_scores)
        )
        between = ""
        if counts[place].sum():
            low, high = interval(counts, partial(_recall_of, place))
            between = f"{low:.3f} to {high:.3f}"
        table.add_row(
            label,
            str(int(counts[place].sum())),
            found,
            between,
            exact,
            both,
            *(f"{said:.0f}" for said in counts[place]),
        )
    return table


def _recall_of(place: int, counts: Array) -> Array:
    return np.asarray(recalls(counts)[..., place])


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
