from __future__ import annotations

import pytest

from evals.loadtest.statements import durations, names
from infra.postgres.queries import load

PREFIX = "2026-01-02 03:04:05.678 UTC"


def logged(process: int, milliseconds: float, step: str, text: str) -> list[str]:
    first, *further = text.split("\n")
    return [
        f"{PREFIX} [{process}] LOG:  duration: {milliseconds} ms  {step}: {first}",
        *(f"\t{line}" for line in further),
    ]


def test_a_statement_of_several_lines_is_known_by_its_name() -> None:
    text = load("leases")["claim_due"].replace("%(limit)s", "$1").replace("%(holder)s", "$2").replace("%(lease)s", "$3")
    found = durations(logged(7, 1.5, "execute _pg3_4", text), names())
    assert list(found) == ["leases.claim_due"]
    assert found["leases.claim_due"].longest == pytest.approx(0.0015)


def test_parsing_and_planning_count_for_the_statement_that_they_were_for() -> None:
    lines = [
        *logged(7, 1.0, "parse <unnamed>", "select 1"),
        *logged(8, 5.0, "parse <unnamed>", "select 2"),
        *logged(7, 2.0, "bind <unnamed>", "select 1"),
        *logged(7, 3.0, "execute <unnamed>", "select 1"),
    ]
    found = durations(lines, {"select 1": "a.one"})
    assert {name: histogram.longest for name, histogram in found.items()} == {"a.one": pytest.approx(0.006)}


def test_what_is_not_ours_is_named_by_its_first_words() -> None:
    found = durations(logged(7, 0.1, "statement", "INSERT INTO checkpoints (a) VALUES (1)"), {})
    assert list(found) == ["[insert into checkpoints (a)]"]


def test_a_statement_that_was_composed_is_known_by_what_it_was_composed_from() -> None:
    known = {"select {column} from {table} where id = $1": "a.find"}
    assert list(durations(logged(7, 0.1, "execute x", "select b\n  from c where id = $1"), known)) == ["a.find"]


def test_other_lines_of_the_log_are_passed_over() -> None:
    lines = [f"{PREFIX} [7] LOG:  checkpoint starting: time", "\tand more", "no date at all"]
    assert durations(lines, {}) == {}


def test_every_statement_has_a_name_of_its_own() -> None:
    known = names()
    assert len(known) > 100
    assert "inbox.insert_message" in known.values()
    assert not any("%(" in text for text in known)
