"""What people are told of, whom, and in which words. Ids, a severity, a channel and times: never a customer's words.

Nothing here reads or writes; ``infra.postgres.alerts`` finds what there is to tell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol
from uuid import UUID

from infra.staff.roles import Role

Kind = Literal[
    "waiting",
    "warned",
    "late",
    "unheeded",
    "moved_on",
    "customer_waits",
    "dead_letter",
    "send_troubled",
    "webhook_gone",
    "status_due",
    "test",
]
"""What has happened:

- ``waiting``: a case waits for a person; ``warned``: its deadline is near; ``late``: it is over;
- ``unheeded``: it is late by as long again as the deadline was;
- ``moved_on``: somebody's claim on it was let go, because nothing came of it;
- ``customer_waits``: a customer has waited too long for whoever owns their case;
- ``dead_letter``: messages were given up; ``send_troubled``: a text failed, or nobody knows whether it went;
- ``webhook_gone``: an endpoint answered 410 and is told nothing more;
- ``status_due``: the status page wants a notice or a report of an incident; ``test``: somebody tries it out.
"""

EVENTS: Mapping[Kind, str] = MappingProxyType(
    {
        "waiting": "escalation.waiting",
        "warned": "escalation.warned",
        "late": "escalation.late",
        "unheeded": "escalation.unheeded",
        "moved_on": "escalation.moved_on",
        "customer_waits": "case.customer_waits",
        "dead_letter": "dead_letter.waiting",
        "send_troubled": "send.troubled",
        "webhook_gone": "webhook.gone",
        "status_due": "status.due",
        "test": "test",
    }
)
"""What each is called on the wire."""

_WORDS: Mapping[Kind, str] = MappingProxyType(
    {
        "waiting": "A case waits for a person",
        "warned": "A case is near its deadline",
        "late": "A case is late",
        "unheeded": "A late case is still waiting",
        "moved_on": "A case waits again: its claim lapsed",
        "customer_waits": "A customer waits for whoever has their case",
        "dead_letter": "The agent gave up on a message",
        "send_troubled": "An answer did not go out",
        "webhook_gone": "A webhook was switched off: its receiver answered 410",
        "status_due": "The status page waits for a word on an incident",
        "test": "A test: alerts get here",
    }
)

_REVIEWERS: Sequence[Role] = ("reviewer", "lead", "admin")
_LEADS: Sequence[Role] = ("lead", "admin", "reviewer")
_ADMINS: Sequence[Role] = ("admin", "lead", "reviewer")
_FIRST: Mapping[Kind, tuple[int, Sequence[Role]]] = MappingProxyType(
    {
        "waiting": (1, _REVIEWERS),
        "warned": (1, _REVIEWERS),
        "moved_on": (1, _REVIEWERS),
        "late": (1, _LEADS),
        "unheeded": (2, _LEADS),
        "customer_waits": (1, _LEADS),
        "dead_letter": (1, _LEADS),
        "send_troubled": (1, _LEADS),
        "webhook_gone": (1, _ADMINS),
        "status_due": (2, _LEADS),
        "test": (0, ()),
    }
)
"""How many roles are told, and in which order they are asked for: where nobody of a role can be reached, the next one
stands in."""

_HOLDERS_TOO = frozenset({"late", "unheeded", "customer_waits"})

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell. ``subject_id`` is the escalation's, dead letter's, text's, endpoint's or incident's."""

    id: UUID
    kind: Kind
    subject_id: UUID
    case_id: UUID | None
    severity: str | None
    channel: str | None
    due_at: datetime | None
    created_at: datetime


class Linked(Protocol):
    """What a link needs of an alert."""

    @property
    def kind(self) -> Kind: ...  # noqa: D102 - as above

    @property
    def subject_id(self) -> UUID: ...  # noqa: D102 - as above

    @property
    def case_id(self) -> UUID | None: ...  # noqa: D102 - as above


@dataclass(frozen=True, slots=True)
class Reachable:
    """Somebody of the staff who has an address."""

    id: UUID
    name: str
    role: Role


def told(kind: Kind, people: Collection[Reachable], *, claimed_by: str | None = None) -> list[Reachable]:
    """Whom of these an alert is for. Nobody is left out in silence: a role without an address is stood in for.

    Args:
        kind: of the alert.
        people: who can be reached at all.
        claimed_by: who is at the case. What is near its deadline is theirs alone; what is late is theirs too.
    """
    holder = [one for one in people if one.name == claimed_by]
    if kind == "warned" and holder:
        return holder
    most, order = _FIRST[kind]
    roles = [role for role in order if any(one.role == role for one in people)][:most]
    chosen = [one for one in people if one.role in roles]
    return chosen + [one for one in holder if kind in _HOLDERS_TOO and one not in chosen]


def raised(severity: str, *, late: bool) -> str:
    """How urgent something is now: what is late counts as one step more than it was opened with."""
    return {"P3": "P2", "P2": "P1"}.get(severity, severity) if late else severity


def link(alert: Linked, base: str) -> str:
    """Where in the console it can be seen to."""
    if EVENTS[alert.kind].startswith("escalation."):
        return f"{base}/review#e/{alert.subject_id}"
    if alert.kind == "status_due":
        return f"{base}/status/manage"
    return f"{base}/review#c/{alert.case_id}" if alert.case_id is not None else f"{base}/alerts"


def payload(alert: Alert, base: str, now: datetime) -> dict[str, Any]:
    """The body of a request, as docs/alerts.md describes it."""
    late = alert.due_at is not None and alert.due_at <= now
    return {
        "type": EVENTS[alert.kind],
        "timestamp": _iso(alert.created_at),
        "data": {
            "id": str(alert.id),
            "subject_id": str(alert.subject_id),
            "case_id": None if alert.case_id is None else str(alert.case_id),
            "severity": alert.severity,
            "urgency": None if alert.severity is None else raised(alert.severity, late=late),
            "channel": alert.channel,
            "due_at": None if alert.due_at is None else _iso(alert.due_at),
            "seconds_left": None if alert.due_at is None else round((alert.due_at - now).total_seconds()),
            "url": link(alert, base),
        },
    }


def subject(alerts: Sequence[Alert], now: datetime) -> str:
    """The subject of a mail about these, the most urgent first."""
    first = alerts[0]
    late = first.due_at is not None and first.due_at <= now
    mark = "" if first.severity is None else f"[{raised(first.severity, late=late)}] "
    more = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
    return f"{mark}{_WORDS[first.kind]}{more}"


def letter(alerts: Sequence[Alert], base: str, now: datetime) -> str:
    """The text of that mail: for each what it is, how much time is left, and where to go."""
    parts = []
    for alert in alerts:
        facts = [fact for fact in (alert.severity, alert.channel, time_left(alert.due_at, now)) if fact]
        parts.append("\n".join([f"{_WORDS[alert.kind]}.", *([" · ".join(facts)] if facts else []), link(alert, base)]))
    parts.append(f"You get this because your account has this address: {base}/account")
    return "\n\n".join(parts) + "\n"


def words(kind: Kind) -> str:
    """What it is, as people say it."""
    return _WORDS[kind]


def time_left(due_at: datetime | None, now: datetime) -> str:
    """``12 min left``, ``3 h late``; empty where there is no deadline."""
    if due_at is None:
        return ""
    seconds = (due_at - now).total_seconds()
    return f"{_length(abs(seconds))} {'late' if seconds <= 0 else 'left'}"


def _length(seconds: float) -> str:
    if seconds < _HOUR:
        return f"{max(seconds // _MINUTE, 1):.0f} min"
    return f"{seconds // _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds // _DAY:.0f} d"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
