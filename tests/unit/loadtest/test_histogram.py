from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.loadtest.histogram import PERCENTILES, Histogram

DURATIONS = st.lists(st.integers(0, 10**10).map(lambda microseconds: microseconds / 1e6), min_size=1, max_size=300)


def exact(values: list[float], percent: float) -> float:
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


@given(DURATIONS, st.sampled_from(PERCENTILES))
def test_a_percentile_is_the_exact_one_within_a_hundredth(values: list[float], percent: float) -> None:
    expected = exact(values, percent)
    assert Histogram(values).percentile(percent) == pytest.approx(expected, rel=0.01, abs=2e-6)


@given(DURATIONS)
def test_no_percentile_is_above_the_longest_and_the_last_one_is_it(values: list[float]) -> None:
    found = Histogram(values).percentiles()
    assert found == sorted(found)
    assert found[-1] == max(values) == Histogram(values).longest


@given(DURATIONS, DURATIONS)
def test_merging_counts_what_both_counted(some: list[float], others: list[float]) -> None:
    merged = Histogram(some)
    merged.merge(Histogram(others))
    together = Histogram(some + others)
    assert merged.percentiles() == together.percentiles()
    assert len(merged) == len(some) + len(others)
    assert merged.mean == pytest.approx(together.mean)


def test_an_empty_histogram_has_zeros() -> None:
    assert Histogram().percentiles() == [0.0] * len(PERCENTILES)
    assert Histogram().mean == Histogram().longest == 0.0


def test_a_clock_that_went_back_counts_as_no_time() -> None:
    assert Histogram([-0.5]).percentile(50) == 0.0
    assert Histogram([-0.5]).mean == 0.0
