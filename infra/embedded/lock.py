"""Who holds a folder: one keeper at a time, and others may join what it keeps.

The lock is an ``flock`` that every process of the keeper inherits, PostgreSQL's back ends included. The kernel frees it
when the last of them is gone, however they ended. The record beside it says who holds the folder and, once the servers
answer, how to reach them.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from infra.embedded.folder import Folder
from infra.embedded.process import ProcessIdentity, StopRequest, identify
from skills.errors import ConfigurationError

_ORPHAN_SECONDS = 10.0
"""How long a killed keeper's servers may take to shut down before they are killed too."""


@dataclass(frozen=True, slots=True)
class Record:
    """Who holds a folder, since when, and the servers that are kept there."""

    holder: ProcessIdentity
    """The program that started the servers."""
    keeper: ProcessIdentity
    since: str
    servers: tuple[ProcessIdentity, ...] = ()
    database_url: str | None = None
    """None while the servers start."""
    redis_url: str | None = None

    @property
    def kept(self) -> bool:
        """Whether both the holder and its keeper live; otherwise the servers are about to stop, or stay as orphans."""
        return self.holder.alive and self.keeper.alive


@dataclass(frozen=True, slots=True)
class FolderLock:
    """The lock, while this process has it."""

    folder: Folder
    descriptor: int
    record: Record

    def publish(self, *servers: ProcessIdentity, database_url: str, redis_url: str | None) -> None:
        """Let others join: the servers answer."""
        ready = replace(self.record, servers=servers, database_url=database_url, redis_url=redis_url)
        self.folder.write(self.folder.record_file.name, json.dumps(asdict(ready)))

    def withdraw(self) -> None:
        """Let nobody join any more: the servers are about to stop."""
        self.folder.record_file.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go. The lock itself is free when the last process that inherited it has ended."""
        os.close(self.descriptor)


def take_or_join(
    folder: Folder,
    *,
    holder: ProcessIdentity,
    join: bool,
    seconds: float,
    stop: StopRequest,
    on_progress: Callable[[str], None],
) -> FolderLock | Record:
    """Take the folder's lock, or find the servers that somebody else keeps there.

    Servers that are still stopping are waited for; those of a killed keeper are stopped.

    Args:
        folder: The instance's folder.
        holder: The program that asks.
        join: Whether servers that somebody else keeps will do.
        seconds: How long to wait at most.
        stop: What to listen to meanwhile.
        on_progress: Is told once if there is something to wait for.

    Raises:
        ConfigurationError: Somebody holds the folder and ``join`` is false, or the wait was in vain.
        StopRequestedError: The program that asks has ended.
    """
    began = time.monotonic()
    told = False
    with ExitStack() as opened:
        descriptor = os.open(folder.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        opened.callback(os.close, descriptor)
        while not _try_lock(descriptor):
            record = read_record(folder)
            if record and record.kept:
                if join and record.database_url:
                    return record
                if not join:
                    raise _held(folder, record)
            waited = time.monotonic() - began
            if record and not record.keeper.alive:
                stop_orphans(record, kill=waited > _ORPHAN_SECONDS)
            if waited > seconds:
                raise _held(folder, record)
            if not told:
                told = True
                on_progress(f"Waiting for the servers in {folder.path} that another process starts or stops")
            stop.pause()
        lock = _hold(folder, descriptor, holder)
        opened.pop_all()
        return lock


def read_record(folder: Folder) -> Record | None:
    """Read who holds the folder; None where nothing legible is written."""
    try:
        fields: dict[str, Any] = json.loads(folder.record_file.read_text(encoding="utf-8"))
        return Record(
            holder=ProcessIdentity(**fields["holder"]),
            keeper=ProcessIdentity(**fields["keeper"]),
            since=str(fields["since"]),
            servers=tuple(ProcessIdentity(**server) for server in fields["servers"]),
            database_url=fields["database_url"],
            redis_url=fields["redis_url"],
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def stop_orphans(record: Record, *, kill: bool) -> None:
    """Stop servers that lost their keeper. The kernel should have done so already; where it can't, this does.

    SIGINT is PostgreSQL's fast shutdown and an orderly one for Redis too; sending it twice does no harm.
    """
    for server in record.servers:
        server.send(signal.SIGKILL if kill else signal.SIGINT)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hold(folder: Folder, descriptor: int, holder: ProcessIdentity) -> FolderLock:
    keeper = identify(os.getpid())
    assert keeper is not None, "a process that asks is alive"
    record = Record(holder, keeper, since=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{holder.pid}\n".encode(), 0)
    folder.write(folder.record_file.name, json.dumps(asdict(record)))
    return FolderLock(folder, descriptor, record)


def _held(folder: Folder, record: Record | None) -> ConfigurationError:
    if record is None:
        return ConfigurationError(
            f"The servers in {folder.path} are held by a process that left no name.",
            hint="Does another container or machine use the same folder? Stop it, or choose another folder.",
        )
    return ConfigurationError(
        f"The servers in {folder.path} are held by process {record.holder.pid} since {record.since}.",
        hint="Stop that process, or choose another folder.",
    )
