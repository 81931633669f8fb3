from __future__ import annotations

import pytest

from evals.loadtest.capacity import Limits, Step, find_capacity, step_of
from evals.loadtest.record import Record
from skills.errors import ConflictError


class Service:
    """Holds up to a rate."""

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity

    async def attempt(self, rate: float) -> Step:
        return Step(rate, 100, 10.0, 500.0, 900.0 if rate <= self.capacity else 9000.0, 0.1, 0)


@pytest.mark.parametrize("capacity", [5.0, 7.4, 33.0, 512.0])
async def test_the_capacity_is_found_from_below_within_a_sixteenth(capacity: float) -> None:
    found, steps = await find_capacity(Service(capacity).attempt, start=5.0, limits=Limits())
    assert capacity * 15 / 16 <= found <= capacity
    assert [step.rate for step in steps if step.holds(Limits())][-1] == found


async def test_a_service_that_cannot_even_take_the_first_rate_is_said_to() -> None:
    with pytest.raises(ConflictError, match="5 messages a second is too much already"):
        await find_capacity(Service(1.0).attempt, start=5.0, limits=Limits())


@pytest.mark.parametrize(
    "step",
    [
        Step(1, 10, 1, 1, 2001, 0, 0),
        Step(1, 10, 1, 1, 1, 2.5, 0),
        Step(1, 10, 1, 1, 1, 0, 1),
        Step(1, 0, 0, 0, 0, 0, 0),
    ],
)
def test_slow_replies_a_growing_queue_a_lost_message_or_no_load_do_not_hold(step: Step) -> None:
    assert not step.holds(Limits())


def test_a_step_has_the_records_figures() -> None:
    record = Record(10)
    record.due(1.0, behind=0.0)
    record.acknowledged(1.0, 0.02)
    record.replied(1.0, 0.5, "agent")
    record.late += 1
    step = step_of(2.5, record, 0.25)
    assert (step.rate, step.messages, step.lost, step.oldest_seconds) == (2.5, 1, 1, 0.25)
    assert (step.acknowledge_p99_ms, step.reply_p95_ms) == (20.0, 500.0)
