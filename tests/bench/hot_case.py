"""``python -m tests.bench.hot_case``: one conversation with a thousand messages, and what the others notice of it.

The same load without and with it, in turn, on the whole product with its embedded skills. Ends with one line of JSON:
the others' p95 from when a message was meant to be sent until its reply was seen, without and with, and their ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from typing import Any

import uvloop
from rich.console import Console

from api.commands.up import running_product
from evals.commands.capacity import throw_away_servers
from evals.commands.sample import add_articles
from evals.loadtest.arrivals import steady
from evals.loadtest.customers import Manner
from evals.loadtest.load import CUSTOMERS, HOT, run_load
from evals.loadtest.questions import sample_questions
from evals.loadtest.record import Record
from evals.loadtest.web import WebChannel

PATIENCE = 30.0
MAY_COST = 1.5


def p95(records: list[Record]) -> float:
    """The middle of the rounds' p95, in milliseconds: one disturbed round does not decide."""
    return round(statistics.median(record.all_replied.percentile(95) * 1000 for record in records), 1)


async def measure(rate: float, seconds: float, hot: int, rounds: int) -> dict[str, Any]:
    console = Console(stderr=True, highlight=False)
    alone: list[Record] = []
    beside: list[Record] = []
    floods: list[Record] = []
    async with throw_away_servers() as settings, running_product(settings, console) as product:
        await add_articles(product, console)

        async def run(seed: int, messages: int) -> dict[str, Record]:
            channel = WebChannel(product.url, deadline=PATIENCE)
            manner = Manner(patience=PATIENCE, seed=seed)
            label = "with the hot case" if messages else "without"
            return await run_load(
                channel, sample_questions(), steady(rate, seconds), manner, console, hot=messages, label=label
            )

        await run(0, 0)  # warm
        for number in range(1, rounds + 1):
            alone.append((await run(number, 0))[CUSTOMERS])
            records = await run(number, hot)
            beside.append(records[CUSTOMERS])
            floods.append(records[HOT])
            print(f"round {number}: {p95(alone[-1:])} ms without, {p95(beside[-1:])} ms with it", file=sys.stderr)
    return {
        "rate_per_s": rate,
        "seconds": seconds,
        "hot_messages": hot,
        "rounds": rounds,
        "alone_p95_ms": p95(alone),
        "beside_p95_ms": p95(beside),
        "ratio": round(p95(beside) / p95(alone), 2),
        "within": p95(beside) <= MAY_COST * p95(alone),
        "hot_acknowledged": sum(len(record.all_acknowledged) for record in floods),
        "clean": all(record.clean for record in (*alone, *beside, *floods)),
    }


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hot_case")
    parser.add_argument("--rate", type=float, default=4.0, help="the others' messages a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--hot", type=int, default=1000, help="messages of the one conversation")
    parser.add_argument("--rounds", type=int, default=3)
    print(json.dumps(await measure(**vars(parser.parse_args()))))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
