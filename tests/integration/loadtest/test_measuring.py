"""What the load looks at beside the customers: the server's own durations, connections, memory, the outbox."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from api.commands.up import Product
from api.machine import Processes
from evals.commands.capacity import Bench
from evals.loadtest.footprint import Watcher
from evals.loadtest.statements import StatementLog
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.settings import Settings
from skills.errors import ConfigurationError
from tests.core import make_core
from tests.integration.loadtest.test_load import service

EXTERNAL = "CSAGENT_TEST_DATABASE_URL" in os.environ
embedded_only = pytest.mark.skipif(EXTERNAL, reason="a server that is not ours does not let itself be read")


@embedded_only
async def test_the_server_tells_what_each_statement_took_and_stops_telling_afterwards(
    database: Database, keyring: Keyring
) -> None:
    core = make_core(database, keyring)
    async with StatementLog(database) as log:
        await core.write("thread", "hello")
        receipt = await core.write("thread", "hello again")
        await core.work(receipt.case_id)
        await core.deliver()
        told = await log.read()
        assert {"inbox.insert_message", "leases.claim_case", "turns.load_case", "outbox.claim"} <= told.keys()
        assert 0 < told["inbox.insert_message"].longest < 60
        await core.reviews.queue()
        assert "reviews.queue" in await log.read()
    (row,) = await core.rows("show log_min_duration_statement")
    assert row["log_min_duration_statement"] == "-1"


@embedded_only
async def test_a_server_whose_files_are_elsewhere_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigurationError, match="can't be read from this server"):
        async with StatementLog(database):
            pass


async def test_the_way_of_a_message_is_timed_from_its_commit_to_its_sending(
    database: Database, keyring: Keyring
) -> None:
    core = make_core(database, keyring)
    before = datetime.now(UTC) - timedelta(seconds=1)
    receipt = await core.write("thread", "hello")
    await core.work(receipt.case_id)
    await core.deliver()
    watcher = Watcher(database, {"me": os.getpid()})
    assert len(await watcher.sent_since(before)) == 1
    assert len(await watcher.sent_since(datetime.now(UTC) + timedelta(seconds=1))) == 0
    footprint = await watcher.look()
    assert footprint.memory_mb["me"] > 10
    assert footprint.connections["csagent"] >= 1


@pytest.mark.bench
@embedded_only
async def test_a_rate_is_tried_on_a_running_product(database_url: str, database: Database) -> None:
    async with service(database_url) as url:
        product = Product(url, Settings(), Path(), Processes([], {}), {})
        bench = Bench(product, database, Console(quiet=True))
        step = await bench.attempt(4.0, 1.0)
        assert step.rate == 4.0
        assert step.messages >= 1
        assert step.reply_p95_ms >= step.reply_p50_ms > 0
        assert "load" in bench.footprint.memory_mb
        assert sum(bench.footprint.connections.values()) >= 3
        assert "inbox.insert_message" in await bench.time_statements(4.0, 1.0)
