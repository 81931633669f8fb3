"""A short chaos run, seeded: real processes and servers, one fault after the other, the same judge as the long run."""

from __future__ import annotations

import pytest

from tests.chaos.run import Run


# These seeds draw no fault that is waited out for half a minute (a sender's claims); `make chaos` has them all.
@pytest.mark.early
@pytest.mark.timeout(300)
async def test_nothing_is_lost_reordered_doubled_or_hidden_while_everything_fails_in_turn() -> None:
    report = await Run(messages=100, faults=5, seed=176).report()
    assert _wrong(report) == {}
    assert report["faults"] == 5
    assert report["messages"] >= 100
    assert report["answered"] + report["waiting"] + report["dead"] == report["messages"]


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_the_same_holds_where_there_is_no_redis() -> None:
    report = await Run(messages=100, faults=3, seed=876, redis=False).report()
    assert _wrong(report) == {}
    assert report["answered"] + report["waiting"] + report["dead"] == report["messages"]


def _wrong(report: dict[str, object]) -> dict[str, object]:
    counted = ("lost", "reordered", "doubled", "unknown_hidden", "untexted")
    return {name: report[name] for name in counted if report[name]}
