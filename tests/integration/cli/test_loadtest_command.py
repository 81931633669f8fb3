"""``csagent loadtest`` as it is typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evals.commands.loadtest import app
from infra.postgres.database import Database
from skills.errors import ConflictError
from tests.integration.loadtest.test_load import service
from tests.product import environment


async def typed(*arguments: str) -> Result:
    """What it says; on a thread, for it runs a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


@pytest.fixture
def at_home(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in environment(database_url, None).items():
        monkeypatch.setenv(name, value)
    return tmp_path


async def test_a_run_ends_with_one_line_of_json_and_a_page(database_url: str, tmp_path: Path) -> None:
    page = tmp_path / "load.html"
    async with service(database_url) as url:
        told = await typed("run", "--url", url, "--rate", "6", "--duration", "1", "--report", str(page), "--json")
    assert told.exit_code == 0, told.output
    figures = json.loads(told.stdout.splitlines()[-1])
    assert figures["messages"] == figures["acknowledged"]
    assert figures["lost_messages"] == figures["doubled_replies"] == 0
    assert "Nothing was lost" in page.read_text(encoding="utf-8")


async def test_a_run_that_lost_something_says_so_and_exits_with_1(database_url: str) -> None:
    async with service(database_url, ()) as url:
        told = await typed("run", "--url", url, "--rate", "3", "--duration", "1", "--patience", "1", "--even")
    assert told.exit_code == 1
    assert "lost replies 3" in told.stdout


@pytest.mark.usefixtures("at_home")
async def test_seeding_fills_the_database_and_says_how_fast(database: Database) -> None:
    told = await typed("seed", "--messages", "60", "--cases", "20", "--json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["messages"] == 60
    told = await typed("seed", "--messages", "60", "--cases", "20")
    assert told.stdout.startswith("60 messages of 20 cases, ")
    async with database.connection() as connection:
        row = await (await connection.execute("select count(*) as messages from messages")).fetchone()
    assert row == {"messages": 120}


@pytest.mark.usefixtures("at_home")
async def test_seeding_beside_customers_is_refused(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "with key as (insert into customer_keys (id, customer_id, wrapped, master_key_id)"
            " values (gen_random_uuid(), gen_random_uuid(), '', 'm') returning id)"
            " insert into customers (id, key_id) select gen_random_uuid(), id from key"
        )
    told = await typed("seed", "--messages", "60", "--cases", "20")
    assert isinstance(told.exception, ConflictError)
