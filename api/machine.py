"""One machine: the keys and servers that nobody had to set up, and the processes of the product side by side.

``own_machine`` fills in what the settings leave out: embedded servers where there is no DATABASE_URL, keys made once
and kept in the folder. ``Processes`` runs api, worker, sender and scheduler as children, starts again the one that
dies, and leaves none behind: each is told by the kernel when this process ends, even by kill -9.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog
from pydantic import SecretStr

from infra.embedded.servers import EmbeddedServers
from infra.settings import Settings
from skills.errors import ConfigurationError

_KEYS = "keys.env"
STATUS_FILE = "status.json"
"""What the public status page reads, in the folder."""
_STOP_SECONDS = 30.0
_log = structlog.get_logger(__name__)


@asynccontextmanager
async def own_machine(
    settings: Settings, *, join: bool = True, on_progress: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Settings]:
    """The settings, completed with embedded servers and kept keys for as long as the block lasts.

    Args:
        settings: of this process.
        join: whether servers that another program started will do. A command joins; the product itself does not,
            because they would stop under it.
        on_progress: is told in a line each what takes time.

    Raises:
        ConfigurationError: a server can't be started, or the folder can't be written.
    """
    completed = settings.model_copy(update=kept_keys(settings))
    if settings.database_url is not None:
        yield completed
        return
    async with EmbeddedServers(settings.folder, join=join, on_progress=on_progress) as servers:
        redis = servers.redis_url if settings.redis_url is None else settings.redis_url.get_secret_value()
        yield completed.model_copy(
            update={
                "database_url": SecretStr(servers.database_url),
                "redis_url": None if redis is None else SecretStr(redis),
            }
        )


def kept_keys(settings: Settings) -> dict[str, object]:
    """The keys that the settings leave out: read from the folder, or made and kept there, for the owner's eyes only.

    Raises:
        ConfigurationError: the folder can't be written, or the file was damaged.
    """
    needed = not (settings.master_keys and settings.index_key and settings.staff_keys)
    if not needed:
        return {}
    path = settings.folder / _KEYS
    try:
        if not path.exists():
            settings.folder.mkdir(parents=True, exist_ok=True)
            _write_once(path, _fresh_keys())
        kept = dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)
        return {
            "master_keys": settings.master_keys or {"local": SecretStr(kept["master"])},
            "index_key": settings.index_key or SecretStr(kept["index"]),
            "staff_keys": settings.staff_keys or {"reviewer": SecretStr(kept["staff"])},
        }
    except OSError as error:
        raise ConfigurationError(
            f"the keys in {path} can't be kept: {type(error).__name__}", hint="choose a folder: CSAGENT_FOLDER=…"
        ) from None
    except (KeyError, ValueError):
        raise ConfigurationError(
            f"{path} is damaged", hint="restore it: what was sealed with its keys can't be read without them"
        ) from None


def _fresh_keys() -> str:
    def key() -> str:
        return base64.b64encode(os.urandom(32)).decode()

    return f"master={key()}\nindex={key()}\nstaff={secrets.token_urlsafe(24)}\n"


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all, and never over keys that somebody else wrote a moment ago."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a child process finds the completed settings."""

    def named(secrets_by_name: Mapping[str, SecretStr]) -> str:
        return ",".join(f"{name}:{secret.get_secret_value()}" for name, secret in secrets_by_name.items())

    found = {
        "DATABASE_URL": settings.database_url and settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url and settings.redis_url.get_secret_value(),
        "CSAGENT_MASTER_KEYS": named(settings.master_keys),
        "CSAGENT_INDEX_KEY": settings.index_key and settings.index_key.get_secret_value(),
        "CSAGENT_STAFF_KEYS": named(settings.staff_keys),
        # So that `csagent status serve` beside this finds what the public reads.
        "CSAGENT_STATUS__FILE": str(settings.status.file or settings.folder / STATUS_FILE),
        # One thread a process for the matrix products: several workers share the cores better than BLAS's own threads.
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1"),
    }
    return {**os.environ, **{name: value for name, value in found.items() if value}}


@dataclass(frozen=True, slots=True)
class Program:
    """A child process: what it is called and what `csagent` is told."""

    name: str
    arguments: tuple[str, ...]
    listener: socket.socket | None = None
    """A socket that listens: it outlives the process, so that whoever connects meanwhile waits for the next one."""


class Processes:
    """The product's processes as children of this one.

    Args:
        programs: which.
        environment: theirs.
        log: where they write; ``None`` is this process's standard error.
    """

    def __init__(self, programs: Sequence[Program], environment: Mapping[str, str], *, log: Path | None = None) -> None:
        self._programs = programs
        self._environment = dict(environment)
        self._log = log
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run now."""
        return {name: process.pid for name, process in self._running.items() if process.returncode is None}

    async def __aenter__(self) -> Self:
        """Start them all."""
        self._keepers = [asyncio.create_task(self._keep(program)) for program in self._programs]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Tell them to stop, wait, and kill what doesn't."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        alive = [process for process in self._running.values() if process.returncode is None]
        for process in alive:
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.gather(*(process.wait() for process in alive))
        except TimeoutError:
            for process in alive:
                if process.returncode is None:
                    process.kill()
            await asyncio.gather(*(process.wait() for process in alive))

    async def _keep(self, program: Program) -> None:
        """Start it, and start it again, more slowly each time it dies young."""
        pause = 0.2
        while True:
            began = asyncio.get_running_loop().time()
            process = await self._start(program)
            self._running[program.name] = process
            code = await process.wait()
            lived = asyncio.get_running_loop().time() - began
            pause = 0.2 if lived > 10 else min(pause * 2, 10.0)  # noqa: PLR2004 - ten seconds
            _log.error("process.ended", name=program.name, code=code, again_in=pause)
            await asyncio.sleep(pause)

    async def _start(self, program: Program) -> asyncio.subprocess.Process:
        output = None if self._log is None else self._log.open("ab")
        handed_over = () if program.listener is None else (program.listener.fileno(),)
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "api.cli",
                *program.arguments,
                *(f"--fd={number}" for number in handed_over),
                env=self._environment,
                pass_fds=handed_over,
                stdin=asyncio.subprocess.DEVNULL,
                stderr=output,
                # Ctrl-C is for us: they are told to stop in order, once.
                start_new_session=True,
                preexec_fn=_die_with_parent(os.getpid()),
            )
        finally:
            if output is not None:
                output.close()


def _die_with_parent(parent: int) -> Callable[[], None]:
    """Ask the kernel to stop this child when its parent is gone; Linux only, elsewhere it does nothing."""
    library = ctypes.CDLL(None)

    def ask() -> None:
        if hasattr(library, "prctl"):
            library.prctl(1, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return ask
