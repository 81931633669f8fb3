from __future__ import annotations

import json
from pathlib import Path

from tests.mutation.__main__ import known_verdicts
from tests.mutation.targets import mutants_in

FILE = "infra/postgres/sql/example.sql"
MUTANTS = list(mutants_in(FILE, "-- name: one\nselect a from b where c and d;\n"))


def test_a_run_that_goes_on_knows_the_last_verdict_on_each_mutant_that_is_there_still(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    lines = [
        ["survived", FILE, MUTANTS[0].id, None],
        ["killed", FILE, MUTANTS[0].id, "a test"],
        ["killed", FILE, "one: condition: of a line that has changed", "a test"],
    ]
    journal.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (known,) = known_verdicts(journal, MUTANTS)
    assert (known.mutant, known.verdict, known.by) == (MUTANTS[0], "killed", "a test")


def test_without_a_journal_nothing_is_known(tmp_path: Path) -> None:
    assert known_verdicts(None, MUTANTS) == known_verdicts(tmp_path / "none", MUTANTS) == []
