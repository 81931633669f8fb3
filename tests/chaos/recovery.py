"""How long it took until all was well again, by kind of fault, from what the product itself has written.

- A killed worker: from the kill to the commit, by whoever took over, of each case that it held. A case whose next
  holder was killed or stopped too counts from that later fault only: every fault is measured by itself.
- A stopped worker (SIGSTOP): the same, from the stop. Its cases are freed by the lease, not by its going on.
- A killed sender: from the kill until each text that it had claimed was settled (sent, or declared unknown).
- Everything else: from the moment the fault is over (for PostgreSQL: accepts connections again) to the next turn that
  the product commits.

Times are ``events.at``: the server's clock at the beginning of the committing transaction, some milliseconds before its
end. The server and this process share one machine and so one clock.
"""

from __future__ import annotations

import asyncio
import math
import signal
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from infra.postgres.queries import parse
from tests.chaos.stage import Stage

_SQL = parse("""
-- name: held
select case_id from case_work where lease_holder like %(holder)s and leased_until is not null
-- name: claimed
select id from outbox where claimed_by like %(holder)s and state = 'sending'
-- name: commits
-- What ends a turn, whoever ran it.
select case_id, at from events
where kind in ('turn.answered', 'turn.withheld', 'turn.dead', 'escalation.opened', 'case.taken_over')
order by at
-- name: settlements
select id, settled_at from outbox where settled_at is not null
""")
_LAST_BREATH = 0.15
"""Seconds in which the server ends, one way or the other, what a killed client had asked of it."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One fault. ``over`` is when it was over; a kill is over at once."""

    kind: str
    over: datetime
    cases: tuple[UUID, ...] = ()
    """What a killed or stopped worker held."""
    texts: tuple[UUID, ...] = ()
    """What a killed sender had claimed."""


@dataclass
class Recoveries:
    """The run's incidents, and what can be said about them afterwards."""

    incidents: list[Incident] = field(default_factory=list)

    def note(self, kind: str, over: datetime | None = None) -> None:
        """A fault that is over now, or was at that time."""
        self.incidents.append(Incident(kind, over or datetime.now(UTC)))

    async def kill(self, stage: Stage, name: str, kind: str | None = None) -> None:
        """kill -9 of one of the product's processes; what it held is noted. Returns when it was started again."""
        holder = f"%/{stage.product.pid(name)}/%"
        at = datetime.now(UTC)
        await stage.product.kill(name)
        await self._note_held(stage, kind or f"kill {name.partition(' ')[0]}", at, holder)

    async def stop(self, stage: Stage, name: str) -> None:
        """SIGSTOP of a worker; what it held is noted."""
        at = datetime.now(UTC)
        stage.product.signal(name, signal.SIGSTOP)
        await self._note_held(stage, "stop worker", at, f"%/{stage.product.pid(name)}/%")

    async def _note_held(self, stage: Stage, kind: str, at: datetime, holder: str) -> None:
        await asyncio.sleep(_LAST_BREATH)
        cases = [row["case_id"] for row in await stage.rows(_SQL["held"], holder=holder)]
        texts = [row["id"] for row in await stage.rows(_SQL["claimed"], holder=holder)]
        self.incidents.append(Incident(kind, at, tuple(cases), tuple(texts)))

    async def seconds(self, stage: Stage) -> dict[str, list[float]]:
        """Seconds to recovery by kind of fault, in the order of the incidents."""
        commits = [(row["case_id"], row["at"]) for row in await stage.rows(_SQL["commits"])]
        settled = {row["id"]: row["settled_at"] for row in await stage.rows(_SQL["settlements"])}
        return seconds(self.incidents, commits, settled)


def seconds(
    incidents: Sequence[Incident], commits: Sequence[tuple[UUID, datetime]], settled: Mapping[UUID, datetime]
) -> dict[str, list[float]]:
    """Pure part of ``Recoveries.seconds``: ``commits`` in order of time."""
    by_case: dict[UUID, list[datetime]] = defaultdict(list)
    for case_id, at in commits:
        by_case[case_id].append(at)
    took: dict[str, list[float]] = defaultdict(list)
    for number, incident in enumerate(incidents):
        if not incident.cases and not incident.texts:
            if "worker" in incident.kind or "sender" in incident.kind:
                continue  # it held nothing, so there was nothing to recover
            after = [at for _, at in commits if at > incident.over]
            took[incident.kind] += [_between(incident.over, after[0])] if after else []
        for case_id in incident.cases:
            after = [at for at in by_case[case_id] if at > incident.over]
            killed_again = any(
                case_id in later.cases and (not after or later.over < after[0]) for later in incidents[number + 1 :]
            )
            if after and not killed_again:
                took[incident.kind].append(_between(incident.over, after[0]))
        took[incident.kind] += [_between(incident.over, settled[text]) for text in incident.texts if text in settled]
    return {kind: values for kind, values in took.items() if values}


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of all does not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def summary(took: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """p50, p99 and how many, by kind of fault."""
    return {
        kind: {
            "n": len(values),
            "p50": round(quantile(values, 0.5), 2),
            "p99": round(quantile(values, 0.99), 2),
        }
        for kind, values in sorted(took.items())
    }


def _between(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds()
