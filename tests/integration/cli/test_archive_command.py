from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.archive.manifest import ArchiveError
from skills.errors import BadRequestError
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore

BEFORE = ("--before", "2025-06-01")


@pytest.fixture
def old_data(csagent: Csagent, with_core: WithCore) -> None:
    """Two cases that were resolved, and a month of events that was over, before then."""

    async def make(core: Core) -> None:
        for n in range(2):
            receipt = await core.write(f"talk {n}", "hello")
            await core.work(receipt.case_id)
            await core.deliver()
            await core.cases.resolve(receipt.case_id, "kim")
        async with core.database.connection() as connection:
            await connection.execute("update cases set resolved_at = '2025-03-01 00:00Z'")
            await connection.execute(
                "create table events_2025_03 partition of events for values from ('2025-03-01 00:00Z')"
                " to ('2025-04-01 00:00Z')"
            )
            await connection.execute(
                "insert into events (id, at, kind) select gen_random_uuid(), '2025-03-02', 'message.received'"
                " from generate_series(1, 10)"
            )

    with_core(make)


def counts(with_core: WithCore) -> tuple[int, bool]:
    async def count(core: Core) -> tuple[int, bool]:
        (row,) = await core.rows("select (select count(*) from cases) as cases, to_regclass('events_2025_03') as month")
        return row["cases"], row["month"] is not None

    return with_core(count)


def refusal(csagent: Csagent, *arguments: str) -> Exception:
    error = csagent("archive", *arguments).exception
    assert isinstance(error, Exception), arguments
    return error


@pytest.mark.usefixtures("old_data")
def test_a_dry_run_says_what_there_is_and_changes_nothing(
    csagent: Csagent, with_core: WithCore, tmp_path: Path
) -> None:
    said = csagent("archive", "--cases", "--events", *BEFORE, "--dry-run").stdout
    assert said == "cases: 2\nmonths of events: 2025-03\n"
    told = json.loads(csagent("archive", "--cases", "--events", *BEFORE, "--dry-run", "--json").stdout)
    assert told == {"cases": 2, "months": ["2025-03"]}
    assert counts(with_core) == (2, True)
    assert csagent("archive", "--events", "--before", "2025-01-01", "--dry-run").stdout == "months of events: none\n"


@pytest.mark.usefixtures("old_data")
def test_cases_and_events_go_into_files_that_can_be_verified_and_read_back(
    csagent: Csagent, with_core: WithCore, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    options = ("--cases", "--events", *BEFORE, "--to", str(folder), "--as", "kim")
    assert csagent("archive", *options, typed="n\n").exit_code == 1
    assert counts(with_core) == (2, True)
    said = csagent("archive", *options, "--yes").stdout
    assert "2 cases: " in said
    assert "2025-03: 10 rows" in said
    assert counts(with_core) == (0, False)
    for path in folder.glob("*.jsonl.gz"):
        told = csagent("archive", "--verify", str(path)).stdout
        assert "whole" in told
        manifest: dict[str, Any] = json.loads(csagent("archive", "--verify", str(path), "--json").stdout)
        assert manifest["made_by"] == "kim"
        schema = f"from_{manifest['kind']}"
        assert schema in csagent("archive", "--restore", str(path), "--into", schema).stdout

    async def back(core: Core) -> list[dict[str, Any]]:
        return await core.rows(
            "select (select count(*) from from_cases.cases) as cases,"
            " (select count(*) from from_events.events) as events"
        )

    assert with_core(back) == [{"cases": 2, "events": 10}]
    assert json.loads(csagent("archive", *options, "--yes", "--json").stdout) == []
    assert "nothing is old enough" in csagent("archive", *options, "--yes").stderr


@pytest.mark.usefixtures("old_data")
def test_a_damaged_archive_is_refused(csagent: Csagent, tmp_path: Path) -> None:
    csagent("archive", "--cases", *BEFORE, "--to", str(tmp_path / "a"), "--yes")
    (path,) = (tmp_path / "a").glob("*.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-9])
    for what in ("--verify", "--restore"):
        assert isinstance(refusal(csagent, what, str(path)), ArchiveError)


@pytest.mark.usefixtures("old_data")
def test_months_are_dropped_without_an_archive_when_that_is_said(csagent: Csagent, with_core: WithCore) -> None:
    said = csagent("archive", "--events", *BEFORE, "--drop", "--yes").stdout
    assert said == "2025-03: 10 rows, dropped\n"
    assert counts(with_core) == (2, False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say one thing to do"),
        (("--events", "--verify", "x"), "say one thing to do"),
        (("--verify", "x", "--restore", "x"), "say one thing to do"),
        (("--events", "--to", "x"), "--before is missing"),
        (("--events", "--before", "2999-01-01", "--to", "x"), "lies in the future"),
        (("--events", *BEFORE), "needs a folder"),
        (("--cases", *BEFORE, "--drop"), "--drop is for events alone"),
        (("--events", *BEFORE, "--drop", "--to", "x"), "--drop is for events alone"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    csagent: Csagent, arguments: tuple[str, ...], message: str
) -> None:
    error = refusal(csagent, *arguments)
    assert isinstance(error, BadRequestError)
    assert message in str(error)
    assert error.hint


def test_cases_that_were_resolved_lately_are_refused(csagent: Csagent) -> None:
    from datetime import UTC, datetime

    error = refusal(csagent, "--cases", "--before", f"{datetime.now(UTC):%Y-%m-%d}", "--dry-run")
    assert "stay for 30 days at least" in str(error)
