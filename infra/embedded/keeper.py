"""The keeper: a process of its own that is the parent of both servers and stops them whatever becomes of the program.

It has one thread and a session of its own, so neither a terminal's Ctrl-C nor a closed terminal reaches the servers; it
stops them in order: no more joining, Redis, PostgreSQL. It does so when its standard input ends, when the program that
started it has ended (a child of that program may still hold the pipe open), or on a signal. A server that crashes
meanwhile is started again on the same port.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.binaries import Binaries, copy_binaries
from infra.embedded.folder import Folder, make_folder, open_folder
from infra.embedded.lock import FolderLock, Record, take_or_join
from infra.embedded.ports import choose_port
from infra.embedded.postgres import PostgresServer
from infra.embedded.process import (
    Launcher,
    ProcessIdentity,
    StopRequest,
    StopRequestedError,
    adopt_orphans,
    identify,
    reap_adopted,
)
from infra.embedded.protocol import Event, Failed, Progress, Ready, Request, encode
from infra.embedded.redis import RedisServer
from skills.errors import ConfigurationError

_LOOK_SECONDS = 0.25
"""How long a crashed server may go unnoticed."""
_PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Before each further attempt to start a crashed server again, in seconds. After the last one the keeper gives up."""

Tell = Callable[[Event], None]
Server = PostgresServer | RedisServer


@dataclass(slots=True)
class Keeper:
    """Starts what was asked for, keeps it running, stops it."""

    request: Request
    holder: ProcessIdentity
    """The program that asks."""
    stop: StopRequest
    tell: Tell

    def keep(self) -> None:
        """Do it all; returns when the servers are stopped, or when those of somebody else were joined.

        Raises:
            ConfigurationError: The servers can't be started, or not be kept running.
            OSError: The folder can't be used.
        """
        folder = open_folder(Path(self.request.folder), system=Path(self.request.system_folder))
        held = take_or_join(
            folder,
            holder=self.holder,
            join=self.request.join,
            seconds=self.request.start_seconds,
            stop=self.stop,
            on_progress=self._say,
        )
        if isinstance(held, Record):
            assert held.database_url is not None, "only running servers are joined"
            self.tell(Ready(str(folder.path), held.database_url, held.redis_url, joined=True))
            return
        servers: list[Server] = []
        os.chdir(folder.path)  # the program's working folder may be unmounted while the keeper runs
        try:
            ready = self._start(folder, held, servers)
            _publish(held, servers, ready)
            self.tell(ready)
            while self._until_a_crash(servers):
                self._start_again(folder, servers)
                _publish(held, servers, ready)
        finally:
            held.withdraw()
            for server in reversed(servers):
                server.stop()
            held.close()

    def _start(self, folder: Folder, lock: FolderLock, servers: list[Server]) -> Ready:
        request = self.request
        launcher = Launcher(folder.account, lock.descriptor, self.stop)
        binaries = self._reachable(folder, launcher)
        postgres = PostgresServer(
            folder=folder,
            launcher=launcher,
            binaries=binaries.postgres,
            port=choose_port("PostgreSQL", asked=request.postgres_port, remembered=folder.port("postgres")),
            durable=request.durable,
            start_seconds=request.start_seconds,
            stop_seconds=request.stop_seconds,
            on_progress=self._say,
        )
        redis_port = choose_port("Redis", asked=request.redis_port, remembered=folder.port("redis"))
        passwords = postgres.initialise()
        self._say(f"Starting PostgreSQL on port {postgres.port}")
        servers.append(postgres)
        postgres.start()
        redis_url = None
        if binaries.redis:
            redis = RedisServer(folder, launcher, binaries.redis, redis_port, passwords, request.start_seconds)
            redis_url = self._start_redis(redis, servers)
        else:
            self._say("There is no redis-server here: PostgreSQL alone wakes the workers")
        folder.keep_ports({"postgres": postgres.port, "redis": redis_port})
        return Ready(str(folder.path), postgres.url(passwords), redis_url, joined=False)

    def _start_redis(self, redis: RedisServer, servers: list[Server]) -> str | None:
        """Start Redis, and do without it where it doesn't start: it is a hint, and PostgreSQL wakes the workers too."""
        self._say(f"Starting Redis on port {redis.port}")
        try:
            redis.start()
        except StopRequestedError:
            redis.stop()
            raise
        except (ConfigurationError, OSError) as error:
            redis.stop()
            self._say(f"{str(error).rstrip('.')}; PostgreSQL alone wakes the workers")
            return None
        servers.append(redis)
        return redis.url

    def _until_a_crash(self, servers: Sequence[Server]) -> bool:
        """Reap the dead until a server is among them; False when the servers are to stop."""
        own = [server.process for server in servers if server.process]
        while not self.stop.wait(_LOOK_SECONDS):
            reap_adopted(own)
            if any(process.poll() is not None for process in own):
                return True
        return False

    def _start_again(self, folder: Folder, servers: Sequence[Server]) -> None:
        """Start again whatever has ended; returns early, with nothing started, when the servers are to stop.

        Raises:
            ConfigurationError: One of them ended again and again.
        """
        for server in servers:
            if server.process is None or server.process.poll() is None:
                continue
            self._say(f"{server.name} ended unexpectedly ({server.process.returncode}): starting it again")
            for pause in _PAUSES:
                if self.stop.wait(pause) or self._starts(server):
                    break
            else:
                raise ConfigurationError(
                    f"{server.name} can't be kept running.", hint=f"The logs in {folder.path} say why."
                )

    def _starts(self, server: Server) -> bool:
        try:
            server.start()
        except (ConfigurationError, OSError) as error:
            server.stop()
            self._say(f"{server.name} can't be started again yet: {error}")
            return False
        self._say(f"{server.name} runs again")
        return True

    def _reachable(self, folder: Folder, launcher: Launcher) -> Binaries:
        """Try the programs as the user who shall run them, and copy them where that user can't reach them."""
        binaries = Binaries(
            Path(self.request.postgres), Path(self.request.redis) if self.request.redis else None, self.request.label
        )
        programs = [binaries.postgres / "postgres", *([binaries.redis] if binaries.redis else [])]
        try:
            for program in programs:
                launcher.run([program, "--version"], folder=folder.path, seconds=self.request.start_seconds)
        except PermissionError:
            if folder.account is None:
                raise
            copies = folder.path / "binaries"
            if not (copies / binaries.label).is_dir():
                self._say(f"Copying the servers' programs to {copies}, since {folder.account.name} can't reach them")
            make_folder(copies, 0o755)
            return copy_binaries(binaries, copies)
        else:
            shutil.rmtree(folder.path / "binaries", ignore_errors=True)
            return binaries

    def _say(self, text: str) -> None:
        self.tell(Progress(text))


def _publish(lock: FolderLock, servers: Sequence[Server], ready: Ready) -> None:
    """Let others join, and let a later keeper know which processes to stop if this one is killed."""
    running = [identity for server in servers if (identity := server.identity())]
    lock.publish(*running, database_url=ready.database_url, redis_url=ready.redis_url)


def main() -> int:
    """Be the keeper of the program at the other end of standard input and output; return an exit status."""
    os.umask(0o077)
    holder = identify(os.getppid())
    request = Request.decode(sys.stdin.buffer.readline())
    if holder is None:
        return 1
    adopt_orphans()
    keeper = Keeper(request, holder, StopRequest(*_reasons_to_stop(holder.pid)), _tell)
    try:
        keeper.keep()
    except StopRequestedError:
        return 0
    except ConfigurationError as error:
        _tell(Failed(str(error), error.hint))
        return 1
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        _tell(Failed(f"The embedded servers can't run: {error.strerror or error}{place}.", _hint(request)))
        return 1
    return 0


def _reasons_to_stop(program: int) -> list[int]:
    """List what becomes readable when the servers are to stop: standard input, a signal's pipe, the program's end."""
    read, write = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.write(write, b"."))
    reasons = [sys.stdin.fileno(), read]
    if hasattr(os, "pidfd_open"):
        with suppress(OSError):  # an old kernel; standard input says the same in all but odd cases
            reasons.append(os.pidfd_open(program))
    return reasons


def _tell(event: Event) -> None:
    with suppress(BrokenPipeError):  # the program has ended; the servers are stopped all the same
        os.write(sys.stdout.fileno(), encode(event))


def _hint(request: Request) -> str:
    return (
        f"Is there room, and may you write to {request.folder}? "
        "Or set DATABASE_URL to a PostgreSQL server of your own, with pgvector."
    )


if __name__ == "__main__":
    sys.exit(main())
