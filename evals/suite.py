"""What a suite of ``make eval`` is: something that is measured, by name, with what it reports.

A suite reads its public data from the folder that it is given, never from the project and never from the network. Where
its data are absent it is skipped with a line that says so. What it reports are figures with 95 % intervals, each with
the floor that it has to beat where there is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from infra.settings import Settings
from skills.ports import Embedder, StructuredModel


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: ``name`` as in the line of JSON, the 95 % interval where there is one, and the floor to beat.

    ``better`` says on which side of the floor the value has to be. ``stated`` is what a reader is told of it.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    floor: float | None = None
    better: Literal["higher", "lower"] = "higher"
    stated: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value reaches its floor; true where there is none."""
        if self.floor is None:
            return True
        return self.value >= self.floor if self.better == "higher" else self.value <= self.floor


@dataclass(frozen=True, slots=True)
class Report:
    """What a suite found: figures in the order in which they are shown, and remarks for the reader."""

    figures: tuple[Figure, ...]
    remarks: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    """Further numbers for the line of JSON: counts, splits, ablations."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every suite is given."""

    data: Path
    """The folder of public data; a suite looks for its own folder there."""
    embedder: Embedder
    """Remembers vectors by content hash, so that a second run is quick."""
    say: Callable[[str], None]
    """Tells whoever waits how far it is."""
    settings: Settings = field(default_factory=Settings)
    """Those of this machine; a chat model's answers are kept where they say."""
    model: StructuredModel | None = None
    """The chat model of the settings, where there is one; the embedded forms are measured otherwise."""


@dataclass(frozen=True, slots=True)
class Suite:
    """``needs`` are the folders below ``Context.data`` without which it is skipped."""

    name: str
    measures: str
    run: Callable[[Context], Awaitable[Report]]
    needs: tuple[str, ...] = ()
