from __future__ import annotations

import os
from dataclasses import replace

import pytest

from evals.loadtest.capacity import Limits, Step
from evals.loadtest.footprint import Footprint, Machine, resident_mb, this_machine
from evals.loadtest.histogram import Histogram
from evals.loadtest.plan import Measured, plan, told
from evals.loadtest.record import Record


@pytest.fixture
def measured() -> Measured:
    record = Record(10)
    record.due(1.0, behind=0.0)
    record.acknowledged(1.0, 0.02)
    record.replied(1.0, 0.7, "agent")
    return Measured(
        machine=Machine(4, 15.6),
        workers=2,
        history=(1_000_000, 100_000),
        settle_seconds=0.4,
        limits=Limits(),
        steps=[Step(20, 400, 12.0, 480.0, 640.0, 0.1, 0), Step(30, 600, 90.0, 2100.0, 4200.0, 6.0, 3)],
        step_seconds=20,
        capacity=20.0,
        load=record,
        sent=Histogram([0.6]),
        footprint=Footprint({"api": 120.0, "worker 1": 210.0, "worker 2": 212.0}, {"csagent api": 4}),
        statements={"inbox.insert_message": Histogram([0.003]), "turns.finish": Histogram([0.009])},
    )


def test_the_plan_says_what_was_measured_and_how_many_workers_a_rate_needs(measured: Measured) -> None:
    page = plan(measured)
    assert "**20.0 messages a second, 10.0 for each worker process**" in page
    assert "| 20 | yes | 480 ms | 640 ms | 12 ms | 0.1 s |" in page
    assert "| 30 | no | 2.1 s | 4.2 s | 90 ms | 6.0 s |" in page
    assert "4 cores, 15.6 GB" in page
    assert "--messages 1000000 --cases 100000" in page
    assert "a second that is 3." in page
    assert page.index("turns.finish") < page.index("inbox.insert_message")
    assert "\n\n\n" not in page
    assert max(map(len, (line for line in page.splitlines() if not line.startswith("|")))) <= 150


def test_a_plan_without_statements_has_no_table_of_them(measured: Measured) -> None:
    assert "## Statements" not in plan(replace(measured, statements={}))


def test_the_figures_are_json_with_everything_that_the_issue_asks_for(measured: Measured) -> None:
    figures = measured.figures()
    assert figures["capacity_per_worker_per_s"] == 10.0
    assert figures["to_provider_ms"]["p95"] == 600.0
    assert figures["load"]["reply_ms"]["p95"] == 700.0
    assert figures["connections_total"] == 4
    assert figures["slowest_statement_p95_ms"] == 9.0


@pytest.mark.parametrize(("milliseconds", "said"), [(4.123, "4.1 ms"), (620.4, "620 ms"), (1840.0, "1.8 s")])
def test_milliseconds_are_said_as_one_would(milliseconds: float, said: str) -> None:
    assert told(milliseconds) == said


def test_this_machine_and_this_process_have_a_size_and_a_gone_one_has_none() -> None:
    machine = this_machine()
    assert 1 <= machine.cores <= 4096
    assert 10 < resident_mb(os.getpid()) < machine.memory_gb * 1024
    assert resident_mb(2**30) == 0.0
