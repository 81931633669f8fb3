"""Recovery times are measured from the fault to what the product did next, and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.chaos.recovery import Incident, quantile, seconds, summary

ONE, OTHER = uuid4(), uuid4()


def at(second: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def test_a_kill_lasts_until_each_case_that_was_held_is_committed() -> None:
    commits = [(ONE, at(9)), (OTHER, at(12)), (ONE, at(14)), (OTHER, at(17)), (ONE, at(30))]
    assert seconds([Incident("kill worker", at(10), (ONE, OTHER))], commits, {}) == {"kill worker": [4.0, 2.0]}


def test_a_kill_whose_next_holder_was_killed_too_counts_from_the_later_one() -> None:
    killed = [Incident("kill worker", at(10), (ONE,)), Incident("kill worker", at(15), (ONE,))]
    assert seconds(killed, [(ONE, at(21))], {}) == {"kill worker": [6.0]}


def test_a_kill_that_took_nothing_with_it_measures_nothing() -> None:
    assert seconds([Incident("kill worker", at(10))], [(ONE, at(11))], {}) == {}


def test_a_killed_sender_lasts_until_what_it_had_claimed_is_settled() -> None:
    assert seconds([Incident("kill sender", at(10), texts=(ONE,))], [], {ONE: at(40)}) == {"kill sender": [30.0]}


def test_any_other_fault_lasts_until_the_next_commit() -> None:
    assert seconds([Incident("postgres restart", at(10))], [(ONE, at(9)), (OTHER, at(11.5))], {}) == {
        "postgres restart": [1.5]
    }


def test_quantiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert quantile([], 0.99) == 0.0
    assert summary({"kill worker": [5.0, 6.0]}) == {"kill worker": {"n": 2, "p50": 5.0, "p99": 6.0}}
