"""The product's processes with trivial skills, for tests that kill them."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import sys
from types import TracebackType
from typing import Self

from tests.client import Connection

KEY = base64.b64encode(b"k" * 32).decode()


def environment(database_url: str, redis_url: str | None, **settings: str) -> dict[str, str]:
    """The environment of the product's processes, as an operator would set it."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "CSAGENT_MASTER_KEYS": f"test:{KEY}",
        "CSAGENT_INDEX_KEY": KEY,
        "CSAGENT_STAFF_KEYS": "kim:kim-key,lee:lee-key",
        "CSAGENT_SETTLE__WEB": "0.02",
        "CSAGENT_WORKER__LEASE_SECONDS": "2",
        "CSAGENT_WORKER__SWEEP_SECONDS": "0.3",
        **({"REDIS_URL": redis_url} if redis_url else {}),
        **settings,
    }


class Product:
    """API, sender and workers as real processes."""

    def __init__(self, environment: dict[str, str], *, workers: int = 2) -> None:
        self._environment = environment
        self._names = ["api", "sender", *(f"worker {n}" for n in range(workers))]
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    async def __aenter__(self) -> Self:
        for name in self._names:
            await self.start(name)
        for _ in range(300):
            try:
                connection = await self.connect()
            except OSError:
                await asyncio.sleep(0.1)
            else:
                connection.close()
                return self
        raise RuntimeError("the API did not come up")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                process.terminate()
        await asyncio.gather(*(process.wait() for process in self._processes.values()))

    async def connect(self) -> Connection:
        connection = Connection("127.0.0.1", self.port)
        await connection.open()
        return connection

    async def start(self, name: str) -> None:
        arguments = [name.partition(" ")[0], *([str(self.port)] if name == "api" else [])]
        self._processes[name] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.service", *arguments),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def kill(self, name: str) -> None:
        """kill -9, and start it again."""
        self._processes[name].kill()
        await self._processes[name].wait()
        await self.start(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        self._processes[name].send_signal(number)

    async def wait(self, name: str) -> int:
        return await self._processes[name].wait()
