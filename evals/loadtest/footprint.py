"""What a running product takes of its machine: memory by process, connections by holder, and the way of messages.

Everything is looked at from outside: ``/proc`` and the database's own views.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from uuid import UUID

from evals.loadtest.histogram import Histogram
from infra.postgres.database import Database
from infra.postgres.queries import parse

_MB = 2**20


@dataclass(frozen=True, slots=True)
class Machine:
    """What everything ran on, the load included."""

    cores: int
    memory_gb: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """At one moment: resident megabytes by process, and connections by the application that they name."""

    memory_mb: dict[str, float]
    connections: dict[str, int]


class Watcher:
    """Looks at one product.

    Args:
        database: the product's.
        processes: process ids by name.
    """

    def __init__(self, database: Database, processes: Mapping[str, int]) -> None:
        self._database = database
        self._processes = processes
        self._sql = parse(files("evals.loadtest").joinpath("footprint.sql").read_text(encoding="utf-8"))

    async def look(self) -> Footprint:
        """Now."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["connections"])).fetchall()
        return Footprint(
            memory_mb={name: resident_mb(process) for name, process in self._processes.items()},
            connections={row["application"]: row["connections"] for row in rows},
        )

    async def sent_since(self, moment: datetime) -> Histogram:
        """From the commit of each message that came in since then until its answer was handed to its channel."""
        # Ids of version 7 begin with their time: the primary key finds them among a million.
        first = UUID(int=int(moment.astimezone(UTC).timestamp() * 1000) << 80)
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["sent_since"], {"first": first})).fetchall()
        return Histogram(row["seconds"] for row in rows)


def resident_mb(process: int) -> float:
    """Resident memory; 0 for a process that is gone."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / _MB, 1)


def this_machine() -> Machine:
    """The cores and the memory that this process may use."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(cores, round(memory / 2**30, 1))
