"""Hysteresis: a component's state follows its checks only when several in a row say so.

One failed check changes nothing. When the state does change, it is dated back to the first check that said so: nothing
of an outage is lost by having waited.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from infra.status.components import State, worse

WORSE = 3
"""Checks in a row that make a component worse."""
BETTER = 2
"""Checks in a row that make it better again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a component stands, and what its last checks hint at.

    Attributes:
        state: as it counts.
        since: when it began.
        run: checks in a row that said otherwise, all worse or all better.
        run_worse: which of the two.
        run_since: when the run began; ``None`` without one.
        troubled_since: when it was last operational, if it is not now.
    """

    state: State
    since: datetime
    run: int = 0
    run_worse: bool = False
    run_since: datetime | None = None
    troubled_since: datetime | None = None


def steady(standing: Standing | None, said: State, now: datetime) -> Standing:
    """How it stands after a check.

    Args:
        standing: before; ``None`` when it was never checked.
        said: what the check says. ``unknown`` is believed at once: a check that saw nothing claims nothing. So is a
            good word after it; trouble is not, for the first check of a product that just starts may come before the
            first sign of life of what it checks.
        now: when it was checked.
    """
    if standing is None:
        standing = Standing("unknown", now)
    if said == standing.state:
        return replace(standing, run=0, run_since=None)
    if said == "unknown" or (standing.state == "unknown" and said == "operational"):
        return _turned(said, now, standing.troubled_since)
    is_worse = standing.state == "unknown" or worse(said, standing.state)
    goes_on = standing.run_since is not None and standing.run_worse == is_worse
    run, since = (standing.run + 1, standing.run_since or now) if goes_on else (1, now)
    if run >= (WORSE if is_worse else BETTER):
        return _turned(said, since, standing.troubled_since)
    return replace(standing, run=run, run_worse=is_worse, run_since=since)


def _turned(state: State, since: datetime, troubled_since: datetime | None) -> Standing:
    troubled = state in {"degraded", "down"}
    # Where nothing could be seen for a while, trouble goes on; it ends with a good word only.
    kept = (troubled_since or since) if troubled else troubled_since if state == "unknown" else None
    return Standing(state, since, troubled_since=kept)
