"""How fast messages leave from our number: a place each, none forgotten, nobody kept in the line for long."""

from __future__ import annotations

import pytest

from channels.whatsapp.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_leaves_at_once_and_then_each_waits_for_its_place(clock: Clock) -> None:
    pace = Pace(2.0, burst=3, clock=clock)
    assert [round(pace.reserve()[0], 3) for _ in range(6)] == [0.0, 0.0, 0.0, 0.5, 1.0, 1.5]


def test_a_place_too_far_away_is_not_taken(clock: Clock) -> None:
    pace = Pace(1.0, burst=1, patience=2.0, clock=clock)
    assert [pace.reserve() for _ in range(5)] == [(0.0, True), (1.0, True), (2.0, True), (3.0, False), (3.0, False)]
    clock.now += 3.0
    assert pace.reserve() == (0.0, True)


def test_after_a_rest_no_more_than_a_burst_leaves(clock: Clock) -> None:
    pace = Pace(1.0, burst=2, clock=clock)
    clock.now += 3_600
    assert [pace.reserve()[0] for _ in range(3)] == [0.0, 0.0, 1.0]


async def test_while_the_provider_wants_a_rest_everybody_is_put_off(clock: Clock) -> None:
    pace = Pace(100.0, clock=clock)
    pace.close(60.0)
    assert await pace.turn() == 60.0
    pace.close(5.0)
    assert await pace.turn() == 60.0, "a shorter rest does not end a longer one"
    clock.now += 60.0
    assert await pace.turn() == 0.0


async def test_a_near_place_is_waited_for(clock: Clock) -> None:
    pace = Pace(100.0, burst=1, clock=clock)
    assert [await pace.turn() for _ in range(3)] == [0.0, 0.0, 0.0]
