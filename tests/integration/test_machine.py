"""One machine: keys that are made once, and processes that are started again and never left behind."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from api.commands.up import address_of, listen
from api.machine import Processes, Program, environment, kept_keys, own_machine
from infra.postgres.database import Database
from infra.settings import Settings, read_settings
from skills.errors import ConfigurationError
from tests.product import environment as product_environment

KEY = SecretStr(base64.b64encode(b"k" * 32).decode())
SCHEDULER = Program("scheduler", ("scheduler",))


def bare(folder: Path, **given: object) -> Settings:
    return Settings(_env_file=None, folder=folder, **{"master_keys": {}, "staff_keys": {}, **given})  # type: ignore[arg-type] # pydantic checks


def test_keys_are_made_once_and_only_the_owner_may_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    first = kept_keys(bare(folder))
    assert kept_keys(bare(folder)) == first
    assert set(first) == {"master_keys", "index_key", "staff_keys"}
    file = folder / "keys.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["keys.env"]
    assert kept_keys(bare(tmp_path / "other")) != first


def test_a_key_that_is_set_is_taken_and_the_others_are_kept(tmp_path: Path) -> None:
    assert kept_keys(bare(tmp_path, master_keys={"a": KEY}, index_key=KEY, staff_keys={"kim": KEY})) == {}
    assert list(tmp_path.iterdir()) == []
    kept = kept_keys(bare(tmp_path, index_key=KEY))
    assert kept["index_key"] == KEY
    assert kept["master_keys"] == kept_keys(bare(tmp_path))["master_keys"]


async def test_processes_that_make_the_keys_at_once_have_the_same_ones(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from api.machine import kept_keys; from infra.settings import Settings;"
        "print({k: str(v.get_secret_value() if hasattr(v, 'get_secret_value') else"
        " {n: s.get_secret_value() for n, s in v.items()})"
        " for k, v in kept_keys(Settings(_env_file=None, folder=Path(sys.argv[1]))).items()})"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CSAGENT_")}
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(tmp_path / "data"), env=clean, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    said = {(await process.communicate())[0] for process in started}
    assert len(said) == 1
    assert b"master" in said.pop()


@pytest.mark.parametrize("content", [b"", b"master=x\n", b"master=a\nindex=b\n", b"\xff\xfe\x00"])
def test_a_damaged_key_file_is_said_to_be_damaged_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys.env"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="is damaged") as refusal:
        kept_keys(bare(tmp_path))
    assert refusal.value.hint
    assert file.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="can't be kept") as refusal:
        kept_keys(bare(tmp_path / "file"))
    assert "CSAGENT_FOLDER" in str(refusal.value.hint)


def test_a_child_finds_the_completed_settings_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = bare(tmp_path, DATABASE_URL=SecretStr("postgresql://x"), REDIS_URL=SecretStr("redis://x"))
    settings = settings.model_copy(update=kept_keys(settings))
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    child = read_settings()
    for name in ("database_url", "redis_url", "master_keys", "index_key", "staff_keys"):
        assert getattr(child, name) == getattr(settings, name)
    assert "REDIS_URL" not in environment(bare(tmp_path)) or "REDIS_URL" in os.environ


async def test_given_servers_are_used_as_they_are(tmp_path: Path) -> None:
    async with own_machine(bare(tmp_path, DATABASE_URL=SecretStr("postgresql://mine"))) as completed:
        assert completed.database_url == SecretStr("postgresql://mine")
        assert completed.index_key is not None
        assert [path.name for path in tmp_path.iterdir()] == ["keys.env"]  # noqa: ASYNC240 - a small folder


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - other processes do it
            await asyncio.sleep(0.05)


async def _lease_runs_out(database: Database) -> None:
    """As it would by itself, ten seconds later."""
    async with database.connection() as connection:
        await connection.execute("update scheduler_lease set leased_until = now() - interval '1 second'")


async def test_a_killed_child_is_started_again_and_all_are_stopped_at_the_end(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with Processes([SCHEDULER], product_environment(database_url, None), log=log) as processes:
        await until(lambda: log.exists() and "scheduler.leads" in log.read_text(encoding="utf-8"))
        first = processes.pids["scheduler"]
        os.kill(first, signal.SIGKILL)
        await _lease_runs_out(database)
        await until(lambda: processes.pids.get("scheduler", first) != first)
        await until(lambda: log.read_text(encoding="utf-8").count("scheduler.leads") == 2)
        second = processes.pids["scheduler"]
    assert not alive(first)
    assert not alive(second)
    assert processes.pids == {}


async def test_who_connects_while_the_api_is_started_again_is_answered_by_the_next_one(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    async def alive_at(address: str) -> bool:
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            return (await client.get("/health/live")).status_code == httpx.codes.OK

    with listen("127.0.0.1", None, 0) as listener:
        programs = [Program("api", ("api",), listener)]
        async with Processes(programs, product_environment(database_url, None), log=tmp_path / "log") as processes:
            assert await alive_at(address_of(listener))
            os.kill(processes.pids["api"], signal.SIGKILL)
            assert await alive_at(address_of(listener))


def test_a_port_is_ours_from_the_moment_that_it_is_found() -> None:
    with listen("127.0.0.1", None, 0) as ours:
        port = ours.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} on 127.0.0.1 is taken"):
            listen("127.0.0.1", port, 8000)
        with listen("127.0.0.1", None, port) as next_one:
            assert next_one.getsockname()[1] != port


PARENT = """
import asyncio, os, sys
from pathlib import Path
from api.machine import Processes, Program

async def main():
    async with Processes([Program("scheduler", ("scheduler",))], os.environ, log=Path(sys.argv[1])) as processes:
        while not processes.pids:
            await asyncio.sleep(0.01)
        print(processes.pids["scheduler"], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
async def test_nothing_is_left_when_the_parent_is_killed(database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(log)),
        env=product_environment(database_url, None),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    await until(lambda: log.exists() and "scheduler.leads" in log.read_text(encoding="utf-8"))
    assert alive(child)
    parent.kill()
    await parent.wait()
    await until(lambda: not alive(child), 15)
