"""Redis: a hint that a message waits, so nothing of it is kept on disk.

When its memory is full it refuses writes rather than forget one silently; PostgreSQL is the truth in either case.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.folder import Folder, Secrets
from infra.embedded.ports import HOST
from infra.embedded.process import Launcher, ProcessIdentity, complaint, identify
from skills.errors import ConfigurationError

_STOP_SECONDS = 2.0
_ANSWER_SECONDS = 1.0


@dataclass(slots=True)
class RedisServer:
    """The server of one folder. The one who calls holds the folder's lock."""

    folder: Folder
    launcher: Launcher
    program: Path
    port: int
    passwords: Secrets
    start_seconds: float
    process: subprocess.Popen[bytes] | None = None

    name = "Redis"

    def start(self) -> None:
        """Start it and wait until it answers to the password.

        Raises:
            ConfigurationError: It ended or did not answer in time, with its own last complaint.
            StopRequestedError: The servers are to stop.
            OSError: The program can't be started.
        """
        configuration = self.folder.write("redis.conf", self._configuration(), for_account=True)
        log = self.folder.open_log("redis")
        try:
            begin = os.lseek(log, 0, os.SEEK_END)
            argv = [self.program, configuration]
            self.process = self.launcher.start(argv, folder=self.folder.path, output=log, parting=signal.SIGTERM)
            deadline = time.monotonic() + self.start_seconds
            while not self._answers():
                self.launcher.stop.pause()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = complaint(os.pread(log, 100_000, begin).decode(errors="replace"))
                    raise ConfigurationError(
                        f"Redis didn't start: {said or f'exit status {self.process.returncode}'}",
                        hint=f"{self.folder.path / 'redis.log'} says more.",
                    )
        finally:
            os.close(log)

    def stop(self) -> None:
        """Stop it, by force if it doesn't by itself: there is nothing to lose."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def identity(self) -> ProcessIdentity | None:
        """Which process it is; None when it doesn't run."""
        return identify(self.process.pid) if self.process else None

    @property
    def url(self) -> str:
        """Where to connect, password included."""
        return f"redis://:{self.passwords.redis}@{HOST}:{self.port}/0"

    def _configuration(self) -> str:
        return (
            f"bind {HOST}\nport {self.port}\nrequirepass {self.passwords.redis}\n"
            'save ""\nappendonly no\nmaxmemory 64mb\nmaxmemory-policy noeviction\n'
            'daemonize no\nlogfile ""\nloglevel notice\n'
        )

    def _answers(self) -> bool:
        """Whether our own server listens: another one that sits on the port doesn't know the password."""
        try:
            with socket.create_connection((HOST, self.port), _ANSWER_SECONDS) as connection:
                connection.sendall(f"AUTH {self.passwords.redis}\r\nPING\r\n".encode())
                with connection.makefile("rb") as replies:
                    return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False
