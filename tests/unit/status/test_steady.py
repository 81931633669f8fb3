"""A component follows its checks, but not each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from infra.status.components import State, worse
from infra.status.steady import BETTER, WORSE, Standing, steady

START = datetime(2026, 11, 1, tzinfo=UTC)
DOWN: list[State] = ["down"] * WORSE


def at(check: int) -> datetime:
    return START + timedelta(seconds=30 * check)


def after(*said: State) -> Standing:
    standing: Standing | None = None
    for number, one in enumerate(said):
        standing = steady(standing, one, at(number))
    assert standing is not None
    return standing


def test_one_failed_check_changes_nothing() -> None:
    assert after("operational", "down", "operational", "down", "down", "operational").state == "operational"


def test_an_outage_is_dated_back_to_its_first_failed_check() -> None:
    standing = after("operational", "operational", "down", "down", "down")
    assert (standing.state, standing.since, standing.troubled_since) == ("down", at(2), at(2))


def test_it_is_over_with_the_second_good_check_in_a_row_and_dated_back_to_the_first() -> None:
    assert after(*DOWN, "operational", "down", "operational").state == "down"
    standing = after(*DOWN, "operational", "operational")
    assert (standing.state, standing.since, standing.troubled_since) == ("operational", at(3), None)


def test_trouble_goes_on_while_it_only_changes_its_degree_or_nothing_can_be_seen() -> None:
    standing = after(*DOWN, "unknown", "degraded", "down", "down", "down")
    assert (standing.state, standing.troubled_since) == ("down", at(0))


def test_what_was_never_seen_to_work_is_not_in_trouble_before_several_checks_say_so() -> None:
    assert after("down", "down").state == "unknown"
    assert after("down", "operational").state == "operational", "a product that has just started"
    standing = after("down", "degraded", "down")
    assert (standing.state, standing.since) == ("down", at(0))


@given(st.lists(st.sampled_from(["operational", "degraded", "down"]), min_size=1, max_size=40))
def test_whatever_is_said_a_change_has_enough_checks_in_a_row_behind_it(said: list[State]) -> None:
    standing: Standing | None = None
    for number, one in enumerate(said):
        before, standing = standing, steady(standing, one, at(number))
        if before is None or before.state == standing.state:
            continue
        if before.state == "unknown" and standing.state == "operational":
            continue
        needed = WORSE if before.state == "unknown" or worse(standing.state, before.state) else BETTER
        last = said[number + 1 - needed : number + 1]
        assert len(last) == needed
        assert all(other != before.state for other in last)
        assert standing.since == at(number + 1 - needed)
        assert (standing.troubled_since is None) == (standing.state == "operational")
