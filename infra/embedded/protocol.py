"""What a program and its keeper say to each other: one request, then events, each one line of JSON.

The request goes to the keeper's standard input, which then stays open: its end is the wish to stop, however it came.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """Which servers to keep, and how."""

    folder: str
    system_folder: str
    postgres: str
    redis: str | None
    label: str
    durable: bool
    join: bool
    postgres_port: int | None
    redis_port: int | None
    start_seconds: float
    stop_seconds: float

    def encode(self) -> bytes:
        """Write it as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Request:
        """Read what ``encode`` wrote."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Progress:
    """Something that a person may want to know."""

    text: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The servers answer."""

    folder: str
    database_url: str
    redis_url: str | None
    joined: bool
    """They were running already; whoever started them will stop them."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The servers don't run, or no longer: the last word of a keeper."""

    message: str
    hint: str | None


Event = Progress | Ready | Failed

_EVENTS: dict[str, type[Event]] = {"progress": Progress, "ready": Ready, "failed": Failed}


def encode(event: Event) -> bytes:
    """Write an event as one line."""
    return json.dumps({"event": type(event).__name__.lower(), **asdict(event)}).encode() + b"\n"


def decode(line: bytes) -> Event:
    """Read what ``encode`` wrote."""
    fields: dict[str, Any] = json.loads(line)
    return _EVENTS[fields.pop("event")](**fields)
