"""The product's processes with trivial skills, for tests that kill them."""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.process import be
from tests.client import Connection

KEY = base64.b64encode(b"k" * 32).decode()
STAFF = {"kim": "kim-key", "lee": "lee-key"}
"""Who may review, and their keys."""
_FORK_SERVER = multiprocessing.get_context("forkserver")
_FORK_SERVER.set_forkserver_preload(["tests.chaos.process"])
NAMES = ("api", "sender", "worker 0", "worker 1")


def environment(database_url: str, redis_url: str | None, **settings: str) -> dict[str, str]:
    """The environment of the product's processes, as an operator would set it."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "CSAGENT_MASTER_KEYS": f"test:{KEY}",
        "CSAGENT_INDEX_KEY": KEY,
        "CSAGENT_STAFF_KEYS": ",".join(f"{name}:{key}" for name, key in STAFF.items()),
        "CSAGENT_SETTLE__CHAT": "0.02",
        "CSAGENT_WORKER__LEASE_SECONDS": "2",
        "CSAGENT_WORKER__SWEEP_SECONDS": "0.3",
        **({"REDIS_URL": redis_url} if redis_url else {}),
        **settings,
    }


class Product:
    """API, sender, workers … as real processes. One that dies is started again at once, as a supervisor does it.

    They are forked from a server that has imported everything (``multiprocessing``'s forkserver), so that a start takes
    a moment and not the seconds of its imports: what is under test is the product, not this machine's spare time.

    Args:
        environment: of every process.
        folder: where each process says that it is ready, by a file with its pid as its name.
        names: which processes; a number behind a name tells two of a kind apart.
        log: a folder for what they say on standard error; nowhere if there is none.
        port: the API's; one that is free, unless somebody had to know it before.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        *,
        names: Sequence[str] = NAMES,
        log: Path | None = None,
        port: int | None = None,
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._names = names
        self._log = log
        self._processes: dict[str, ForkServerProcess] = {}
        self._changed: dict[str, dict[str, str]] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._again = asyncio.Condition()
        self.deaths: list[tuple[str, int, datetime]] = []
        """Whoever ended by themselves or were killed, how (``returncode``), and when."""
        self.port = free_port() if port is None else port

    async def __aenter__(self) -> Self:
        try:
            for name in self._names:
                await self.start(name)
            await self.until_ready()
        except BaseException:
            await self._stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_all()

    async def until_ready(self) -> None:
        """Wait until every process works and the API listens."""
        async with asyncio.timeout(60):
            while not all((self._folder / str(self.pid(name))).exists() for name in self._keepers):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            while "api" in self._keepers:
                try:
                    connection = await self.connect()
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    connection.close()
                    return

    async def connect(self) -> Connection:
        connection = Connection("127.0.0.1", self.port)
        await connection.open()
        return connection

    async def start(self, name: str, **changed: str) -> None:
        """Start one; ``changed`` is its own part of the environment, kept when it is started again."""
        self._changed[name] = changed
        self._processes[name] = await self._spawn(name)
        self._keepers[name] = asyncio.create_task(self._keep(name))

    async def kill(self, name: str) -> None:
        """kill -9, and wait until it was started again."""
        killed = self._processes[name]
        killed.kill()
        async with self._again:
            await self._again.wait_for(lambda: self._processes[name] is not killed)

    async def stop(self, name: str) -> None:
        """End one in order and for good, and wait until it is gone. One that doesn't end is killed."""
        keeper = self._keepers.pop(name)
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        process = self._processes[name]
        if process.exitcode is None:
            self.signal(name, signal.SIGCONT)
            process.terminate()
        try:
            async with asyncio.timeout(30):
                await _ended(process)
        except TimeoutError:
            process.kill()
            await _ended(process)

    async def restart(self, name: str, **changed: str) -> None:
        """End one in order and start it again with another part of the environment."""
        await self.stop(name)
        await self.start(name, **changed)
        await self.until_ready()

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.pid(name), number)

    def pid(self, name: str) -> int:
        pid = self._processes[name].pid
        assert pid is not None, "it was started"
        return pid

    def pids(self, kind: str) -> list[int]:
        """Those of every process of a kind that is to run."""
        return [self.pid(name) for name in self._keepers if name.partition(" ")[0] == kind]

    async def _stop_all(self) -> None:
        await asyncio.gather(*(self.stop(name) for name in tuple(self._keepers)))

    async def _keep(self, name: str) -> None:
        while True:
            await _ended(self._processes[name])
            self.deaths.append((name, self._processes[name].exitcode or 0, datetime.now(UTC)))
            # Not to be left half-way: a process that nobody knows would outlive the run.
            process = await asyncio.shield(self._spawn(name))
            async with self._again:
                self._processes[name] = process
                self._again.notify_all()

    async def _spawn(self, name: str) -> ForkServerProcess:
        kind = name.partition(" ")[0]
        environment = {**self._environment, **self._changed[name], "CHAOS_READY": str(self._folder)}
        log = None if self._log is None else str(self._log / f"{kind}.log")
        arguments = (kind, str(self.port)) if kind == "api" else (kind,)
        process = _FORK_SERVER.Process(target=be, args=(environment, log, *arguments), name=name)
        # The first start waits for the server's own.
        await asyncio.to_thread(process.start)
        return process


def free_port() -> int:
    """One that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ended(process: ForkServerProcess) -> None:
    """Wait for a process."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
