"""The capacity plan as a page of Markdown, out of what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from evals.loadtest.capacity import Limits, Step
from evals.loadtest.footprint import Footprint, Machine
from evals.loadtest.histogram import Histogram
from evals.loadtest.record import Record, milliseconds

USE = 0.6
"""How much of its capacity a service should be asked for."""

_SHOWN = 15
_SECOND = 1000.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that the plan is made of.

    Attributes:
        machine: what it ran on.
        workers: worker processes.
        history: messages and cases that were in the database before.
        settle_seconds: of the web channel.
        limits: what had to hold.
        steps: every rate that was tried, and for how many seconds each.
        step_seconds: see there.
        capacity: the highest rate that held.
        load: the run at ``USE`` of it.
        sent: from each message's commit to the channel's provider, in that run.
        footprint: in the middle of that run.
        statements: what PostgreSQL's statements took in another such run; empty where nobody looked.
    """

    machine: Machine
    workers: int
    history: tuple[int, int]
    settle_seconds: float
    limits: Limits
    steps: Sequence[Step]
    step_seconds: float
    capacity: float
    load: Record
    sent: Histogram
    footprint: Footprint
    statements: Mapping[str, Histogram]

    def figures(self) -> dict[str, Any]:
        """As JSON. Milliseconds, megabytes."""
        return {
            "cores": self.machine.cores,
            "memory_gb": self.machine.memory_gb,
            "workers": self.workers,
            "history_messages": self.history[0],
            "history_cases": self.history[1],
            "capacity_per_s": round(self.capacity, 2),
            "capacity_per_worker_per_s": round(self.capacity / self.workers, 2),
            "load": self.load.summary(),
            "to_provider_ms": milliseconds(self.sent),
            "connections": self.footprint.connections,
            "connections_total": sum(self.footprint.connections.values()),
            "memory_mb": self.footprint.memory_mb,
            "statements_p95_ms": {
                name: round(histogram.percentile(95) * 1000, 2) for name, histogram in sorted(self.statements.items())
            },
            "slowest_statement_p95_ms": round(max(map(_p95, self.statements.values()), default=0.0) * 1000, 2),
        }


def plan(measured: Measured) -> str:
    """The page."""
    environment = Environment(  # noqa: S701 - Markdown of our own figures
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = files("evals.loadtest").joinpath("capacity.md.jinja").read_text(encoding="utf-8")
    per_worker = measured.capacity / measured.workers
    workers = [size for name, size in measured.footprint.memory_mb.items() if name.startswith("worker")]
    slowest = sorted(measured.statements.items(), key=lambda item: -_p95(item[1]))[:_SHOWN]
    return environment.from_string(text).render(
        day=datetime.now(UTC).date().isoformat(),
        machine=measured.machine,
        workers=measured.workers,
        history={"messages": measured.history[0], "cases": measured.history[1]},
        settle=f"{measured.settle_seconds:g}",
        limits=measured.limits,
        steps=measured.steps,
        step_seconds=measured.step_seconds,
        capacity=f"{measured.capacity:.1f}",
        per_worker=f"{per_worker:.1f}",
        workers_for_ten=math.ceil(10 / (USE * per_worker)) + 1,
        load=measured.load.summary(),
        sent=milliseconds(measured.sent),
        memory=measured.footprint.memory_mb,
        worker_memory=round(max(workers, default=0.0)),
        connections=measured.footprint.connections,
        statements=[
            {"name": name, "calls": len(histogram), **milliseconds(histogram, (50.0, 95.0, 99.0))}
            for name, histogram in slowest
        ],
        ms=told,
    )


def told(value: float) -> str:
    """Milliseconds as one would say them: ``4.1 ms``, ``620 ms``, ``1.8 s``."""
    if value >= _SECOND:
        return f"{value / _SECOND:.1f} s"
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"  # noqa: PLR2004 - two digits are enough


def _p95(histogram: Histogram) -> float:
    return histogram.percentile(95)
