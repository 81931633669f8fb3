"""The list of cases is whole, and each says what it shows."""

from __future__ import annotations

import pytest

from tests.chaos.__main__ import main
from tests.chaos.faults import FAULTS
from tests.chaos.mixed import drawn
from tests.chaos.scene import CASES

WANTED = {*range(1, 17), 19, 20}


def test_every_fault_of_the_list_has_a_case() -> None:
    assert {number for case in CASES.values() for number in case.numbers} == WANTED


async def test_the_list_names_every_case_and_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert await main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(case.name in told and case.summary and case.summary in told for case in CASES.values())


def test_the_same_seed_draws_the_same_faults_and_every_kind_comes() -> None:
    first, again, other = (drawn(FAULTS, 60, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 60
    assert {fault.kind for fault in first} == {fault.kind for fault in FAULTS}
