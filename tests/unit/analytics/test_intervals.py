"""How sure a figure is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.analytics.intervals import Z, lower_rank, of_mean, of_median, t_quantile, wilson


@given(st.integers(1, 100_000), st.data())
def test_the_ends_of_a_share_are_where_its_test_just_fails(count: int, data: st.DataObject) -> None:
    """Wilson's interval is the set of shares that a score test at 5 % does not refuse."""
    hits = data.draw(st.integers(0, count))
    interval = wilson(hits, count)
    assert interval is not None
    low, high = interval
    assert 0 <= low <= hits / count <= high <= 1
    for end in {low, high} - {0.0, 1.0}:
        score = abs(hits / count - end) / math.sqrt(end * (1 - end) / count)
        assert score == pytest.approx(Z, rel=1e-6)


def test_a_share_of_nothing_has_no_interval() -> None:
    assert wilson(0, 0) is None
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178))  # as published tables have it
    assert wilson(0, 5) == pytest.approx((0.0, 0.4344825))


def test_the_ranks_around_a_median_hold_it_with_95_percent_and_no_narrower_ones_do() -> None:
    for count in range(1, 200):
        tails = [sum(math.comb(count, k) for k in range(rank)) / 2**count for rank in range(count // 2 + 2)]
        assert lower_rank(count) == max(rank for rank, tail in enumerate(tails) if tail <= 0.025)
    assert lower_rank(5) == 0
    # The published ranks for a thousand are 469 and 532.
    assert lower_rank(1000) == 469


def test_the_interval_of_a_median_stands_at_those_ranks() -> None:
    assert of_median(np.arange(1.0, 11.0)) == (2.0, 9.0)
    assert of_median(np.arange(5.0)) is None


def test_the_interval_of_a_mean_is_students_and_never_below_zero() -> None:
    assert of_mean(4, 2.5, float(np.std([1.0, 2.0, 3.0, 4.0], ddof=1))) == pytest.approx((0.4457397, 4.5542603))
    assert of_mean(2, 5.0, float(np.std([0.0, 10.0], ddof=1))) == pytest.approx((0.0, 68.531), abs=1e-2)
    assert of_mean(1, 1.0, 0.0) is None


def test_students_points_are_those_of_scipy() -> None:
    from scipy.special import stdtrit

    for freedom in (*range(1, 60), 100, 1000, 10**6):
        assert t_quantile(freedom) == pytest.approx(float(stdtrit(freedom, 0.975)), rel=5e-6)
