"""The embedded Redis: a hint that can be lost, refused to strangers, and done without."""

# ruff: noqa: ASYNC110, ASYNC240 - nothing else runs in the loop of a test that looks at a file or waits for progress

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from infra.embedded.binaries import Binaries, find_binaries, find_redis
from infra.embedded.folder import Folder
from infra.embedded.lock import read_record
from infra.embedded.servers import EmbeddedServers, RunningServers
from skills.errors import ConfigurationError

pytestmark = pytest.mark.skipif(find_redis() is None, reason="no redis-server for this platform")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder with a short path that every user can enter; its instance runs again and again."""
    folder = Path(tempfile.mkdtemp(prefix="cs-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def progress() -> list[str]:
    return []


@pytest.fixture
async def servers(place: Path, progress: list[str]) -> AsyncIterator[RunningServers]:
    async with _embedded(place, progress) as running:
        yield running


@pytest.fixture
async def client(servers: RunningServers) -> AsyncIterator[redis.asyncio.Redis]:
    assert servers.redis_url is not None
    async with redis.asyncio.Redis.from_url(servers.redis_url) as connected:
        yield connected


def _embedded(
    place: Path, progress: list[str], *, binaries: Binaries | None = None, port: int | None = None
) -> EmbeddedServers:
    return EmbeddedServers(
        place / "shop" / ".csagent",
        system_folder=place / "system",
        durable=False,
        redis_port=port,
        binaries=binaries,
        on_progress=progress.append,
    )


async def test_nobody_gets_in_without_the_password(servers: RunningServers, client: redis.asyncio.Redis) -> None:
    assert await client.ping()
    port = client.connection_pool.connection_kwargs["port"]
    for password in (None, "wrong"):
        async with redis.asyncio.Redis(port=port, password=password, retry=Retry(NoBackoff(), 0)) as stranger:
            with pytest.raises(redis.exceptions.AuthenticationError):
                await stranger.ping()


async def test_only_the_servers_user_can_read_its_configuration(servers: RunningServers) -> None:
    assert (servers.folder / "redis.conf").stat().st_mode & 0o777 == 0o600


async def test_a_wake_up_is_never_forgotten_silently(client: redis.asyncio.Redis) -> None:
    settings = await client.config_get("maxmemory*")
    assert (settings["maxmemory"], settings["maxmemory-policy"]) == (str(64 * 2**20), "noeviction")

    async def fill() -> None:
        for number in range(80):
            await client.set(f"filler {number}", b"x" * 2**20)

    with pytest.raises(redis.exceptions.OutOfMemoryError):
        await fill()
    assert await client.exists("filler 0")


async def test_nothing_is_kept_on_the_disk(place: Path, progress: list[str]) -> None:
    async with _embedded(place, progress) as first:
        assert first.redis_url is not None
        async with redis.asyncio.Redis.from_url(first.redis_url) as client:
            await client.set("key", "value")
    async with _embedded(place, progress) as second:
        assert second.redis_url == first.redis_url
        async with redis.asyncio.Redis.from_url(second.redis_url) as client:
            assert await client.get("key") is None
    assert not list(place.rglob("*.rdb"))


async def test_a_server_that_is_killed_runs_again_and_a_later_keeper_would_know_it(
    servers: RunningServers, client: redis.asyncio.Redis, progress: list[str]
) -> None:
    before = (await client.info("server"))["process_id"]
    os.kill(before, signal.SIGKILL)
    while "Redis runs again" not in progress:
        await asyncio.sleep(0.02)
    await client.connection_pool.disconnect()
    after = (await client.info("server"))["process_id"]
    assert after != before
    while (record := read_record(Folder(servers.folder, None))) is None or record.servers[-1].pid != after:
        await asyncio.sleep(0.02)


async def test_a_server_that_hangs_is_stopped_all_the_same(place: Path, progress: list[str]) -> None:
    async with _embedded(place, progress) as running:
        assert running.redis_url is not None
        async with redis.asyncio.Redis.from_url(running.redis_url) as client:
            pid = (await client.info("server"))["process_id"]
        os.kill(pid, signal.SIGSTOP)
    assert not Path(f"/proc/{pid}").exists()


async def test_a_taken_port_that_was_asked_for_is_a_clear_error(place: Path, progress: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"^Port {port} of 127.0.0.1, asked for Redis, is taken"):
            await _embedded(place, progress, port=port).__aenter__()


async def test_without_redis_the_database_serves_alone(place: Path, progress: list[str]) -> None:
    async with _embedded(place, progress, binaries=replace(find_binaries(), redis=None)) as running:
        assert running.redis_url is None
        async with await psycopg.AsyncConnection.connect(running.database_url) as connection:
            assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
    assert "There is no redis-server here: PostgreSQL alone wakes the workers" in progress


async def test_a_redis_that_does_not_start_is_done_without(place: Path, progress: list[str]) -> None:
    broken = place / "redis-server"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] || { echo "Bad directive"; exit 1; }\n')
    broken.chmod(0o755)
    async with _embedded(place, progress, binaries=replace(find_binaries(), redis=broken, label="broken")) as running:
        assert running.redis_url is None
    assert "Redis didn't start: Bad directive; PostgreSQL alone wakes the workers" in progress


def test_a_redis_server_on_the_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.embedded.binaries.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_redis() is None
    program = tmp_path / "redis-server"
    program.touch(mode=0o755)
    assert find_redis() == program
