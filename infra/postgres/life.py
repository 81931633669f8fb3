"""How long a case lives: what an operator sets, and what is to be done next in a case that is at rest.

Nothing here reads or writes. ``next_step`` looks at what ``lives.sql`` found in a locked case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from skills.turn import Severity

WINDOW: Mapping[str, timedelta] = {"whatsapp": timedelta(hours=24)}
"""For how long after the customer's last message a channel takes free text; where none stands, always."""
MARGIN = timedelta(minutes=10)
"""Before the window's end, for clocks that differ and texts that wait."""
_SOON = timedelta(hours=1)

ResolvedBy = Literal["customer", "person", "agent", "silence"]
Certainty = Literal["confirmed", "assumed"]


@dataclass(frozen=True, slots=True)
class SurveyTerms:
    """Where customers are asked how it was, how long after the end by a text, and how seldom."""

    channels: frozenset[str] = frozenset()
    delay: timedelta = timedelta(minutes=5)
    apart: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Life:
    """What is set of the life of a case. A length of 0, or none, is never."""

    follow_up: Mapping[str, timedelta] = field(default_factory=dict)
    """By channel: after which time a text asks whether the agent's answer helped."""
    silence: Mapping[str, timedelta] = field(default_factory=dict)
    """By channel: after which silence a case of the agent's is over."""
    owner_silence: timedelta = timedelta(0)
    """The same of a case that a person owns and has answered."""
    reopen: timedelta = timedelta(0)
    """For how long a resolved case goes on when the customer writes again."""
    surveys: SurveyTerms = SurveyTerms()
    deadlines: Mapping[str, timedelta] = field(default_factory=dict)
    """By severity: within which time a person has to look; what the severity itself promises where none stands."""

    def deadline(self, severity: Severity) -> timedelta:
        """Within which time a person has to look."""
        return self.deadlines.get(severity.value, severity.deadline)

    def first_look(self, channel: str) -> timedelta | None:
        """How long after an answer somebody has to look at its case."""
        lengths = (self.follow_up.get(channel), self.silence.get(channel))
        return min((length for length in lengths if length), default=None)

    def resolving(
        self, case_id: UUID, by: ResolvedBy, certainty: Certainty, *, actor: str, name: str | None = None
    ) -> dict[str, Any]:
        """The values of ``lives.sql``, ``resolve``.

        Args:
            case_id: which case.
            by: who resolves it.
            certainty: confirmed when the customer said so.
            actor: who stands in the event.
            name: the reviewer's, when a person does.
        """
        return {
            "case_id": case_id,
            "by": by,
            "name": name,
            "certainty": certainty,
            "actor": actor,
            "event_id": uuid7(),
            "survey_id": uuid7(),
            "survey_channels": sorted(self.surveys.channels),
            "survey_delay": self.surveys.delay,
            "survey_apart": self.surveys.apart,
        }


ENDLESS = Life()
"""Only people resolve cases, nothing is asked, and what is resolved stays so."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done in a case now; ``look_at`` is when to look again, ``None`` when something else sees to it."""

    act: Literal["ask", "close"] | None = None
    look_at: datetime | None = None


def next_step(facts: Mapping[str, Any], life: Life) -> Step:
    """What is to be done in a case of which these are the facts.

    A case in which something waits, works or is decided needs no look: its next answer brings the next one.
    """
    now = facts["now"]
    if facts["status"] != "open" or facts["paused"] or facts["working"] or facts["waiting"]:
        return Step()
    if facts["sending"] or facts["lost"]:
        return Step(look_at=now + _SOON)
    quiet_since = max(facts["at"], facts["reopened_at"] or facts["at"])
    if facts["owner"] == "human":
        answered = facts["author"] == "human"
        return _closing(now, quiet_since, life.owner_silence) if answered else Step()
    closing = _closing(now, quiet_since, life.silence.get(facts["channel"]))
    asks_at = _asks_at(facts, life)
    if asks_at is None or closing.act is not None:
        return closing
    if asks_at <= now:
        return Step("ask", closing.look_at)
    return Step(look_at=min(asks_at, closing.look_at or asks_at))


def window_open(facts: Mapping[str, Any], at: datetime) -> bool:
    """Whether the case's channel takes a free text at that time."""
    window = WINDOW.get(facts["channel"])
    return window is None or (facts["heard_at"] is not None and at < facts["heard_at"] + window - MARGIN)


def _closing(now: datetime, quiet_since: datetime, silence: timedelta | None) -> Step:
    if not silence:
        return Step()
    over_at = quiet_since + silence
    return Step("close") if over_at <= now else Step(look_at=over_at)


def _asks_at(facts: Mapping[str, Any], life: Life) -> datetime | None:
    """When to ask whether the answer helped: once, after an answer that rests on articles and that nothing followed."""
    delay = life.follow_up.get(facts["channel"])
    reopened_since = facts["reopened_at"] is not None and facts["reopened_at"] > facts["at"]
    unwanted = facts["opted_out"] or reopened_since
    if not delay or facts["author"] != "agent" or not facts["sourced"] or unwanted:
        return None
    at: datetime = max(facts["at"] + delay, facts["now"])
    return facts["at"] + delay if window_open(facts, at) else None
