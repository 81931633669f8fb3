from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from skills.errors import BadRequestError
from tests.core import Core
from tests.integration.cli.conftest import Csagent, WithCore

TODAY = datetime.now(UTC).date()
PERIOD = ("--from", str(TODAY), "--to", str(TODAY + timedelta(days=1)))


@pytest.fixture
def counted(csagent: Csagent, with_core: WithCore) -> Csagent:
    async def write(core: Core) -> None:
        for talk, text in (("a", "hello"), ("b", "a person please")):
            receipt = await core.write(talk, text)
            await core.work(receipt.case_id)
        await core.deliver()

    with_core(write)
    return csagent


def test_figures_are_a_table_with_intervals_and_json_for_scripts(counted: Csagent) -> None:
    lines = counted("analytics", *PERIOD).stdout.splitlines()
    assert lines[0] == f"{TODAY} to {TODAY + timedelta(days=1)} (UTC), beside the 2 days before"
    (escalation,) = [line for line in lines if line.startswith("Escalation rate")]
    assert escalation.split()[2:] == ["50.0", "%", "9.5", "%", "to", "90.5", "%", "no", "data", "2"]
    told = json.loads(counted("analytics", *PERIOD, "--json", "--channel", "chat").stdout)
    assert told["metrics"]["escalation"]["now"]["value"] == 0.5
    assert told["filters"]["channel"] == "chat"
    assert list(json.loads(counted("analytics", "--metric", "csat", "--json").stdout)["metrics"]) == ["csat"]


def test_one_figure_is_shown_by_its_parts_and_all_are_written_into_a_file(counted: Csagent, tmp_path: Path) -> None:
    shown = counted("analytics", *PERIOD, "--metric", "escalation").stdout
    assert shown.startswith("Escalation rate: How many cases go to a person.")
    assert "channel chat" in shown
    file = tmp_path / "figures.csv"
    assert counted("analytics", *PERIOD, "--export", str(file), "--again").exit_code == 0
    with file.open() as written:
        assert {row["metric"] for row in csv.DictReader(written)} >= {"csat", "retention"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--from", "March"), "'March' is no day"),
        (("--step", "hour"), "time can't be cut by 'hour'"),
        (("--metric", "joy"), "there is no figure 'joy'"),
        (("--export", "figures.xls"), "that is no format of ours"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "the period ends before it begins"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_a_hint(csagent: Csagent, given: tuple[str, ...], why: str) -> None:
    refused = csagent("analytics", *given).exception
    assert isinstance(refused, BadRequestError)
    assert str(refused) == why
    assert refused.hint
