"""What the status page has a line for, and the words for how it stands. Fixed here: checks are code, too."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

State = Literal["operational", "degraded", "down", "unknown"]
"""What checks, or a person over them, say of a component. ``unknown``: nothing could be looked at."""
Shown = Literal["operational", "degraded", "down", "unknown", "maintenance"]
"""What the public reads."""
Impact = Literal["degraded", "down"]
"""What an incident does to its components."""
Severity = Literal["P1", "P2", "P3", "P4"]
Phase = Literal["investigating", "identified", "monitoring", "resolved"]

IMPACTS: tuple[Impact, ...] = get_args(Impact)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
PHASES: tuple[Phase, ...] = get_args(Phase)
STATES: tuple[State, ...] = get_args(State)

_RANK: dict[State, int] = {"unknown": -1, "operational": 0, "degraded": 1, "down": 2}


@dataclass(frozen=True, slots=True)
class Component:
    """One line of the page. ``needs`` is the channel that has to be set up for it; ``None``: it is always there."""

    id: str
    name: str
    about: str
    needs: str | None = None
    over_http: bool = True
    """Whether customers or staff reach it through the API, so that it is down where the API does not answer."""


COMPONENTS: tuple[Component, ...] = (
    Component("chat", "Chat", "Writing to us and reading answers on the website"),
    Component("form", "Contact form", "Sending a request and following it by its link"),
    Component("email", "Email", "Mail to us and from us", needs="email", over_http=False),
    Component("whatsapp", "WhatsApp", "Messages to us and from us", needs="whatsapp"),
    Component("agent", "Answers by the assistant", "Automatic answers, usually within seconds", over_http=False),
    Component("people", "Answers by people", "What a person looks at before it is sent", over_http=False),
    Component("console", "Console", "Where our staff work"),
)
BY_ID = {component.id: component for component in COMPONENTS}


def components_of(channels: Collection[str]) -> tuple[Component, ...]:
    """The lines of an installation with these channels."""
    return tuple(one for one in COMPONENTS if one.needs is None or one.needs in channels)


def worst(states: Collection[State]) -> State:
    """The worst that is known; ``unknown`` when nothing is."""
    return max(states, key=_RANK.__getitem__, default="unknown")


def worse(one: State, other: State) -> bool:
    """Whether the first is worse than the second. Not to know is neither."""
    return _RANK[one] > _RANK[other] and other != "unknown"
