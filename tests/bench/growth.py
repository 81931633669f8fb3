"""``python -m tests.bench.growth``: what grows with the history, and what does not.

Every statement of the product's daily work, at a thousand messages and at a million, timed by the server itself; and
the second turn of a case beside its two-hundredth. Prints a table and ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from channels.web import CHAT
from channels.web.signature import TokenSigner
from evals.loadtest.histogram import Histogram
from evals.loadtest.history import seeded_key
from evals.loadtest.questions import sample_answers, sample_questions
from evals.loadtest.seed import seed
from evals.loadtest.statements import StatementLog
from infra.crypto.keyring import Keyring
from infra.embedded.servers import EmbeddedServers
from infra.postgres.database import Database
from infra.postgres.housekeeping import Housekeeping
from infra.postgres.migrate import migrate
from skills.turn import CaseId, EscalationId
from tests.core import Core, make_core
from tests.databases import a_database

AT_ONCE = 4
LONG = 200
LONG_CASES = 4
WAITING = (50, 20)
"""Cases that wait for a reviewer, and that are a person's: as many at both sizes, for people's work is no history."""
SLOW_MS = 500.0
FLAT_RATIO, FLAT_MS = 2.0, 5.0
"""Not flat is what takes twice as long at least, and more than a few milliseconds."""

ROWS = """
select (select count(*) from messages where case_id = %(id)s) + (select count(*) from turns where case_id = %(id)s)
    + (select count(*) from outbox where case_id = %(id)s) + (select count(*) from events where case_id = %(id)s)
    + (select count(*) from checkpoints where thread_id = %(id)s::text)
    + (select count(*) from checkpoint_blobs where thread_id = %(id)s::text)
    + (select count(*) from checkpoint_writes where thread_id = %(id)s::text) as rows,
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal
"""


@dataclass
class Options:
    """How large, and how long."""

    small: int
    big: int
    rounds: int
    turns: int


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Day:
    """What customers, workers, senders and staff ask of a database, again and again."""

    def __init__(self, core: Core, messages: int) -> None:
        self._core = core
        self._chance = random.Random(7)
        self._cases: list[CaseId] = []
        self._escalations: list[EscalationId] = []
        self._conversations = messages // 10
        self._tokens = TokenSigner(core.keyring.derive("conversation tokens"))

    async def prepare(self) -> None:
        """Choose what staff will look at."""
        self._cases = [
            CaseId(row["id"])
            for row in await self._core.rows("select id from cases where owner = 'agent' order by random() limit 2000")
        ]
        self._escalations = [item.id for item in await self._core.reviews.queue()]

    async def run(self, rounds: int) -> None:
        for number in range(rounds // AT_ONCE):
            await asyncio.gather(*(self._round() for _ in range(AT_ONCE)))
            if number % 10 == 0:
                await self._keep_house()

    async def _round(self) -> None:
        core = self._core
        fresh = f"growth-{self._chance.getrandbits(64):x}"
        await self._talk(fresh)
        await self._talk(fresh)  # a case's second turn replaces its checkpoint
        known = self._tokens.issue(seeded_key(self._chance.randrange(self._conversations))).thread
        await self._talk(known)  # on the web; what was seeded for another channel is a new conversation here
        await core.conversations.view(CHAT, known)
        await core.reviews.queue()
        await core.cases.owned_by_people()
        await core.dead_letters.open()
        await core.outbox.backlog()
        await core.outbox.troubled()
        await core.outbox.recover([CHAT])
        await core.leases.backlog()
        await core.leases.claim_due(20)
        await core.cases.read(self._chance.choice(self._cases), reader="growth")
        if self._escalations:
            await core.reviews.read(self._chance.choice(self._escalations), reader="growth")

    async def _keep_house(self) -> None:
        house = Housekeeping(self._core.database)
        await house.forget_model_replies()
        await house.note_late_reviews()
        await house.close_dead_letters()

    async def _talk(self, thread: str) -> None:
        receipt = await self._core.write(thread, "How long does delivery take?")
        if receipt.waits:
            lease = await self._core.leases.claim(receipt.case_id)
            if lease is not None and (work := await self._core.ledger.load(lease)) is not None:
                await self._core.handler.handle(work)
        await self._core.sender.deliver_due()


async def turns(core: Core, last: int) -> dict[str, Any]:
    """Fresh cases' second to sixth turns, in turn with long ones' last five: time, rows that stay, log written."""
    long = [f"long-{number}" for number in range(LONG_CASES)]
    for _ in range(last - 5):
        for thread in long:
            await turn(core, thread)
    early: list[dict[str, float]] = []
    late: list[dict[str, float]] = []
    for number in range(5):
        for thread in long:
            if number == 0:
                await turn(core, f"fresh-{thread}")
            early.append(await turn(core, f"fresh-{thread}"))
            late.append(await turn(core, thread))
    return {
        name: {key: round(statistics.median(figure[key] for figure in figures), 2) for key in ("ms", "rows", "wal_kb")}
        for name, figures in (("turn_2", early), (f"turn_{last}", late))
    }


async def turn(core: Core, thread: str) -> dict[str, float]:
    receipt = await core.write(thread, "And how long does that take?")
    before = (await core.rows(ROWS.replace("%(id)s", f"'{receipt.case_id}'::uuid")))[0]
    began = time.perf_counter()
    await core.work(receipt.case_id)
    took = (time.perf_counter() - began) * 1000
    after = (await core.rows(ROWS.replace("%(id)s", f"'{receipt.case_id}'::uuid")))[0]
    await core.deliver()
    return {"ms": took, "rows": after["rows"] - before["rows"], "wal_kb": (after["wal"] - before["wal"]) / 1024}


def compare(small: dict[str, Histogram], big: dict[str, Histogram]) -> dict[str, dict[str, float]]:
    """Every statement that ran at both sizes."""

    def ms(histogram: Histogram, percent: float) -> float:
        return round(histogram.percentile(percent) * 1000, 3)

    return {
        name: {
            "count": len(big[name]),
            **{f"small_p{p}_ms": ms(small[name], p) for p in (50, 95, 99)},
            **{f"big_p{p}_ms": ms(big[name], p) for p in (50, 95, 99)},
            "ratio_p50": round(ms(big[name], 50) / max(ms(small[name], 50), 0.001), 2),
            "ratio_p95": round(ms(big[name], 95) / max(ms(small[name], 95), 0.001), 2),
        }
        for name in sorted(small.keys() & big.keys())
    }


def verdict(statements: dict[str, dict[str, float]]) -> dict[str, list[str]]:
    """The statements that somebody has to look at."""
    ours = {name: figures for name, figures in statements.items() if not name.startswith("[")}
    return {
        "not_flat": [
            name
            for name, figures in ours.items()
            if min(figures["ratio_p50"], figures["ratio_p95"]) > FLAT_RATIO and figures["big_p95_ms"] > FLAT_MS
        ],
        "slow": [name for name, figures in ours.items() if figures["big_p95_ms"] > SLOW_MS],
    }


async def measure(server_url: str, keyring: Keyring, messages: int, options: Options) -> dict[str, Any]:
    """Everything at one size."""
    with a_database(server_url) as url:
        database = Database(url, size=AT_ONCE * 2)
        await database.open()
        try:
            await migrate(database)
            texts = (sample_questions(), sample_answers())
            done = await seed(database, keyring, messages=messages, cases=messages // 10, texts=texts, waiting=WAITING)
            say(f"{messages:,} messages, {done.rows:,} rows, in {done.seconds:.1f} s")
            core = make_core(database, keyring)
            day = Day(core, messages)
            await day.prepare()
            await day.run(AT_ONCE * 5)  # warm: plans, caches, catalogs
            async with StatementLog(database) as log:
                await day.run(options.rounds)
                statements = await log.read()
            return {"seed_s": round(done.seconds, 1), "statements": statements, **await turns(core, options.turns)}
        finally:
            await database.close()


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth")
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--big", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=400, help="rounds of the day's work at each size")
    parser.add_argument("--turns", type=int, default=LONG, help="how many turns a long case has")
    options = Options(**vars(parser.parse_args()))
    keyring = Keyring({"growth": os.urandom(32)}, os.urandom(32))
    with tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as place:
        os.chmod(place, 0o755)  # noqa: PTH101 - as root the servers run as somebody else, who has to get in
        folder = Path(place)
        async with EmbeddedServers(folder / "data", system_folder=folder / "system") as servers:
            small = await measure(servers.database_url, keyring, options.small, options)
            big = await measure(servers.database_url, keyring, options.big, options)
    statements = compare(small.pop("statements"), big.pop("statements"))
    for name, figures in sorted(statements.items(), key=lambda item: -item[1]["big_p95_ms"]):
        say(
            f"{name:<44} p50 {figures['small_p50_ms']:8.2f} → {figures['big_p50_ms']:8.2f}"
            f"   p95 {figures['small_p95_ms']:8.2f} → {figures['big_p95_ms']:8.2f} ms   {figures['ratio_p95']} times"
        )
    print(
        json.dumps(
            {
                "messages": [options.small, options.big],
                "slowest_p95_ms": max(figures["big_p95_ms"] for figures in statements.values()),
                **verdict(statements),
                "small": small,
                "big": big,
                "statements": statements,
            }
        )
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
