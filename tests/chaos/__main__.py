"""``make chaos ARGS="--messages N --faults N --seed N [--case NAME] [--fault KIND] [--without-redis] [--list]"``.

Progress on standard error; at the end one line of JSON on standard output. Exit 1 unless all is well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

import tests.chaos.cases  # lists them all
from skills.turn import ChannelName
from tests.chaos.customers import CHANNELS
from tests.chaos.faults import ALL
from tests.chaos.run import Run
from tests.chaos.scene import CASES, Case

assert tests.chaos.cases.__all__


def by_number() -> list[Case]:
    return sorted(CASES.values(), key=lambda case: case.numbers)


async def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description="The product under faults, on real servers.")
    parser.add_argument("--messages", type=int, default=10_000, help="written at least")
    parser.add_argument("--faults", type=int, default=200, help="injected at least")
    parser.add_argument("--seed", type=int, default=1, help="of all chance")
    parser.add_argument(
        "--case", choices=CASES, action="append", metavar="NAME", help="this case only, without the mixed run"
    )
    parser.add_argument("--mixed-only", action="store_true", help="the mixed run without the separate cases")
    parser.add_argument(
        "--fault",
        choices=[fault.kind for fault in ALL],
        action="append",
        metavar="KIND",
        help="faults of this kind only, without the separate cases",
    )
    parser.add_argument("--without-redis", action="store_true", help="where none is installed; without the cases")
    parser.add_argument(
        "--channels",
        type=lambda names: tuple(ChannelName(name) for name in names.split(",")),
        default=CHANNELS,
        metavar="NAME,NAME",
        help="on which the mixed run's customers write: chat, relay, email, whatsapp; without the separate cases",
    )
    parser.add_argument("--list", action="store_true", help="say which cases and which kinds of fault there are")
    asked = parser.parse_args(arguments)
    if asked.list:
        for case in by_number():
            print(f"{case.name}\n    {', '.join(map(str, case.numbers))}: {case.summary}")
        print(f"\nfaults of the mixed run: {', '.join(fault.kind for fault in ALL)}")
        return 0
    mixed_only = asked.mixed_only or asked.fault or asked.without_redis or asked.channels != CHANNELS
    run = Run(
        messages=asked.messages,
        faults=asked.faults,
        seed=asked.seed,
        cases=asked.case or ([] if mixed_only else [case.name for case in by_number()]),
        mixed=not asked.case,
        kinds=asked.fault,
        redis=not asked.without_redis,
        channels=asked.channels,
    )
    report = await run.report()
    print(json.dumps(report))
    return 0 if report["good"] else 1


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main(sys.argv[1:])))
