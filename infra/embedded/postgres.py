"""PostgreSQL: initialised once and for all, started, stopped.

``initialise`` may be killed at any point. The data come into being in ``postgres.new`` with role, database and pgvector
and get their name by a rename; only then are the passwords kept. Passwords that were lost are replaced, in a server
that accepts no connections.

The role ``csagent`` owns the database and may create others, but it is no superuser: a statement smuggled in can't run
programs or read files. pgvector is not an extension that such a role may create, so it is put into ``template1``, from
which every database is made. The superuser has no password and may not connect at all.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.folder import Folder, Secrets
from infra.embedded.ports import HOST
from infra.embedded.process import Launcher, ProcessIdentity, complaint, identify, works_in
from skills.errors import ConfigurationError

ROLE = "csagent"
DATABASE = "csagent"

_SUPERUSER = "postgres"
_MAJOR = "18"
_WHO_MAY_CONNECT = f"""\
host  all          {ROLE}  127.0.0.1/32  scram-sha-256
host  replication  {ROLE}  127.0.0.1/32  scram-sha-256
"""
_LEAST_BUFFERS_MB, _MOST_BUFFERS_MB = 128, 512
_IMMEDIATE_SECONDS = 2.0
_PATIENCE_SECONDS = 2.0


@dataclass(slots=True)
class PostgresServer:
    """The server of one folder. The one who calls holds the folder's lock."""

    folder: Folder
    launcher: Launcher
    binaries: Path
    """The folder with ``postgres`` and ``initdb``."""
    port: int
    durable: bool
    """False loses what was committed last when the machine (not the server) crashes; only tests should want that."""
    start_seconds: float
    stop_seconds: float
    on_progress: Callable[[str], None]
    process: subprocess.Popen[bytes] | None = None

    name = "PostgreSQL"

    def initialise(self) -> Secrets:
        """Make sure that data, role and database exist, and return the passwords.

        Raises:
            ConfigurationError: ``initdb`` failed, or the data are another version's.
            StopRequestedError: The servers are to stop.
            OSError: The disk is full, or the account can't reach the programs.
        """
        data, unfinished, kept = self.folder.postgres_data, self.folder.postgres_unfinished, self.folder.secrets()
        if unfinished.exists():
            shutil.rmtree(unfinished)
        if data.exists():
            self._refuse_other_version()
            if kept:
                return kept
            self.on_progress("The passwords are lost: setting new ones")
            self._clear_stale_pid_file()
            passwords = Secrets.fresh()
            self._without_connections(data, f"ALTER ROLE {ROLE} PASSWORD '{passwords.postgres}';\n")
        else:
            self.on_progress(f"Initialising PostgreSQL in {data}")
            passwords = Secrets.fresh()
            try:
                self._initialise_in(unfinished, passwords)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
            unfinished.rename(data)
            if self.durable:
                _sync_folder(self.folder.path)
        self.folder.keep_secrets(passwords)
        return passwords

    def start(self) -> None:
        """Start it and wait until it accepts connections, which after a crash includes its recovery.

        Raises:
            ConfigurationError: It ended or did not get ready in time, with its own last complaint.
            StopRequestedError: The servers are to stop.
            OSError: The program can't be started.
        """
        self._clear_stale_pid_file()
        access = self.folder.path / "pg_hba.conf"
        if not access.exists() or access.read_text(encoding="utf-8") != _WHO_MAY_CONNECT:
            self.folder.write(access.name, _WHO_MAY_CONNECT, for_account=True)
        log = self.folder.open_log("postgres")
        try:
            begin = os.lseek(log, 0, os.SEEK_END)
            argv: list[str | Path] = [self.binaries / "postgres", "-D", self.folder.postgres_data]
            for setting, value in self._settings(access).items():
                argv += ["-c", f"{setting}={value}"]
            self.process = self.launcher.start(argv, folder=self.folder.path, output=log, parting=signal.SIGINT)
            self._wait_until_ready(self.process, log, begin)
        finally:
            os.close(log)

    def stop(self) -> None:
        """Stop it: clients are cut off and the data written; if that takes too long, it recovers at the next start."""
        if self.process is None:
            return
        for number, seconds in ((signal.SIGINT, self.stop_seconds), (signal.SIGQUIT, _IMMEDIATE_SECONDS)):
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return
        self.process.kill()
        self.process.wait()

    def identity(self) -> ProcessIdentity | None:
        """Which process it is; None when it doesn't run."""
        return identify(self.process.pid) if self.process else None

    def url(self, passwords: Secrets) -> str:
        """Where to connect, password included."""
        return f"postgresql://{ROLE}:{passwords.postgres}@{HOST}:{self.port}/{DATABASE}"

    def _initialise_in(self, data: Path, passwords: Secrets) -> None:
        data.mkdir(mode=0o700)
        if account := self.folder.account:
            os.chown(data, account.uid, account.gid)
        self.launcher.run(
            [
                self.binaries / "initdb",
                "-D",
                data,
                f"--username={_SUPERUSER}",
                "--auth=reject",  # nobody connects by initdb's own rules; ours are handed over at each start
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                *([] if self.durable else ["--no-sync"]),
            ],
            folder=self.folder.path,
            seconds=self.start_seconds,
        )
        self._without_connections(
            data,
            "CREATE EXTENSION vector;\n"
            f"CREATE ROLE {ROLE} LOGIN CREATEDB REPLICATION PASSWORD '{passwords.postgres}' IN ROLE pg_monitor;\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n",
        )

    def _without_connections(self, data: Path, statements: str) -> None:
        """Run statements, one a line, in a server of one user and no port. An error in one of them ends it.

        Passwords are kept without the thousands of rounds that make weak ones slow to guess: ours are of 192 random
        bits, and each new connection would pay for them.
        """
        settings = {"exit_on_error": "on", "fsync": "on" if self.durable else "off", "scram_iterations": "1"}
        self.launcher.run(
            [
                *(self.binaries / "postgres", "--single", "-D", data),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
                "template1",
            ],
            folder=self.folder.path,
            text=statements,
            seconds=self.start_seconds,
        )

    def _settings(self, access: Path) -> Mapping[str, str]:
        durable = "on" if self.durable else "off"
        return {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "hba_file": str(access),
            "password_encryption": "scram-sha-256",
            "cluster_name": "csagent",
            "max_connections": "100",
            "shared_buffers": f"{_buffers_mb()}MB",
            "fsync": durable,
            "full_page_writes": durable,
            "synchronous_commit": "on",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_destination": "stderr",
            "logging_collector": "off",
            "log_checkpoints": "off",
            # A failing statement and its details may carry what a customer wrote; the program's own log has the rest.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
        }

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log: int, begin: int) -> None:
        began = time.monotonic()
        patient = True
        while not self._says_ready(process.pid):
            self.launcher.stop.pause()
            if process.poll() is not None:
                said = complaint(os.pread(log, 100_000, begin).decode(errors="replace"))
                raise ConfigurationError(
                    f"PostgreSQL didn't start: {said or f'exit status {process.returncode}'}",
                    hint=f"{self.folder.path / 'postgres.log'} says more.",
                )
            waited = time.monotonic() - began
            if waited > self.start_seconds:
                raise ConfigurationError(
                    f"PostgreSQL did not get ready within {self.start_seconds:g} seconds.",
                    hint=f"{self.folder.path / 'postgres.log'} says what it is doing.",
                )
            if patient and waited > _PATIENCE_SECONDS:
                patient = False
                self.on_progress("PostgreSQL takes longer than usual, probably to recover from a crash")

    def _says_ready(self, pid: int) -> bool:
        """Read the server's own word: the process id in the first line of its pid file, its state in the eighth."""
        lines = self._pid_file_lines()
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004

    def _clear_stale_pid_file(self) -> None:
        """Remove what a killed server left, since its process id may by now be somebody else's, or a zombie's.

        We hold the lock, so nothing that we started runs. A server that somebody started by hand is not touched.

        Raises:
            ConfigurationError: Somebody did.
        """
        first = next(iter(self._pid_file_lines()), "").strip()
        if first.isdecimal() and identify(int(first)) and works_in(int(first), self.folder.postgres_data):
            raise ConfigurationError(
                f"Process {first}, which csagent did not start, runs PostgreSQL on {self.folder.postgres_data}.",
                hint="Stop it first.",
            )
        (self.folder.postgres_data / "postmaster.pid").unlink(missing_ok=True)

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.folder.postgres_data / "postmaster.pid").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def _refuse_other_version(self) -> None:
        version = (self.folder.postgres_data / "PG_VERSION").read_text(encoding="ascii").strip()
        if version != _MAJOR:
            raise ConfigurationError(
                f"The data in {self.folder.postgres_data} are PostgreSQL {version}'s, the programs are {_MAJOR}'s.",
                hint="Dump them with the old version and restore them, or choose another folder.",
            )


def _buffers_mb() -> int:
    """A sixteenth of the machine's memory, within bounds. Taken only as far as pages are read.

    The vectors' index of 100,000 passages fits into the upper bound; in 128 MB a search reads most of it anew.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(_LEAST_BUFFERS_MB, min(memory // 16 // 2**20, _MOST_BUFFERS_MB))


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
