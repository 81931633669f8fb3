"""What the public reads, as one document: published by the scheduler, served by whoever has it.

It is plain data and holds nothing of a customer's, so it can lie in a file, in a cache, or on another machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.status.components import BY_ID, Impact, Phase, Severity, Shown, State
from infra.status.uptime import Kind
from skills.errors import ConfigurationError

LARGEST = 4 * 1_048_576
"""Bytes of a snapshot at most; what is larger is none."""
OLD = timedelta(minutes=3)
"""After so long without a new one it counts as old: several rounds of the checks were missed."""

Reach = Literal["fresh", "old", "not_ready", "unreachable"]
"""What whoever serves it could see: all is as it should be; the snapshot is old; the service answers, but says that it
can't work; the service does not answer."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Day(_Model):
    """A day of a component: seconds, and the uptime between 0 and 1."""

    day: date
    kind: Kind
    uptime: float | None
    operational: int = 0
    degraded: int = 0
    down: int = 0
    maintenance: int = 0


class PublicComponent(_Model):
    """A component."""

    id: str
    name: str
    about: str
    state: Shown
    uptime: float | None = Field(description="Of the days together, between 0 and 1; null without data")
    days: tuple[Day, ...] = ()


class Update(_Model):
    """What staff wrote about an incident."""

    id: UUID
    at: datetime
    phase: Phase
    text: str


class Incident(_Model):
    """A published incident. The newest update comes first."""

    id: UUID
    title: str
    severity: Severity
    impact: Impact
    components: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None
    updates: tuple[Update, ...]
    report: str | None = None
    report_url: str | None = None
    reported_at: datetime | None = None

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        return self.updates[0].phase


class Maintenance(_Model):
    """Planned work."""

    id: UUID
    title: str
    text: str
    components: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    announced_at: datetime
    cancelled_at: datetime | None = None

    def phase(self, now: datetime) -> Literal["announced", "in progress", "done", "cancelled"]:
        """Where it stands."""
        if self.cancelled_at is not None:
            return "cancelled"
        if now < self.starts_at:
            return "announced"
        return "in progress" if now < self.ends_at else "done"


class Snapshot(_Model):
    """Everything on the page."""

    format: Literal[1] = 1
    company: str
    made_at: datetime
    components: tuple[PublicComponent, ...] = ()
    incidents: tuple[Incident, ...] = Field((), description="Open ones first, then the newest first")
    maintenance: tuple[Maintenance, ...] = Field((), description="The latest first")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader of the page gets. ``snapshot`` has the states as far as they can be known at ``now``."""

    snapshot: Snapshot
    reach: Reach
    now: datetime


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def shown_state(
    component: str, state: State, incidents: Sequence[Incident], maintenance: Sequence[Maintenance], now: datetime
) -> Shown:
    """What the public reads of a component: planned work before all, then the worse of checks and open incidents."""
    if any(component in one.components and one.phase(now) == "in progress" for one in maintenance):
        return "maintenance"
    impacts = {one.impact for one in incidents if one.ended_at is None and component in one.components}
    if "down" in (state, *impacts):
        return "down"
    if "degraded" in (state, *impacts):
        return "degraded"
    return state


def as_reached(snapshot: Snapshot, reach: Reach) -> Snapshot:
    """The same with what is known of the states now: what can't be seen is unknown, what needs the service is down."""
    if reach == "fresh":
        return snapshot

    def now(line: PublicComponent) -> Shown:
        if line.state == "maintenance":
            return "maintenance"
        if reach == "not_ready":
            return "down"  # without its database it takes no message, answers nothing and delivers nothing
        known = BY_ID.get(line.id)
        return "down" if reach == "unreachable" and known is not None and known.over_http else "unknown"

    lines = tuple(line.model_copy(update={"state": now(line)}) for line in snapshot.components)
    return snapshot.model_copy(update={"components": lines})


def newer(one: Snapshot | None, other: Snapshot | None) -> Snapshot | None:
    """That of the two that was made last."""
    if one is None or other is None:
        return one or other
    return other if other.made_at > one.made_at else one


def parsed(data: bytes | str) -> Snapshot | None:
    """The snapshot that this is; ``None`` when it is none."""
    if len(data) > LARGEST:
        return None
    try:
        return Snapshot.model_validate_json(data)
    except ValidationError:
        return None


def written(snapshot: Snapshot) -> str:
    """As JSON, as it is served and kept."""
    return json.dumps(snapshot.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))


def read(path: Path) -> Snapshot | None:
    """The snapshot in a file; ``None`` when there is none, or it is damaged."""
    try:
        with path.open("rb") as file:
            return parsed(file.read(LARGEST + 1))
    except OSError:
        return None


def write(path: Path, text: str) -> None:
    """Put it there whole or not at all: whoever reads meanwhile reads the one before.

    Raises:
        ConfigurationError: it can't be written there.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise ConfigurationError(
            f"{path} can't be written: {error.strerror or type(error).__name__}",
            hint="choose another place: CSAGENT_STATUS__FILE, or --to",
        ) from None
