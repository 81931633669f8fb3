"""The product's own processes with trivial skills: ``python -m tests.service api|worker|sender``.

Everything but the skills is what ships. The worker says at its end where the time of its turns went, in a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import sys

import uvicorn
import uvloop

from api.app import create_app
from api.channels import open_sender
from api.commands.serve import keep_loaded
from api.wiring import Services, build_worker, open_services
from graph.ports import Outcome
from infra.settings import read_settings
from infra.telemetry.logs import configure_logs
from tests.trivial import trivial_graph


async def work(services: Services, stop: asyncio.Event) -> None:
    worker = build_worker(services, trivial_graph())
    split: dict[str, list[float]] = {}
    observe = services.metrics.observe_turn

    def keep(outcome: Outcome) -> None:
        observe(outcome)
        for name, value in outcome.milliseconds.items():
            split.setdefault(name, []).append(value)

    services.metrics.observe_turn = keep  # type: ignore[method-assign] # this process exists to be measured
    await worker.run(stop)
    print(json.dumps({name: round(statistics.median(values), 2) for name, values in split.items()}), flush=True)


async def send(services: Services, stop: asyncio.Event) -> None:
    async with open_sender(services) as sender:
        await sender.run(stop)


def main() -> None:
    what = sys.argv[1]
    settings = read_settings()
    configure_logs("warning", process=what)
    if what == "api":
        app = create_app(settings)
        keep_loaded()
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_config=None, access_log=False)
        return

    async def run() -> None:
        async with open_services(settings, process=what) as services:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, services.stopping.set)
            keep_loaded()
            await {"worker": work, "sender": send}[what](services, services.stopping)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


if __name__ == "__main__":
    main()
