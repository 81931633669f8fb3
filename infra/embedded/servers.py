"""Embedded servers, as a program uses them: started on the way in, stopped on the way out."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.binaries import Binaries, find_binaries
from infra.embedded.folder import SYSTEM_FOLDER
from infra.embedded.protocol import Failed, Progress, Ready, Request, decode
from skills.errors import ConfigurationError

_SOURCE = Path(__file__).resolve().parents[2]
"""Where the keeper's own code is imported from, whatever the working folder."""

_MARGIN_SECONDS = 30.0
"""What the keeper may take beyond the seconds that it was given, before it is taken for dead."""


@dataclass(frozen=True, slots=True)
class RunningServers:
    """How to reach the servers, and where their data are."""

    database_url: str
    redis_url: str | None
    """None where there is no Redis, and PostgreSQL alone wakes the workers."""
    folder: Path
    """Where the data lie; for root that isn't the folder that was asked for."""
    joined: bool
    """Another program started them, and they stop with it."""


class EmbeddedServers:
    """PostgreSQL and Redis on 127.0.0.1, for as long as the ``async with`` lasts.

    A second program with the same folder joins the running servers, and doesn't stop them. The servers end with the
    program that started them, also when it is killed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        join: bool = True,
        postgres_port: int | None = None,
        redis_port: int | None = None,
        on_progress: Callable[[str], None] = lambda _: None,
        binaries: Binaries | None = None,
        system_folder: Path = SYSTEM_FOLDER,
        start_seconds: float = 120.0,
        stop_seconds: float = 30.0,
    ) -> None:
        """Remember what to start; nothing starts yet.

        Args:
            folder: Where the data are kept between runs. Root's lie in ``system_folder`` under a name made of this one.
            durable: False makes tests faster and loses data when the machine crashes.
            join: Whether servers that another program started will do; else that is an error that names it.
            postgres_port: Where PostgreSQL listens; None takes the port of the last run, or any free one.
            redis_port: The same for Redis.
            on_progress: Is told in a line each what takes time, and when a crashed server was started again.
            binaries: The servers' programs; None finds those of the wheels.
            system_folder: Where root's instances lie.
            start_seconds: How long each step of the start may take; a recovery after a crash is one.
            stop_seconds: How long PostgreSQL may take to stop before it is cut short.
        """
        self._folder = folder
        self._durable = durable
        self._join = join
        self._ports = (postgres_port, redis_port)
        self._on_progress = on_progress
        self._binaries = binaries
        self._system_folder = system_folder
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._keeper: Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._last_word: Failed | None = None

    async def __aenter__(self) -> RunningServers:
        """Start the servers, or join them.

        Raises:
            ConfigurationError: They can't be started; the message says why in a line, the hint what to do.
        """
        request = self._request(self._binaries or find_binaries())
        paths = os.pathsep.join(filter(None, (str(_SOURCE), os.environ.get("PYTHONPATH"))))
        self._keeper = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "infra.embedded.keeper"),
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for us: we stop the servers in order
        )
        try:
            ready = await self._wait_until_ready(self._keeper, request)
        except BaseException:
            await self._stop()
            raise
        if ready.joined:
            await self._stop()
        else:
            self._listener = asyncio.create_task(self._listen(self._keeper), name="embedded servers")
        return RunningServers(ready.database_url, ready.redis_url, Path(ready.folder), ready.joined)

    async def __aexit__(self, *_: object) -> None:
        """Stop the servers, unless they were joined, and wait until they are gone."""
        await self._stop()

    async def wait_until_lost(self) -> None:
        """Wait for what should not happen: the servers end, for good, while they are in use.

        A server that crashes is started again without this. Servers that were joined are not watched: this then waits
        for ever.

        Raises:
            ConfigurationError: They ended; the message says why.
        """
        if self._listener is None:
            await asyncio.Event().wait()
        else:
            await asyncio.shield(self._listener)
        raise self._as_error(self._last_word)

    def _request(self, binaries: Binaries) -> Request:
        postgres_port, redis_port = self._ports
        return Request(
            folder=str(self._folder.absolute()),
            system_folder=str(self._system_folder.absolute()),
            postgres=str(binaries.postgres.absolute()),
            redis=str(binaries.redis.absolute()) if binaries.redis else None,
            label=binaries.label,
            durable=self._durable,
            join=self._join,
            postgres_port=postgres_port,
            redis_port=redis_port,
            start_seconds=self._start_seconds,
            stop_seconds=self._stop_seconds,
        )

    async def _wait_until_ready(self, keeper: Process, request: Request) -> Ready:
        assert keeper.stdin is not None, "it was started with a pipe"
        assert keeper.stdout is not None, "it was started with a pipe"
        with suppress(ConnectionError):  # a keeper that died at once is noticed below
            keeper.stdin.write(request.encode())
            await keeper.stdin.drain()
        async for line in keeper.stdout:
            match decode(line):
                case Progress(text):
                    self._on_progress(text)
                case Ready() as ready:
                    return ready
                case Failed() as failed:
                    raise self._as_error(failed)
        raise self._as_error(None)

    async def _listen(self, keeper: Process) -> None:
        """Pass on what the keeper says once the servers run; return when it has ended."""
        assert keeper.stdout is not None, "it was started with a pipe"
        async for line in keeper.stdout:
            match decode(line):
                case Progress(text):
                    self._on_progress(text)
                case Failed() as failed:
                    self._last_word = failed
                case Ready():
                    pass

    async def _stop(self) -> None:
        """Tell the keeper by closing its pipe, and wait until it is gone. It stops even if this is cancelled."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        assert keeper.stdin is not None, "it was started with a pipe"
        keeper.stdin.close()
        try:
            await asyncio.wait_for(keeper.wait(), self._stop_seconds + _MARGIN_SECONDS)
        except TimeoutError:
            self._on_progress("The keeper of the embedded servers does not end by itself: killing it")
            keeper.kill()
            await keeper.wait()
        if self._listener is not None:
            await self._listener

    def _as_error(self, failed: Failed | None) -> ConfigurationError:
        if failed is None:
            return ConfigurationError(
                "The keeper of the embedded servers ended without a word.",
                hint=f"Was it killed? The logs in {self._folder} may say more; starting again is safe.",
            )
        return ConfigurationError(failed.message, hint=failed.hint)
