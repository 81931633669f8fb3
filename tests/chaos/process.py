"""The product's own processes, able to die to order.

What ships runs as it ships. Added from outside: the relay channel, nodes that take a while, ``tests.chaos.deaths``, and
by environment a clock that is wrong (``CHAOS_CLOCK``; SIGUSR1 moves it by ten minutes, SIGUSR2 back), a heart that
hangs (``CHAOS_HEART=hang``), a later graph (``CHAOS_GRAPH=next``), or the real agent (``CHAOS_AGENT=real``).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

import channels.gmail.reconciliation
import channels.whatsapp.reconciliation
import graph.build
import graph.review
from api.agent import open_agent
from api.app import create_app
from api.channels import CHANNELS, open_sender
from api.channels.channel import Channel
from api.channels.email_intake import EmailIntake
from api.wiring import Services, build_scheduler, build_worker, open_services
from channels.envelope import Delivery, Envelope, SendResult
from channels.gmail.inbound import Received
from channels.gmail.outbound import GmailOutbound
from channels.protocol import OutboundChannel
from channels.whatsapp.outbound import WhatsAppOutbound
from graph.build import Graph, build_graph
from graph.ports import Committed, Lease, Outcome, Work
from infra.postgres.inbox import Inbox, Receipt
from infra.postgres.leases import Leases
from infra.postgres.turns import PostgresLedger
from infra.settings import Settings, read_settings
from infra.telemetry.logs import configure_logs
from tests.chaos import relay
from tests.chaos.clock import Clock
from tests.chaos.deaths import NODES, Deaths
from tests.chaos.next_graph import VERSION, next_graph
from tests.trivial import trivial_skills

_JUMP = 600.0
"""Seconds."""


class Process:
    """One process.

    Args:
        environment: of this process.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._deaths = Deaths(Path(environment["CHAOS_FOLDER"]))
        self._clock = Clock(float(environment.get("CHAOS_CLOCK", "0")))

    def run(self, what: str, *arguments: str) -> None:
        """Be it until told to stop."""
        settings = read_settings()
        configure_logs("warning", process=what)
        self._clock.install()
        if what == "api":
            self._die_after_receiving()
            app = create_app(settings)
            app.include_router(relay.router)
            self._ready()  # it listens a moment later, which can be seen
            uvicorn.run(app, host="127.0.0.1", port=int(arguments[0]), log_config=None, access_log=False)
            return
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(settings, what))

    async def _serve(self, settings: Settings, what: str) -> None:
        async with open_services(settings, process=what) as services:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, services.stopping.set)
            loop.add_signal_handler(signal.SIGUSR1, self._move_clock, _JUMP)
            loop.add_signal_handler(signal.SIGUSR2, self._move_clock, -_JUMP)
            await {"worker": self._work, "sender": self._send, "scheduler": self._schedule}[what](services)

    def _ready(self) -> None:
        (Path(self._environment["CHAOS_READY"]) / str(os.getpid())).touch()

    async def _work(self, services: Services) -> None:
        self._die_around_commits()
        if self._environment.get("CHAOS_HEART") == "hang":
            _hang_hearts()
        async with self._graph(services) as chosen:
            self._ready()
            await build_worker(services, chosen).run(services.stopping)

    async def _send(self, services: Services) -> None:
        self._die_around_calls()
        if settling := self._environment.get("CHAOS_SETTLING"):
            for module in (channels.gmail.reconciliation, channels.whatsapp.reconciliation):
                vars(module)["SETTLING"] = timedelta(seconds=float(settling))
        async with open_sender(services, (*CHANNELS, Channel(self._relay))) as sender:
            self._ready()
            await sender.run(services.stopping)

    @asynccontextmanager
    async def _relay(self, _services: Services) -> AsyncIterator[list[OutboundChannel]]:
        yield [relay.RelayOutbound(self._environment["CHAOS_PROVIDER"], self._deaths)]

    async def _schedule(self, services: Services) -> None:
        self._die_after_taking_in()
        self._ready()
        further = [job for channel in CHANNELS for job in channel.jobs(services)]
        await build_scheduler(services, further).run(services.stopping)

    @asynccontextmanager
    async def _graph(self, services: Services) -> AsyncIterator[Graph]:
        if self._environment.get("CHAOS_AGENT") == "real":
            async with open_agent(services.settings, services.database, services.keyring) as agent:
                yield agent
            return
        skills, most = trivial_skills(), float(self._environment.get("CHAOS_NODE_SECONDS", "0"))
        deadly: dict[str, Any] = {
            name: self._deaths.around(name, getattr(skills, name), most=most if name == "respond" else 0.0)
            for name in NODES
        }
        review = self._deaths.around("review", graph.review.review)
        if self._environment.get("CHAOS_GRAPH") == VERSION:
            for module in [module for module in sys.modules.values() if "GRAPH_VERSION" in vars(module)]:
                vars(module)["GRAPH_VERSION"] = VERSION
            yield next_graph(replace(skills, **deadly), review)
        else:
            vars(graph.build)["review"] = review
            yield build_graph(replace(skills, **deadly))

    def _move_clock(self, seconds: float) -> None:
        self._clock.offset += seconds

    def _die_after_receiving(self) -> None:
        receive, deaths = Inbox.receive, self._deaths

        async def dying(self: Inbox, envelope: Envelope, *, settle: timedelta) -> Receipt:
            deaths.die_at("inbox.before", envelope.text)
            receipt = await receive(self, envelope, settle=settle)
            deaths.die_at("inbox.after", envelope.text)
            return receipt

        Inbox.receive = dying  # type: ignore[method-assign] # this process exists to die there

    def _die_after_taking_in(self) -> None:
        """Between the storing of a mail and the cursor's move."""
        received, deaths = EmailIntake.received, self._deaths

        async def dying(self: EmailIntake, mail: Received) -> bool:
            new = await received(self, mail)
            deaths.die_at("intake.after", mail.envelope.text)
            return new

        EmailIntake.received = dying  # type: ignore[method-assign, assignment] # as above

    def _die_around_calls(self) -> None:
        for outbound in (GmailOutbound, WhatsAppOutbound):
            vars_of: Any = outbound
            vars_of.send = self._dying_call(outbound.send)

    def _dying_call(self, send: Any) -> Any:
        deaths = self._deaths

        async def dying(self: Any, delivery: Delivery) -> SendResult:
            deaths.die_at("send.before", delivery.text)
            deaths.die_soon_at("send.in", delivery.text, seconds=1.0)
            result: SendResult = await send(self, delivery)
            deaths.die_at("send.after", delivery.text)
            return result

        return dying

    def _die_around_commits(self) -> None:
        commit, deaths = PostgresLedger.commit, self._deaths

        async def dying(self: PostgresLedger, work: Work, outcome: Outcome, *, may_supersede: bool) -> Committed:
            text, what = outcome.state["turn"].text, "commit" if work.resumption is None else "resume"
            deaths.die_at(f"{what}.before", text)
            committed = await commit(self, work, outcome, may_supersede=may_supersede)
            deaths.die_at(f"{what}.after", text)
            return committed

        PostgresLedger.commit = dying  # type: ignore[method-assign] # as above


def _hang_hearts() -> None:
    async def hang(self: Leases, lease: Lease) -> bool:
        await asyncio.sleep(600)
        raise AssertionError("it was cancelled long before")

    Leases.renew = hang  # type: ignore[method-assign] # as above


def be(environment: Mapping[str, str], log: str | None, what: str, *arguments: str) -> None:
    """Be one of them, in a process that was forked for it.

    Args:
        environment: all of it.
        log: a file for standard error; nowhere if there is none.
        what: api, worker, sender or scheduler.
        arguments: the API's port.
    """
    # Whatever becomes of the run, its processes end with it.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.setsid()  # Ctrl-C is for the run
    output = os.open(log or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    Process(environment).run(what, *arguments)
