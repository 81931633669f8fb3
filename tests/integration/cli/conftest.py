from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from typer.testing import CliRunner, Result

from api.cli import build
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from tests.core import Core, make_core

Csagent = Callable[..., Result]
Found = TypeVar("Found")


class WithCore(Protocol):
    def __call__(self, work: Callable[[Core], Coroutine[Any, Any, Found]]) -> Found: ...


def _key(byte: bytes) -> str:
    return base64.b64encode(byte * 32).decode()


@pytest.fixture
def with_core(database_url: str, keyring: Keyring) -> WithCore:
    """Lets a test do something with the core, on the commands' database, and then let it go."""

    def run(work: Callable[[Core], Coroutine[Any, Any, Found]]) -> Found:
        async def connected() -> Found:
            database = Database(database_url, size=4)
            await database.open()
            try:
                return await work(make_core(database, keyring))
            finally:
                await database.close()

        return asyncio.run(connected())

    return run


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment with the fixture's keys and no servers; settings of the developer's own don't reach in."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "OPENAI_API_KEY", "CSAGENT_POLICY_FILE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CSAGENT_FOLDER", str(tmp_path / "folder"))
    monkeypatch.setenv("CSAGENT_MASTER_KEYS", f"test:{_key(b'm')}")
    monkeypatch.setenv("CSAGENT_INDEX_KEY", _key(b"i"))
    monkeypatch.setenv("CSAGENT_STAFF_KEYS", "kim:secret")
    monkeypatch.setenv("TERM", "dumb")
    return monkeypatch


@pytest.fixture
def without_servers(surroundings: pytest.MonkeyPatch) -> Csagent:
    """``csagent`` where nothing runs."""

    def call(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(build(*arguments[:1]), list(arguments), input=typed)

    return call


@pytest.fixture
def csagent(surroundings: pytest.MonkeyPatch, database_url: str, without_servers: Csagent) -> Csagent:
    """``csagent`` on the test's database."""
    surroundings.setenv("DATABASE_URL", database_url)
    return without_servers
