"""The embedded servers as a pair: they end with the program that started them, however it ends, and can be joined."""

# Real programs are started, killed and looked for; nothing else runs in the loop of such a test.
# ruff: noqa: ASYNC110, ASYNC220

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.embedded.binaries import Binaries
from infra.embedded.folder import Folder, open_folder
from infra.embedded.lock import FolderLock, Record, read_record, take_or_join
from infra.embedded.process import ProcessIdentity, StopRequest, StopRequestedError, identify
from infra.embedded.protocol import Failed, Progress, Ready, encode
from infra.embedded.servers import EmbeddedServers
from skills.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0

PROGRAM = """
import asyncio, json, os, sys
from pathlib import Path
from infra.embedded.servers import EmbeddedServers
from skills.errors import ConfigurationError

def say(**fields):
    print(json.dumps(fields), flush=True)

async def main(folder, system, *wishes):
    embedded = EmbeddedServers(
        Path(folder),
        system_folder=Path(system),
        durable=False,
        on_progress=lambda text: say(progress=text),
    )
    try:
        async with embedded as servers:
            if "fork" in wishes and os.fork() == 0:
                os.read(os.pipe()[0], 1)
            say(url=servers.database_url, folder=str(servers.folder), joined=servers.joined)
            await embedded.wait_until_lost()
    except ConfigurationError as error:
        say(error=str(error), hint=error.hint)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder with a short path that every user can enter; its instance runs again and again."""
    yield from _folder()


@pytest.fixture
def fresh() -> Iterator[Path]:
    """The same, for one test alone."""
    yield from _folder()


def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cs-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _embedded(
    place: Path, progress: list[str] | None = None, *, join: bool = True, binaries: Binaries | None = None
) -> EmbeddedServers:
    return EmbeddedServers(
        place / "shop" / ".csagent",
        system_folder=place / "system",
        durable=False,
        join=join,
        binaries=binaries,
        on_progress=(lambda _: None) if progress is None else progress.append,
    )


def _instance(place: Path) -> Folder:
    return open_folder(place / "shop" / ".csagent", system=place / "system")


@asynccontextmanager
async def _program(place: Path, *, wish: str = "") -> AsyncIterator[Process]:
    """A program of its own that holds servers in ``place`` and says in lines of JSON how it gets on."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(place / "shop" / ".csagent"), str(place / "system"), wish),
        stdout=PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        start_new_session=True,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def _heard(program: Process, key: str) -> dict[str, Any]:
    """Read what the program says until a line has this key."""
    assert program.stdout is not None
    async for line in program.stdout:
        said: dict[str, Any] = json.loads(line)
        if key in said:
            return said
    raise AssertionError(f"it ended without saying its {key}")


def _processes(folder: Folder) -> dict[int, str]:
    """Every living process that works in the folder: keeper, servers, and PostgreSQL's many children."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and identify(int(entry.name)):
            try:
                if (entry / "cwd").readlink().is_relative_to(folder.path):
                    found[int(entry.name)] = (entry / "comm").read_text()
            except OSError:
                continue
    return found


async def _until_gone(folder: Folder) -> None:
    async with asyncio.timeout(10):
        while _processes(folder):
            await asyncio.sleep(0.05)


async def _answers(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute("SELECT 1")).fetchone() == (1,)


def _kept(folder: Folder) -> Record:
    record = read_record(folder)
    assert record is not None
    return record


# --- however the program ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
async def test_nothing_is_left_of_a_program_that_is_killed_and_the_next_start_works_at_once(
    place: Path, number: signal.Signals
) -> None:
    async with _program(place) as program:
        await _heard(program, "url")
        program.send_signal(number)
        await program.wait()
        async with _embedded(place) as next_start:
            assert not next_start.joined
            assert await _answers(next_start.database_url)
    await _until_gone(_instance(place))


async def test_ctrl_c_stops_everything_before_the_program_ends(place: Path) -> None:
    async with _program(place) as program:
        said = await _heard(program, "url")
        log = Path(said["folder"]) / "postgres.log"
        begin = log.stat().st_size
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does: everybody of the program's group
        await program.wait()
        assert _processes(_instance(place)) == {}
        assert "database system is shut down" in log.read_text()[begin:], "in order, so there is nothing to recover"


async def test_a_child_that_outlives_the_program_does_not_keep_the_servers(place: Path) -> None:
    async with _program(place, wish="fork") as program:
        await _heard(program, "url")
        session = program.pid
        program.kill()
        try:
            await _until_gone(_instance(place))
        finally:
            os.killpg(session, signal.SIGKILL)


async def test_the_program_is_told_when_its_keeper_is_killed_and_the_servers_end_too(place: Path) -> None:
    async with _program(place) as program:
        await _heard(program, "url")
        os.kill(_kept(_instance(place)).keeper.pid, signal.SIGKILL)
        said = await _heard(program, "error")
        assert said["error"] == "The keeper of the embedded servers ended without a word."
        assert "starting again is safe" in said["hint"]
        await _until_gone(_instance(place))


async def test_a_keeper_that_is_told_to_stop_stops_the_servers_in_order(place: Path) -> None:
    async with _program(place) as program:
        await _heard(program, "url")
        os.kill(_kept(_instance(place)).keeper.pid, signal.SIGTERM)
        await _heard(program, "error")
        assert _processes(_instance(place)) == {}


async def test_everything_may_be_killed_at_once(place: Path) -> None:
    async with _program(place) as program:
        said = await _heard(program, "url")
        async with await psycopg.AsyncConnection.connect(said["url"], autocommit=True) as connection:
            await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            record = _kept(_instance(place))
            for pid in (program.pid, record.keeper.pid, *(server.pid for server in record.servers)):
                os.kill(pid, signal.SIGKILL)
        async with (
            _embedded(place) as servers,
            await psycopg.AsyncConnection.connect(servers.database_url) as connection,
        ):
            assert await (await connection.execute("SELECT answer FROM kept")).fetchone() == (42,)


async def test_a_program_may_be_killed_while_it_initialises(fresh: Path) -> None:
    async with _program(fresh) as program:
        while not (await _heard(program, "progress"))["progress"].startswith("Initialising"):
            pass
        program.kill()
        async with _embedded(fresh) as next_start:
            assert await _answers(next_start.database_url)
    folder = _instance(fresh)
    await _until_gone(folder)
    assert folder.postgres_data.exists()
    assert not folder.postgres_unfinished.exists()


async def test_a_start_that_is_cancelled_leaves_nothing(place: Path) -> None:
    progress: list[str] = []
    starting = asyncio.create_task(_embedded(place, progress).__aenter__())
    while not any(line.startswith("Starting PostgreSQL") for line in progress):
        await asyncio.sleep(0.005)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert _processes(_instance(place)) == {}


async def test_a_keeper_that_hangs_is_killed_and_the_servers_end_too(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.embedded.servers._MARGIN_SECONDS", 0.2)
    progress: list[str] = []
    embedded = EmbeddedServers(
        place / "shop" / ".csagent",
        system_folder=place / "system",
        durable=False,
        stop_seconds=0.1,
        on_progress=progress.append,
    )
    async with embedded:
        os.kill(_kept(_instance(place)).keeper.pid, signal.SIGSTOP)
    assert progress[-1] == "The keeper of the embedded servers does not end by itself: killing it"
    await _until_gone(_instance(place))


async def test_a_program_hears_what_its_keeper_says_while_the_servers_run(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = fresh / "keeper"
    events = (Ready(str(fresh), "postgresql://", None, joined=False), Progress("Hm."), Failed("It is over.", "Try."))
    (fresh / "events").write_bytes(b"".join(encode(event) for event in events))
    keeper.write_text(f"#!/bin/sh\nread request; cat {fresh}/events\n")
    keeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(keeper))
    progress: list[str] = []
    embedded = _embedded(fresh, progress)
    async with embedded:
        with pytest.raises(ConfigurationError, match=r"^It is over\.$") as caught:
            await embedded.wait_until_lost()
    assert caught.value.hint == "Try."
    assert progress == ["Hm."]


# --- one keeper a folder --------------------------------------------------------------------------------------------


async def test_a_second_start_joins_the_running_servers_and_does_not_stop_them(place: Path) -> None:
    async with _program(place) as program:
        said = await _heard(program, "url")
        second = _embedded(place)
        async with second as joined:
            assert joined.joined
            assert joined.database_url == said["url"]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(second.wait_until_lost(), 0.01)
        assert await _answers(said["url"])


async def test_a_second_start_that_may_not_join_is_told_who_holds_the_servers(place: Path) -> None:
    async with _program(place) as program:
        await _heard(program, "url")
        since = _kept(_instance(place)).since
        with pytest.raises(ConfigurationError, match=f" are held by process {program.pid} since {since}\\.$") as caught:
            await _embedded(place, join=False).__aenter__()
        assert "Stop that process" in str(caught.value.hint)
        assert _instance(place).lock_file.read_text() == f"{program.pid}\n"


async def test_of_two_starts_at_once_one_starts_and_the_other_joins(place: Path) -> None:
    async with AsyncExitStack() as stack:
        both = await asyncio.gather(*(stack.enter_async_context(_embedded(place)) for _ in range(2)))
        assert sorted(servers.joined for servers in both) == [False, True]
        assert both[0].database_url == both[1].database_url


async def test_servers_that_a_killed_keeper_left_behind_are_stopped(fresh: Path) -> None:
    """The kernel tells them itself; this is for the systems whose kernel doesn't."""
    folder, stop = _instance(fresh), StopRequest()
    held = _take(folder, stop)
    orphan = subprocess.Popen(["/bin/sleep", "60"], pass_fds=[held.descriptor])
    identity = identify(orphan.pid)
    assert identity is not None
    gone = ProcessIdentity(orphan.pid, "another process, long ago")
    FolderLock(folder, held.descriptor, Record(gone, gone, "today")).publish(
        identity, database_url="postgresql://", redis_url=None
    )
    held.close()
    said: list[str] = []
    _take(folder, stop, said).close()
    assert orphan.wait() == -signal.SIGINT
    assert said == [f"Waiting for the servers in {folder.path} that another process starts or stops"]


def test_a_wait_for_a_folder_ends_when_the_servers_are_to_stop_or_its_time_is_up(fresh: Path) -> None:
    folder = _instance(fresh)
    with folder.lock_file.open("w") as elsewhere:  # another container's process, say, that left no record
        fcntl.flock(elsewhere, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="held by a process that left no name"):
            _take(folder, StopRequest(), seconds=0.05)
        read, write = os.pipe()
        os.close(write)
        with pytest.raises(StopRequestedError):
            _take(folder, StopRequest(read))
        os.close(read)


def _take(folder: Folder, stop: StopRequest, said: list[str] | None = None, *, seconds: float = 30) -> FolderLock:
    myself = identify(os.getpid())
    assert myself is not None
    taken = take_or_join(
        folder,
        holder=myself,
        join=True,
        seconds=seconds,
        stop=stop,
        on_progress=(lambda _: None) if said is None else said.append,
    )
    assert isinstance(taken, FolderLock)
    return taken
