"""``make mutation``: change the modules that must not be wrong, and see that a test notices.

Ends with one line of JSON. The exit status is 1 when a mutant survives that ``accepted.toml`` gives no reason for, or
when an entry there excuses nothing any more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from infra.embedded.servers import EmbeddedServers
from tests.databases import on
from tests.mutation import accepted
from tests.mutation.campaign import Campaign, RehearsalError, Result
from tests.mutation.databases import Lane, a_template
from tests.mutation.mutant import Mutant
from tests.mutation.report import figures, write
from tests.mutation.targets import LEFT_OUT, ROOT, TARGETS, mutants
from tests.mutation.validity import refusal

SERVER = "CSAGENT_TEST_DATABASE_URL"
LANES = 2

AGAIN = 5.0
"""Seconds of tests that an accepted mutant meets: it met all of them when it was accepted."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAMES", help="modules by name: leases,inbox")
    parser.add_argument("--match", default="", metavar="TEXT", help="mutants whose id has this text")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--seconds", type=float, default=math.inf, metavar="S", help="of tests that a mutant meets at most"
    )
    parser.add_argument("--thorough", action="store_true", help="accepted mutants meet every test again, too")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="a line of JSON for each mutant, as it is tried")
    parser.add_argument("--resume", action="store_true", help="what the journal has a verdict on is not tried again")
    parser.add_argument("--list", action="store_true", help="print them, try none")
    parser.add_argument("--write", action="store_true", help="write docs/mutation.md; for a run over everything")
    return parser.parse_args()


def main() -> int:
    """Run on the servers that the environment names, or start some and run again on those."""
    options = arguments()
    chosen = [m for m in mutants(frozenset(filter(None, options.only.split(",")))) if options.match in m.id]
    if options.sample is not None:
        drawn = random.Random(options.seed).sample(range(len(chosen)), min(options.sample, len(chosen)))
        chosen = [chosen[place] for place in sorted(drawn)]
    if options.list:
        for mutant in chosen:
            print(f"{mutant.file}  {mutant.id}")
        return 0
    if SERVER not in os.environ:
        return asyncio.run(_again_on_own_servers())
    partly = bool(options.match) or options.sample is not None
    return _try(chosen, options, whole=not partly)


async def _again_on_own_servers() -> int:
    """In a process of its own: one that forks should not have a thread or a loop."""
    with tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as place:
        folder = Path(place)
        os.chmod(place, 0o755)  # noqa: PTH101 - as root the servers run as somebody else, who has to get in
        async with EmbeddedServers(folder / "data", durable=False, system_folder=folder / "system") as running:
            urls = {SERVER: running.database_url, "CSAGENT_TEST_REDIS_URL": running.redis_url or ""}
            again = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.mutation", *sys.argv[1:]), env={**os.environ, **urls}
            )
            return await again.wait()


def _try(chosen: list[Mutant], options: argparse.Namespace, *, whole: bool) -> int:
    began = time.monotonic()
    console = Console(stderr=True)
    reasons = accepted.read(accepted.FILE.read_text(encoding="utf-8"))
    os.environ["CSAGENT_MODEL_SHRINKS"] = "0"  # that it fails is enough
    with ExitStack() as stack:
        server = os.environ[SERVER]
        template = stack.enter_context(a_template(server))
        with psycopg.connect(on(server, template), autocommit=True) as connection:
            valid = [m for m in chosen if not m.file.endswith(".sql") or refusal(connection, m.source) is None]
        old = known_verdicts(options.journal, valid) if options.resume else []
        tried = {(result.mutant.file, result.mutant.id) for result in old}
        valid = [mutant for mutant in valid if (mutant.file, mutant.id) not in tried]
        lanes = [Lane(server, template) for _ in range(LANES)]
        for lane in lanes:
            stack.callback(lane.close)
        progress = stack.enter_context(_progress(console))
        rehearsal, trials = progress.add_task("rehearsal", total=None), progress.add_task("mutants", total=len(valid))

        mode = "a" if options.resume else "w"
        journal = stack.enter_context(options.journal.open(mode, encoding="utf-8")) if options.journal else None

        def told(what: Result | str) -> None:
            if journal and isinstance(what, Result):
                mutant = what.mutant
                print(json.dumps([what.verdict, mutant.file, mutant.id, what.by]), file=journal, flush=True)
            progress.advance(trials if isinstance(what, Result) else rehearsal)
            if isinstance(what, Result) and what.verdict == "survived":
                known = (what.mutant.file, what.mutant.id) in reasons
                progress.console.print(
                    f"{'accepted' if known else 'SURVIVED'}  {what.mutant.file}  {what.mutant.id}", markup=False
                )
            progress.refresh()

        def seconds(mutant: Mutant) -> float:
            again = (mutant.file, mutant.id) in reasons and not options.thorough
            most: float = options.seconds
            return min(most, AGAIN if again else math.inf)

        campaign = Campaign(
            root=ROOT, targets=TARGETS, mutants=valid, seconds=seconds, lanes=lanes, told=told, left_out=LEFT_OUT
        )
        try:
            results = [*old, *(campaign.run() if valid else [])]
        except RehearsalError as error:
            console.print(f"the tests fail without a mutant: {error}", markup=False)
            return 2
    keys = {(mutant.file, mutant.id) for mutant in chosen}
    killed = {(r.mutant.file, r.mutant.id) for r in results if r.verdict != "survived"}
    open_ones = [r for r in results if r.verdict == "survived" and (r.mutant.file, r.mutant.id) not in reasons]
    files = {mutant.file for mutant in chosen} if whole else set[str]()
    stale = accepted.stale(reasons, there=keys, killed=killed, files=files)
    for file, mutant in stale:
        console.print(f"STALE     {file}  {mutant}", markup=False)
    told_at_the_end = figures(chosen, results, reasons) | {
        "unexplained": len(open_ones),
        "stale": len(stale),
        "seconds": round(time.monotonic() - began),
    }
    if options.write:
        write(told_at_the_end, results, reasons)
    print(json.dumps(told_at_the_end))
    return 1 if open_ones or stale else 0


def known_verdicts(journal: Path | None, mutants: Sequence[Mutant]) -> list[Result]:
    """What a journal says of these mutants; the last word counts."""
    if journal is None or not journal.exists():
        return []
    by_key = {(mutant.file, mutant.id): mutant for mutant in mutants}
    found: dict[tuple[str, str], Result] = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        verdict, file, name, by = json.loads(line)
        if (file, name) in by_key:
            found[file, name] = Result(by_key[file, name], verdict, by)
    return list(found.values())


def _progress(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console, auto_refresh=False)  # its thread would not survive a fork


if __name__ == "__main__":
    sys.exit(main())
