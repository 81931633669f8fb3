"""The sample company, played through the whole product: wiring, policy, retrieval and abstention, not prose."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console

from evals.commands.sample import add_articles, play, print_table, staged_product
from evals.measure.statistics import wilson
from evals.suite import Context, Figure, Report, Suite


async def _run(context: Context) -> Report:
    console = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="csagent-eval-") as place:
        settings = context.settings.model_copy(update={"folder": Path(place) / "data"})
        async with staged_product(settings, console) as (product, providers):
            await add_articles(product, console)
            played = await play(product, providers, console)
    wrong = [turn for turn in played if turn.problem is not None]
    if wrong:
        print_table(wrong, console)
    kinds = Counter(turn.kind for turn in played)
    as_expected = Counter(turn.kind for turn in played if turn.problem is None)
    right = len(played) - len(wrong)
    return Report(
        figures=(
            Figure(
                "sample_as_expected",
                right / len(played),
                wilson(right, len(played)),
                # Its authors expect the embedded forms' words; what a model is expected to say is for its runs to show.
                floor=1.0 if context.model is None else None,
                stated="turns of the sample company that ended as its authors expect",
            ),
        ),
        details={
            "sample_turns": len(played),
            "sample_by_kind": {kind: [as_expected[kind], count] for kind, count in sorted(kinds.items())},
        },
    )


SAMPLE = Suite("sample", "whole turns through the whole product", _run)
