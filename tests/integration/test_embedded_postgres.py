"""The embedded PostgreSQL: what it keeps, whom it lets in, and how it gets over what was left behind."""

# A test that starts a stranger, looks at a file or waits for a line of progress may do it the plain way: nothing else
# runs in its loop.
# ruff: noqa: ASYNC110, ASYNC220, ASYNC221, ASYNC222, ASYNC240

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from infra.embedded.binaries import Binaries, find_binaries
from infra.embedded.folder import open_folder
from infra.embedded.servers import EmbeddedServers, RunningServers
from skills.errors import ConfigurationError


def _folder() -> Iterator[Path]:
    """A folder with a short path that every user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="cs-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for one test."""
    yield from _folder()


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    """A place whose instance ``shop`` runs again and again, one test after the other; each leaves it in order."""
    yield from _folder()


@pytest.fixture
def progress() -> list[str]:
    return []


@pytest.fixture(scope="module")
def seen() -> Iterator[Path]:
    yield from _folder()


@pytest.fixture(scope="module")
async def servers(seen: Path) -> AsyncIterator[RunningServers]:
    """One instance for the tests that only look."""
    async with _embedded(seen) as running:
        yield running


def _embedded(
    place: Path,
    progress: list[str] | None = None,
    *,
    binaries: Binaries | None = None,
    port: int | None = None,
    durable: bool = False,
    start_seconds: float = 60,
    stop_seconds: float = 30,
) -> EmbeddedServers:
    return EmbeddedServers(
        place / "shop" / ".csagent",
        system_folder=place / "system",
        durable=durable,
        postgres_port=port,
        binaries=binaries,
        on_progress=(lambda _: None) if progress is None else progress.append,
        start_seconds=start_seconds,
        stop_seconds=stop_seconds,
    )


async def _ask(url: str, statement: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


def _port(url: str) -> int:
    return int(psycopg.conninfo.conninfo_to_dict(url)["port"] or 0)


def _postmaster(servers: RunningServers) -> int:
    return int((servers.folder / "postgres" / "postmaster.pid").read_text().split()[0])


def _owner(folder: Path) -> pwd.struct_passwd:
    return pwd.getpwuid(folder.stat().st_uid)


def _programs(place: Path, **scripts: str) -> Binaries:
    """Programs that answer to ``--version`` like real ones and otherwise do what the scripts say."""
    folder = place / "programs"
    folder.mkdir()
    for name in ("postgres", "initdb"):
        program = folder / name
        program.write_text(f'#!/bin/sh\ncase "$*" in *--version*|*--single*) exit 0;; esac\n{scripts.get(name, "")}\n')
        program.chmod(0o755)
    return Binaries(folder, None, "scripts")


async def test_what_was_written_is_there_at_the_next_start_on_the_same_port(used: Path) -> None:
    async with _embedded(used) as first:
        await _ask(first.database_url, "CREATE TABLE numbers AS SELECT 42 AS answer")
    async with _embedded(used) as second:
        assert await _ask(second.database_url, "SELECT answer FROM numbers") == [(42,)]
        assert second.database_url == first.database_url


async def test_a_commit_is_on_the_disk_unless_a_test_asks_for_speed(used: Path, servers: RunningServers) -> None:
    settings = (
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('data_checksums')"
    )
    async with _embedded(used, durable=True) as durable:
        assert await _ask(durable.database_url, settings) == [("on", "on", "on")]
    assert await _ask(servers.database_url, settings) == [("off", "on", "on")]


async def test_text_sorts_alike_on_every_machine(servers: RunningServers) -> None:
    found = await _ask(
        servers.database_url,
        "SELECT datlocprovider::text, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
        " WHERE datname = 'csagent'",
    )
    assert found == [("b", "C.UTF-8", "UTF8")]


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_nobody_connects_without_the_password(servers: RunningServers, password: str) -> None:
    parts = {**psycopg.conninfo.conninfo_to_dict(servers.database_url), "password": password, "passfile": "/dev/null"}
    with pytest.raises(psycopg.OperationalError, match=r"no password supplied|password authentication failed"):
        await psycopg.AsyncConnection.connect(**parts)  # type: ignore[arg-type]  # values of a parsed address


async def test_the_superuser_can_not_connect(servers: RunningServers) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        await psycopg.AsyncConnection.connect(servers.database_url, user="postgres")


async def test_the_role_makes_databases_with_pgvector_but_runs_no_programs(servers: RunningServers) -> None:
    await _ask(servers.database_url, "CREATE DATABASE another")
    another = servers.database_url.removesuffix("csagent") + "another"
    await _ask(another, "CREATE EXTENSION IF NOT EXISTS vector")
    assert await _ask(another, "SELECT '[3,4]'::vector <-> '[0,0]'") == [(5.0,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await _ask(another, "COPY (SELECT 1) TO PROGRAM 'cat'")


async def test_the_log_repeats_nothing_that_a_customer_wrote(servers: RunningServers) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        await _ask(
            servers.database_url,
            "CREATE TEMP TABLE t (mail text PRIMARY KEY);INSERT INTO t VALUES ('ada@example.org'), ('ada@example.org')",
        )
    log = (servers.folder / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "ada@example.org" not in log


async def test_only_the_owner_can_read_the_passwords(servers: RunningServers) -> None:
    secrets = servers.folder / "secrets.json"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert str(psycopg.conninfo.conninfo_to_dict(servers.database_url)["password"]) in secrets.read_text()


async def test_two_instances_run_side_by_side(used: Path, servers: RunningServers) -> None:
    async with _embedded(used) as other:
        assert other.folder != servers.folder
        await _ask(other.database_url, "CREATE TABLE IF NOT EXISTS mine ()")
        assert await _ask(servers.database_url, "SELECT to_regclass('mine')") == [(None,)]


async def test_a_taken_port_that_was_asked_for_is_a_clear_error(used: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=f"^Port {port} of 127.0.0.1, asked for PostgreSQL, is taken"
        ) as caught:
            await _embedded(used, port=port).__aenter__()
    assert "another port" in str(caught.value.hint)


async def test_a_free_port_that_was_asked_for_is_used(used: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with _embedded(used, port=port) as running:
        assert _port(running.database_url) == port


async def test_a_remembered_port_that_is_taken_by_now_is_replaced(used: Path) -> None:
    async with _embedded(used) as first:
        port = _port(first.database_url)
    with socket.create_server(("127.0.0.1", port)):
        async with _embedded(used) as second:
            assert _port(second.database_url) != port
            assert await _ask(second.database_url, "SELECT 1") == [(1,)]


async def test_a_half_finished_initialisation_is_thrown_away(place: Path, progress: list[str]) -> None:
    unfinished = open_folder(place / "shop" / ".csagent", system=place / "system").postgres_unfinished
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "postgresql.conf").write_text("port = no")
    async with _embedded(place, progress) as running:
        assert await _ask(running.database_url, "SELECT 1") == [(1,)]
    assert not unfinished.exists()
    assert any(line.startswith("Initialising") for line in progress)


async def test_a_stale_pid_file_that_names_a_living_stranger_is_no_obstacle(used: Path) -> None:
    async with _embedded(used) as first:
        data = first.folder / "postgres"
        written = (data / "postmaster.pid").read_text()
    owner = _owner(data)
    stranger = subprocess.Popen(
        ["/bin/sleep", "60"],
        user=owner.pw_uid if os.geteuid() == 0 else None,  # PostgreSQL minds its own user's only
    )
    try:
        (data / "postmaster.pid").write_text(written.replace(written.split()[0], str(stranger.pid), 1))
        async with _embedded(used) as second:
            assert await _ask(second.database_url, "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_stale_pid_file_that_names_a_zombie_is_no_obstacle(used: Path) -> None:
    async with _embedded(used) as first:
        data = first.folder / "postgres"
        written = (data / "postmaster.pid").read_text()
    zombie = subprocess.Popen(["/bin/true"], user=_owner(data).pw_uid if os.geteuid() == 0 else None)
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    try:
        (data / "postmaster.pid").write_text(written.replace(written.split()[0], str(zombie.pid), 1))
        async with _embedded(used) as second:
            assert await _ask(second.database_url, "SELECT 1") == [(1,)]
    finally:
        zombie.wait()


async def test_a_server_that_somebody_started_by_hand_is_not_touched(used: Path) -> None:
    async with _embedded(used) as first:
        data, port = first.folder / "postgres", _port(first.database_url)
    installed = find_binaries().postgres / "postgres"
    by_hand = subprocess.Popen(
        [next((first.folder / "binaries").rglob("bin/postgres"), installed), "-D", data, "-p", str(port), "-k", ""],
        user=_owner(data).pw_uid if os.geteuid() == 0 else None,
        stderr=subprocess.PIPE,
    )
    try:
        assert by_hand.stderr is not None
        while b"ready to accept" not in (line := by_hand.stderr.readline()):
            assert line, "it ended"
        with pytest.raises(ConfigurationError, match=f"^Process {by_hand.pid}, which csagent did not start, runs"):
            await _embedded(used).__aenter__()
        assert by_hand.poll() is None
    finally:
        by_hand.send_signal(signal.SIGINT)
        by_hand.communicate()


async def test_lost_passwords_are_replaced_and_the_data_stay(used: Path, progress: list[str]) -> None:
    async with _embedded(used) as first:
        await _ask(first.database_url, "CREATE TABLE IF NOT EXISTS kept ()")
    (first.folder / "secrets.json").write_text("{")
    async with _embedded(used, progress) as second:
        assert second.database_url != first.database_url
        assert await _ask(second.database_url, "SELECT to_regclass('kept')::text") == [("kept",)]
    assert "The passwords are lost: setting new ones" in progress


async def test_data_of_another_major_version_are_refused(used: Path) -> None:
    async with _embedded(used) as first:
        pass
    (first.folder / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(ConfigurationError, match="are PostgreSQL 17's, the programs are 18's") as caught:
        await _embedded(used).__aenter__()
    (first.folder / "postgres" / "PG_VERSION").write_text("18\n")
    assert "restore" in str(caught.value.hint)


async def test_a_server_that_is_killed_runs_again_on_the_same_port(used: Path, progress: list[str]) -> None:
    async with _embedded(used, progress) as running:
        await _ask(running.database_url, "CREATE TABLE IF NOT EXISTS kept ()")
        killed = _postmaster(running)
        os.kill(killed, signal.SIGKILL)
        await _until_said(progress, "PostgreSQL runs again")
        assert await _ask(running.database_url, "SELECT to_regclass('kept')::text") == [("kept",)]
        assert _postmaster(running) != killed
        assert not Path(f"/proc/{killed}").exists(), "reaped, not a zombie"


async def test_a_server_that_can_not_be_kept_running_is_given_up(
    place: Path, progress: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = place / "impatient-python"
    impatient.write_text(
        f"#!/bin/sh\nexec {sys.executable} -P -c '"
        "import infra.embedded.keeper as k; k._PAUSES = (0, 0.1); raise SystemExit(k.main())'\n"
    )
    impatient.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(impatient))
    embedded = _embedded(place, progress)
    async with embedded as running:
        (running.folder / "postgres" / "global" / "pg_control").unlink()
        os.kill(_postmaster(running), signal.SIGKILL)
        with pytest.raises(ConfigurationError, match=r"^PostgreSQL can't be kept running\.$"):
            await embedded.wait_until_lost()
    assert len([line for line in progress if "can't be started again yet" in line]) == 2


async def test_a_server_that_hangs_is_killed_in_the_end_and_recovers_at_the_next_start(used: Path) -> None:
    async with _embedded(used, stop_seconds=0.1) as first:
        await _ask(first.database_url, "CREATE TABLE IF NOT EXISTS kept ()")
        hanging = _postmaster(first)
        os.kill(hanging, signal.SIGSTOP)
    assert not Path(f"/proc/{hanging}").exists()
    async with _embedded(used) as second:
        assert await _ask(second.database_url, "SELECT to_regclass('kept')::text") == [("kept",)]


async def test_a_long_log_is_put_aside(used: Path) -> None:
    async with _embedded(used) as first:
        pass
    log = first.folder / "postgres.log"
    with log.open("ab") as file:
        file.truncate(10_000_001)
    async with _embedded(used):
        assert log.stat().st_size < 10_000
    assert (first.folder / "postgres.log.1").stat().st_size == 10_000_001


async def test_an_initialisation_that_fails_says_why_and_leaves_nothing_behind(place: Path) -> None:
    programs = _programs(place, initdb="echo 'initdb: error: could not write: No space left on device' >&2; exit 1")
    with pytest.raises(ConfigurationError, match=r"^initdb failed: could not write: No space left on device$"):
        await _embedded(place, binaries=programs).__aenter__()
    assert [path.name for path in place.rglob("postgres*") if path.is_dir()] == []


async def test_an_initialisation_that_hangs_has_a_deadline(place: Path) -> None:
    programs = _programs(place, initdb="exec sleep 60")
    with pytest.raises(ConfigurationError, match=r"^initdb didn't finish within 0.3 seconds\.$"):
        await _embedded(place, binaries=programs, start_seconds=0.3).__aenter__()


async def test_a_server_that_never_gets_ready_has_a_deadline(place: Path, progress: list[str]) -> None:
    programs = _programs(place, postgres="exec sleep 60")
    with pytest.raises(ConfigurationError, match=r"^PostgreSQL did not get ready within 2.2 seconds\.$"):
        await _embedded(place, progress, binaries=programs, start_seconds=2.2).__aenter__()
    assert any("longer than usual" in line for line in progress)


async def test_a_server_that_ends_at_once_says_why(place: Path) -> None:
    programs = _programs(place, postgres="echo '2026-01-01 UTC [7] FATAL:  out of shared memory' >&2; exit 1")
    with pytest.raises(ConfigurationError, match=r"^PostgreSQL didn't start: out of shared memory$") as caught:
        await _embedded(place, binaries=programs).__aenter__()
    assert "postgres.log says more" in str(caught.value.hint)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
async def test_a_full_disk_is_a_clear_error_and_the_next_start_works(place: Path) -> None:
    disk = place / "system"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this container may not mount")
    try:
        with pytest.raises(ConfigurationError, match="No space left on device"):
            await _embedded(place).__aenter__()
        subprocess.run(["mount", "-o", "remount,size=300m", str(disk)], check=True)
        async with _embedded(place) as running:
            assert await _ask(running.database_url, "SELECT 1") == [(1,)]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


async def _until_said(progress: list[str], text: str) -> None:
    """Wait until the keeper has said it; the test's own time limit ends a wait that is in vain."""
    while not any(text in line for line in progress):
        await asyncio.sleep(0.02)
