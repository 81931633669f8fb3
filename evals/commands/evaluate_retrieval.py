"""``csagent eval retrieval``: how well the product finds the articles that answer questions of yours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.agent import open_embedder
from evals.data.own_questions import read_articles, read_questions
from evals.measure.retrieving import Ranked, Score, answerable_auroc, scores
from evals.measure.scratch import scratch_knowledge
from evals.measure.vectors import FileVectorCache, vectors_file
from infra.models.cache import CachedEmbedder
from infra.settings import read_settings

_STATED = {
    "r1": "gold articles found first",
    "r5": "gold articles among the first 5",
    "r10": "gold articles among the first 10",
    "mrr": "one over the place of the first gold article, of 10",
    "ndcg10": "gain of the ranking, discounted by place, of 10",
    "answerable_auroc": "how well the confidence tells questions with gold from those without",
}


def command(
    articles: Annotated[Path, typer.Option(help="JSON lines: id, title, body.")],
    questions: Annotated[Path, typer.Option(help="JSON lines: id, text, gold ids; history may be there.")],
) -> None:
    """Search your articles for your questions with the product's own retrieval, and count what it found.

    The articles go into a scratch knowledge base of this process; the real one is neither read nor changed.
    """
    console = Console(stderr=True, highlight=False)
    with asyncio.Runner() as runner:
        ranked = runner.run(_ranked(articles, questions, console))
    found = scores(ranked)
    if (telling := answerable_auroc(ranked)) is not None:
        found["answerable_auroc"] = telling
    console.print(_table(found))
    answerable = sum(bool(one.asked.gold) for one in ranked)
    line: dict[str, object] = {name: round(score.value, 4) for name, score in found.items()}
    line |= {"intervals": {name: [round(bound, 4) for bound in score.interval] for name, score in found.items()}}
    print(json.dumps(line | {"n": answerable, "n_without_gold": len(ranked) - answerable}))  # noqa: T201 - for scripts


async def _ranked(articles: Path, questions: Path, console: Console) -> list[Ranked]:
    reading = read_articles(articles)
    asked = read_questions(questions, known={article.slug for article in reading.articles})
    cache = FileVectorCache(vectors_file())
    try:
        with console.status("embedding the articles …") as status:
            async with open_embedder(read_settings()) as embedder:
                knowledge = await scratch_knowledge(reading, CachedEmbedder(embedder, cache))
                ranked = []
                for number, one in enumerate(asked, start=1):
                    status.update(f"asking, {number} of {len(asked)} …")
                    ranked.append(await knowledge.rank(one))
                return ranked
    finally:
        cache.close()


def _table(found: dict[str, Score]) -> Table:
    table = Table()
    for column in ("figure", "value", "95 %", "what it is"):
        table.add_column(column)
    for name, score in found.items():
        table.add_row(name, f"{score.value:.4f}", f"{score.interval[0]:.3f} to {score.interval[1]:.3f}", _STATED[name])
    return table
