"""Tests in a forked process: whatever was imported and collected before is there already.

A child may hang, be killed or break what it wants; what it has to say comes through a pipe, test by test.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest

from tests.mutation.databases import Lane
from tests.mutation.tracing import Reached, Tracer

Prepare = Callable[[], Tracer | None]
"""Is called in the child before its first test."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A test begins."""

    test: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A test is over; ``failure``, if it failed, is the last line of why."""

    test: str
    seconds: float
    failure: str | None
    reached: Reached
    databases: frozenset[str]
    """Those that are there now."""


@dataclass(frozen=True, slots=True)
class Over:
    """All were played, or as many as it took to fail."""


Message = Begun | Ended | Over


class Child:
    """One forked process that plays some tests in their order, up to the first that fails.

    Args:
        items: what is played.
        lane: its database, if the tests want one.
        prepare: changes the child before the first, or has it watched.
        seconds: how long each test may take before the child is ended.
    """

    def __init__(
        self,
        items: Sequence[pytest.Item],
        lane: Lane | None,
        prepare: Prepare,
        seconds: Callable[[str], float],
    ) -> None:
        self.connection, theirs = Pipe(duplex=False)
        self._seconds = seconds
        self._until = time.monotonic() + 60
        self.test = "the preparation"
        self.databases = lane.urls if lane else frozenset[str]()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.setpgid(0, 0)
                self.connection.close()
                _be_silent()
                _play(items, lane, prepare, theirs)
            finally:
                os._exit(0)
        theirs.close()

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self._until

    def read(self) -> Message | None:
        """What it says next; ``None`` when it is gone."""
        try:
            message: Message = self.connection.recv()
        except EOFError:
            return None
        if isinstance(message, Begun):
            self.test = message.test
            self._until = time.monotonic() + self._seconds(message.test)
        elif isinstance(message, Ended):
            self.databases = message.databases
        return message

    def end(self) -> None:
        """Make sure that it is gone, with whatever it started."""
        for kill in (os.killpg, os.kill):
            try:
                kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(self._pid, 0)
        self.connection.close()


def _be_silent() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)


def _play(
    items: Sequence[pytest.Item],
    lane: Lane | None,
    prepare: Prepare,
    connection: Connection,
) -> None:
    tracer = prepare()
    witness = _Witness(lane)
    plugins = items[0].config.pluginmanager
    plugins.register(witness)
    for item, following in zip(items, [*items[1:], None], strict=True):
        connection.send(Begun(item.nodeid))
        began, witness.failure = time.monotonic(), None
        if tracer:
            tracer.begin(item.nodeid)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        seconds, databases = time.monotonic() - began, lane.urls if lane else frozenset[str]()
        reached = tracer.end(item.nodeid) if tracer else Reached()
        connection.send(Ended(item.nodeid, seconds, witness.failure, reached, databases))
        if witness.failure is not None:
            break
    connection.send(Over())


class _Witness:
    """Sees failures, and gives tests the lane's databases."""

    def __init__(self, lane: Lane | None) -> None:
        self._given: dict[str, Any] = {}
        if lane is not None:
            self._given = {"template": lane.template, "databases": lane.databases}
        self.failure: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            lines = report.longreprtext.strip().splitlines()
            self.failure = self.failure or f"{report.when}: {lines[-1] if lines else 'failed'}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: Any) -> object | None:
        given = self._given.get(fixturedef.argname)
        if given is not None:
            fixturedef.cached_result = (given, fixturedef.cache_key(request), None)
        return given
