"""Processes: telling one from another, starting children that don't outlive their parent, waiting without going deaf.

A process id alone says little: it is given to another process later, and a zombie keeps it. ``ProcessIdentity`` adds
when the process began, and a zombie counts as dead.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from skills.errors import ConfigurationError, SupportError

_ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""All that a child sees. ``PGPORT``, ``PGOPTIONS`` or a locale that isn't installed must not reach PostgreSQL."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.02


class StopRequestedError(SupportError):
    """The servers were told to stop while they were starting."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user of this machine. Only root needs one: PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, not to be taken for a later one with the same id."""

    pid: int
    started: str
    """When it began, as this system counts: clock ticks after boot on Linux, else a date."""

    @property
    def alive(self) -> bool:
        """Whether this very process runs. A zombie doesn't."""
        return identify(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it is still this process."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)


def identify(pid: int) -> ProcessIdentity | None:
    """Say which process has this id now; None for no process and for a zombie."""
    if not Path("/proc/self/stat").exists():
        return _identify_with_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name stands in parentheses and may contain anything, so the fields are counted from the last one.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else ProcessIdentity(pid, started=fields[18])


def _identify_with_ps(pid: int) -> ProcessIdentity | None:
    listing = subprocess.run(  # noqa: S603 - the one argument is a number
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env=_ENVIRONMENT,
    )
    state, _, started = listing.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else ProcessIdentity(pid, started.strip())


def works_in(pid: int, folder: Path) -> bool:
    """Whether that process has its working folder there, as a running PostgreSQL has in its data folder.

    Where the system doesn't say (another user's process, no ``/proc``) the answer is no: PostgreSQL then looks at its
    shared memory by itself and refuses to start beside a live one.
    """
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return False


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, so that it can reap them (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_adopted(own: Sequence[subprocess.Popen[bytes]]) -> None:
    """Take leave of every dead child that nobody else waits for; the own ones are left to their ``poll``."""
    known = {child.pid for child in own}
    with suppress(ChildProcessError):
        while dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if dead.si_pid in known:
                return
            os.waitpid(dead.si_pid, 0)


class StopRequest:
    """Anything that becomes readable when the servers are to stop: a pipe at its end, a process that ended, a signal.

    Nothing is ever read from the descriptors, so a request once made stays made.
    """

    def __init__(self, *descriptors: int) -> None:
        self._poll = select.poll()
        for descriptor in descriptors:
            self._poll.register(descriptor, select.POLLIN)

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the request, and say whether it was made."""
        return bool(self._poll.poll(seconds * 1000))

    def pause(self, seconds: float = _POLL_SECONDS) -> None:
        """Wait a moment, between two looks at something.

        Raises:
            StopRequestedError: The request was made.
        """
        if self.wait(seconds):
            raise StopRequestedError


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts children: as the account, with the lock inherited, and told by the kernel when this process dies."""

    account: Account | None
    lock: int
    """The descriptor of the folder's lock."""
    stop: StopRequest

    def start(
        self,
        argv: Sequence[str | Path],
        *,
        folder: Path,
        output: int,
        parting: signal.Signals,
        stdin: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a child in that folder, with ``output`` for both its output streams.

        Args:
            argv: The program, by its full path, and its arguments.
            folder: Its working folder.
            output: A descriptor to write to.
            parting: The signal that the child gets when this process dies.
            stdin: A descriptor to read from; by default there is nothing to read.

        Raises:
            OSError: The program can't be started, for instance because the account can't reach it.
        """
        account = self.account
        return subprocess.Popen(  # noqa: S603 - the callers' own programs and arguments
            argv,
            cwd=folder,
            env={**_ENVIRONMENT, "HOME": str(folder)},
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=output,
            stderr=output,
            pass_fds=(self.lock,),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            process_group=0,
            preexec_fn=_promise(parting),  # noqa: PLW1509 - the keeper has one thread
        )

    def run(self, argv: Sequence[str | Path], *, folder: Path, text: str = "", seconds: float) -> str:
        """Run a program to its end, with ``text`` to read, and return what it wrote.

        Raises:
            ConfigurationError: It failed, with its last complaint, or took longer than ``seconds``.
            StopRequestedError: The servers are to stop; the program was killed.
            OSError: The program can't be started.
        """
        name = Path(argv[0]).name
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as output:
            stdin.write(text.encode())
            stdin.seek(0)
            child = self.start(
                argv, folder=folder, output=output.fileno(), stdin=stdin.fileno(), parting=signal.SIGKILL
            )
            deadline = time.monotonic() + seconds
            try:
                while child.poll() is None:
                    self.stop.pause()
                    if time.monotonic() > deadline:
                        raise ConfigurationError(
                            f"{name} didn't finish within {seconds:g} seconds.", hint="Is the disk very slow?"
                        )
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
            output.seek(0)
            written = output.read().decode(errors="replace")
        if child.returncode:
            raise ConfigurationError(f"{name} failed: {complaint(written) or f'exit status {child.returncode}'}")
        return written


def _promise(parting: signal.Signals) -> Callable[[], None]:
    """Ask the kernel, in the child and after it changed its user, for a signal when this process dies (Linux)."""
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def promise() -> None:  # pragma: no cover - runs between fork and exec, where nothing measures it
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(parting), 0, 0, 0)
        if os.getppid() != parent:  # it died before the promise was made
            os._exit(1)

    return promise


def complaint(log: str) -> str:
    r"""Pick the line that says best why a server failed: the last fatal one, else the last error, else the last.

    >>> complaint("[7] LOG:  starting\n[7] FATAL:  out of disk\n[7] LOG:  database system is shut down\n")
    'out of disk'
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for severity in ("PANIC:", "FATAL:", "error:", "ERROR:"):
        for line in reversed(lines):
            if severity in line:
                return line.partition(severity)[2].strip()
    return lines[-1] if lines else ""
