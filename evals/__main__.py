"""``make eval``: plays the sample company through the whole product; ends with one line of JSON.

Without a language model this measures wiring, policy, retrieval and abstention, not prose.
Suites on public data follow.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console

from evals.commands.sample import add_articles, play, print_table, staged_product
from infra.settings import read_settings


async def main() -> int:
    """Play, print what went wrong, and the figures; 1 when a turn did not end as expected."""
    console = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="csagent-eval-") as place:
        settings = read_settings(folder=Path(place) / "data")
        async with staged_product(settings, console) as (product, providers):
            await add_articles(product, console)
            played = await play(product, providers, console)
    wrong = [turn for turn in played if turn.problem is not None]
    if wrong:
        print_table(wrong, console)
    kinds = Counter(turn.kind for turn in played)
    as_expected = Counter(turn.kind for turn in played if turn.problem is None)
    figures = {
        "turns": len(played),
        "as_expected": len(played) - len(wrong),
        "by_kind": {kind: [as_expected[kind], count] for kind, count in sorted(kinds.items())},
    }
    print(json.dumps(figures))  # noqa: T201 - the line that scripts read
    return 1 if wrong else 0


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main()))
