"""``make chaos ARGS="--messages N --faults N --seed N"``: ends with one line of JSON; exit 1 unless all is well."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from infra.embedded.servers import EmbeddedServers
from infra.postgres.database import Database
from infra.postgres.migrate import migrate
from tests.chaos.scenario import EACH, Scenario
from tests.product import Product, environment


async def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csagent-", dir="/tmp") as place:
        os.chmod(place, 0o755)  # noqa: PTH101 - as root the servers run as somebody else, who has to get in
        folder = Path(place)
        async with EmbeddedServers(folder / "data", system_folder=folder / "system") as servers:
            database = Database(servers.database_url, size=4, statement_timeout=60)
            await database.open()
            await migrate(database)
            began = time.monotonic()
            async with Product(environment(servers.database_url, servers.redis_url)) as product:
                verdict = await Scenario(
                    product,
                    database,
                    conversations=max(1, asked.messages // EACH),
                    kills=asked.faults,
                    seed=asked.seed,
                    redis_url=servers.redis_url,
                ).run(patience=120)
            await database.close()
    print(json.dumps({**asdict(verdict), "seed": asked.seed, "seconds": round(time.monotonic() - began, 1)}))
    return 1 if verdict.lost or verdict.reordered or verdict.doubled or verdict.unknown else 0


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main()))
