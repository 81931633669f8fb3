from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.loadtest.arrivals import Profile, Stretch, burst, ramp, steady
from skills.errors import BadRequestError

RATES = st.floats(0.1, 200)
PROFILES = st.builds(
    lambda stretches: Profile(tuple(stretches)),
    st.lists(st.builds(Stretch, st.floats(0.5, 20), RATES, RATES), min_size=1, max_size=4),
)


@given(PROFILES)
def test_even_arrivals_are_as_many_as_the_rate_adds_up_to(profile: Profile) -> None:
    times = list(profile.arrivals(poisson=False, seed=1))
    assert abs(len(times) - profile.messages) <= 1


@given(PROFILES, st.booleans(), st.integers(0, 100))
def test_arrivals_come_in_order_and_within_the_run(profile: Profile, poisson: bool, seed: int) -> None:
    times = list(profile.arrivals(poisson=poisson, seed=seed))
    assert all(a <= b for a, b in pairwise(times))
    assert all(0 <= at <= profile.seconds * (1 + 1e-9) for at in times)
    assert times == list(profile.arrivals(poisson=poisson, seed=seed))


def test_poisson_arrivals_have_the_rate_and_its_scatter() -> None:
    times = list(steady(50, 400).arrivals(poisson=True, seed=3))
    gaps = [b - a for a, b in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(1 / 50, rel=0.05)
    assert deviation == pytest.approx(mean, rel=0.05)


def test_a_metronome_has_no_scatter() -> None:
    assert list(steady(4, 1).arrivals(poisson=False, seed=1)) == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_a_ramp_is_denser_at_its_end() -> None:
    times = list(ramp(0, 100, 10).arrivals(poisson=False, seed=1))
    assert len(times) == 500
    assert sum(at <= 5 for at in times) == 125


def test_a_burst_is_in_the_middle() -> None:
    times = list(burst(10, 30, height=100, length=10).arrivals(poisson=False, seed=1))
    assert sum(10 < at <= 20 for at in times) == pytest.approx(1000, abs=1)
    assert len(times) == pytest.approx(1200, abs=1)


@pytest.mark.parametrize("make", [lambda: steady(0, 1), lambda: ramp(-1, 1, 1), lambda: steady(1, 0)])
def test_no_load_at_all_is_refused(make: object) -> None:
    with pytest.raises(BadRequestError):
        make()  # type: ignore[operator] # a parameter


def test_a_burst_longer_than_its_run_is_refused() -> None:
    with pytest.raises(BadRequestError):
        burst(1, 10, height=5, length=10)
