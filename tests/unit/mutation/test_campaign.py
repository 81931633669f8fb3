from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.mutation.targets import ROOT

pytestmark = pytest.mark.early


@pytest.fixture(scope="module")
def verdicts() -> dict[str, list[str | None]]:
    """What became of every mutant of the example."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.unit.mutation.run_example"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr[-2000:]
    read: dict[str, list[str | None]] = json.loads(told.stdout.splitlines()[-1])
    return read


IS_FULL = "Queue.is_full: comparison: return self.waiting >= MOST → return self.waiting > MOST"
NOTICES = "tests/unit/mutation/example_notices.py"


@pytest.mark.parametrize(
    "mutant",
    [IS_FULL, "MOST: constant: MOST = 3 → MOST = 4"],
)
def test_a_mutant_that_a_test_notices_is_killed_by_it(verdicts: dict[str, list[str | None]], mutant: str) -> None:
    assert verdicts[mutant] == ["killed", f"{NOTICES}::test_three_are_too_many"]


def test_a_mutant_that_no_test_looks_at_survives(verdicts: dict[str, list[str | None]]) -> None:
    assert verdicts["Queue.label: constant: 4 → 5"] == ["survived", None]


def test_a_mutant_that_no_test_reaches_survives(verdicts: dict[str, list[str | None]]) -> None:
    assert verdicts["never_asked: comparison: return number > 0 → return number >= 0"] == ["survived", None]


def test_a_mutant_that_never_ends_is_ended(verdicts: dict[str, list[str | None]]) -> None:
    assert verdicts["hangs_if_changed: constant: number -= 1 → number -= 0"] == [
        "timeout",
        f"{NOTICES}::test_it_counts_down",
    ]


def test_nothing_in_the_tree_was_changed(verdicts: dict[str, list[str | None]]) -> None:
    assert "waiting >= MOST" in (ROOT / "tests/unit/mutation/example.py").read_text(encoding="utf-8")
