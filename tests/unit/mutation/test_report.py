from __future__ import annotations

import pytest

from tests.mutation import accepted
from tests.mutation.campaign import Result
from tests.mutation.mutant import Mutant
from tests.mutation.report import document, figures
from tests.mutation.targets import mutants

FILE = "infra/postgres/sql/leases.sql"


def a_mutant(after: str) -> Mutant:
    return Mutant(FILE, "claim", "condition", "a = b", after, f"select {after};")


KILLED, KNOWN, NEW, INVALID = (a_mutant(after) for after in ("x", "y", "z", "no grammar"))
RESULTS = [Result(KILLED, "killed", "t.py::test_it"), Result(KNOWN, "survived", None), Result(NEW, "survived", None)]
REASONS = {(FILE, KNOWN.id): "Nobody can see it."}


def test_what_was_not_tried_is_invalid_and_what_has_a_reason_is_accepted() -> None:
    told = figures([KILLED, KNOWN, NEW, INVALID], RESULTS, REASONS)
    assert {name: told[name] for name in ("mutants", "invalid", "killed", "timeout", "survived", "accepted")} == {
        "mutants": 4,
        "invalid": 1,
        "killed": 1,
        "timeout": 0,
        "survived": 2,
        "accepted": 1,
    }
    assert told["modules"][FILE]["survived"] == 2


def test_the_document_has_each_survivor_with_its_change_and_its_reason() -> None:
    text = document(figures([KILLED, KNOWN, NEW], RESULTS, REASONS), RESULTS, REASONS)
    assert "- `claim`: `a = b` → `y`  \n  Nobody can see it." in text
    assert "- `claim`: `a = b` → `z`  \n  **no reason yet**" in text
    assert "`x`" not in text


def test_a_reason_whose_mutant_is_killed_or_gone_is_stale() -> None:
    keys = {FILE: (FILE, "kept"), "killed": (FILE, "killed"), "gone": (FILE, "gone"), "elsewhere": ("b.sql", "other")}
    reasons = dict.fromkeys(keys.values(), "Why.")
    there = {keys[FILE], keys["killed"]}
    assert accepted.stale(reasons, there=there, killed={keys["killed"]}, files={FILE}) == [keys["killed"], keys["gone"]]


@pytest.mark.parametrize(
    "text",
    [
        '[["a.sql"]]\nmutant = "m"\nreason = " "',
        '[["a.sql"]]\nmutant = "m"\nreason = "r"\n[["a.sql"]]\nmutant = "m"\nreason = "s"',
    ],
)
def test_an_entry_without_a_reason_or_one_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="stands twice or has no reason"):
        accepted.read(text)


def test_every_reason_belongs_to_a_mutant_that_there_is() -> None:
    reasons = accepted.read(accepted.FILE.read_text(encoding="utf-8"))
    assert set(reasons) - {(mutant.file, mutant.id) for mutant in mutants()} == set()
