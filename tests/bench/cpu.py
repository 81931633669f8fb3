"""Processor time by process: it says where a turn's cost lies, and stays true on a busy machine."""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int, *, named: str = "") -> float:
    """Processor seconds of a process and all below it, the ended ones too; only of those ``named`` so, if given."""
    stats = {int(place.name): stat for place in Path("/proc").glob("[0-9]*") if (stat := _stat(place)) is not None}
    family, size = {root}, 0
    while size < len(family):
        size = len(family)
        family |= {pid for pid, (_, fields) in stats.items() if int(fields[1]) in family}
    # utime and stime of each, and what its children that have ended left it: cutime and cstime.
    return (
        sum(
            int(ticks)
            for pid in family & stats.keys()
            if stats[pid][0].startswith(named)
            for ticks in stats[pid][1][11:15]
        )
        / _TICK
    )


def _stat(process: Path) -> tuple[str, list[str]] | None:
    """The name, and the fields from the third, the state, on; ``None`` once it is gone."""
    try:
        name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return None
    return name, rest.split()
