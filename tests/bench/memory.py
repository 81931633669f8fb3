"""``python -m tests.bench.memory``: the memory of a worker, idle and over ten thousand turns.

The whole product with its embedded skills, MiniLM loaded, in a folder of its own. Customers keep a short queue full, so
that one worker works without a pause; its memory is read as it goes. Ends with one line of JSON, in megabytes: the
worker idle, after every thousand turns, and the straight line's growth from the first thousand to the last.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import uvloop
from rich.console import Console

from api.commands.connection import opened_database
from api.commands.up import Product, running_product
from evals.commands.capacity import throw_away_servers
from evals.commands.sample import add_articles
from evals.loadtest.footprint import resident_mb
from evals.loadtest.questions import sample_questions
from infra.postgres.database import Database
from tests.client import Connection

BACKLOG = 60
"""Messages that wait or are worked on; the worker never has nothing to do."""
EVERY = 100
"""Turns between two readings."""
STEP = 1000
FLAT_MB = 10.0
"""Growth over all turns that is still called flat."""


async def done(database: Database) -> int:
    async with database.connection() as connection:
        row = await (await connection.execute("select count(*) as done from turns")).fetchone()
    assert row is not None
    return int(row["done"])


async def work(product: Product, database: Database, turns: int) -> list[tuple[int, float]]:
    """Turns done so far and the worker's memory, read again and again until so many are done."""
    worker = next(pid for name, pid in product.processes.pids.items() if name.startswith("worker"))
    address = urlsplit(product.url)
    connection = Connection(str(address.hostname), int(address.port or 80))
    await connection.open()
    readings = [(0, resident_mb(worker))]
    questions = itertools.cycle(sample_questions())
    sent = finished = 0
    while finished < turns:
        while sent < turns and sent - finished < BACKLOG:
            await connection.post_message(next(questions))
            sent += 1
        await asyncio.sleep(0.2)
        finished = await done(database)
        if finished >= readings[-1][0] + EVERY or finished >= turns:
            readings.append((finished, resident_mb(worker)))
            print(f"\r{finished} of {turns} turns, {readings[-1][1]:.0f} MB ", end="", file=sys.stderr, flush=True)
    connection.close()
    print(file=sys.stderr)
    return readings


def report(readings: list[tuple[int, float]], seconds: float) -> dict[str, Any]:
    """The figures; the first thousand turns fill caches and are left out of the growth."""
    (_, idle), *later = readings
    turns = later[-1][0]
    warm = [(done, memory) for done, memory in later if done >= min(STEP, turns // 2)]
    slope = statistics.linear_regression(*zip(*warm, strict=True)).slope
    grown = round(slope * (warm[-1][0] - warm[0][0]), 1)
    return {
        "turns": turns,
        "turns_per_s": round(turns / seconds, 1),
        "idle_worker_mb": idle,
        "worker_mb": {step: _nearest(later, step) for step in range(STEP, turns + 1, STEP)},
        "most_mb": max(memory for _, memory in readings),
        "grown_mb": grown,
        "flat": grown <= FLAT_MB,
    }


def _nearest(readings: list[tuple[int, float]], turns: int) -> float:
    return min((abs(done - turns), memory) for done, memory in readings)[1]


async def measure(turns: int) -> dict[str, Any]:
    console = Console(stderr=True, highlight=False)
    async with throw_away_servers() as settings, running_product(settings, console) as product:
        await add_articles(product, console)
        async with opened_database(product.settings, "bench") as database:
            await asyncio.sleep(5.0)  # so that the worker has loaded what it loads
            began = time.monotonic()
            return report(await work(product, database, turns), time.monotonic() - began)


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory")
    parser.add_argument("--turns", type=int, default=10_000)
    print(json.dumps(await measure(parser.parse_args().turns)))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
