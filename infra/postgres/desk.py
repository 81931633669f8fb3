"""The review page among colleagues: who else has a case open, whose it is, and what was before.

Who is looking says itself again every few seconds, and is forgotten soon after; that is a courtesy, not a lock. What
keeps two reviewers from one case is the claim, and what keeps them from harm is the version that a decision names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.views import log_view
from skills.errors import ConflictError, NotFoundError
from skills.turn import CaseId, ChannelName

FRESH = timedelta(seconds=15)
"""How long somebody counts as looking after they said so."""
_ASSIGNING = {
    "escalation": ("assign_escalation", "holder_of_escalation"),
    "case": ("assign_case", "holder_of_case"),
}
_MOST = 20
"""Earlier cases, moods and decisions that are shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """Who else has the case open, and a word that is another one whenever something has changed in it."""

    others: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class Mood:
    """How a turn's messages sounded, from -1 to 1."""

    at: datetime
    polarity: float


@dataclass(frozen=True, slots=True)
class EarlierCase:
    """Another matter of the same customer's."""

    id: CaseId
    channel: ChannelName
    status: str
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None
    topic: str | None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """What was decided: ``proposal`` is what stood there, ``text`` what the reviewer made of it."""

    action: str
    reviewer: str
    at: datetime
    proposal: str
    text: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Background:
    """What there is to know about a case beside its transcript; all of it oldest first, but for the cases."""

    moods: tuple[Mood, ...]
    earlier_cases: tuple[EarlierCase, ...]
    decisions: tuple[PastDecision, ...]


class Desk:
    """The staff's side of a case that several of them see.

    Args:
        database: where it is.
        keyring: opens what was decided.
        hold: for how long what is given to somebody is theirs.
    """

    def __init__(self, database: Database, keyring: Keyring, *, hold: timedelta) -> None:
        self._database = database
        self._keyring = keyring
        self._hold = hold
        self._sql = load("desk")

    async def look(self, case_id: CaseId, name: str) -> Look:
        """This person has the case open.

        Raises:
            NotFoundError: there is none with this id.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["look"], {"case_id": case_id, "name": name, "fresh": FRESH})
            row = await cursor.fetchone()
        if row is None:
            raise NotFoundError("there is no such case")
        return Look(tuple(row["others"]), row["state"])

    async def leave(self, case_id: CaseId, name: str) -> None:
        """This person has closed it."""
        async with self._database.connection() as connection:
            await connection.execute(self._sql["leave"], {"case_id": case_id, "name": name})

    async def assign(
        self, what: Literal["escalation", "case"], item: UUID, *, to: str, seen: str | None, by: str
    ) -> None:
        """Give an escalation, or a case that a person owns, to somebody.

        Args:
            what: which of the two.
            item: its id.
            to: who gets it.
            seen: whose it was when ``by`` looked, ``None`` for nobody's.
            by: who gives it.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: it is somebody else's by now, or nobody's to do any more.
        """
        values = {"id": item, "to": to, "seen": seen, "by": by, "hold": self._hold, "event_id": uuid7()}
        give, holder = _ASSIGNING[what]
        async with self._database.transaction() as connection:
            given = await connection.execute(self._sql[give], values)
            if await given.fetchone() is not None:
                return
            now = await (await connection.execute(self._sql[holder], values)).fetchone()
        if now is None:
            raise NotFoundError(f"there is no such {what}")
        changes = {"status": now["status"], "claimed_by": now["holder"]}
        if now["status"] != "open":
            raise ConflictError(f"this {what} is nobody's to do any more", hint="look at it again", changes=changes)
        raise ConflictError(
            f"it is with {now['holder'] or 'nobody'} now", hint="look again, then decide who gets it", changes=changes
        )

    async def background(self, case_id: CaseId, *, reader: str) -> Background:
        """What was before. That it was read is written down; of a case that is not there, nothing was."""
        values = {"case_id": case_id, "limit": _MOST}
        async with self._database.connection() as connection:
            moods = await (await connection.execute(self._sql["moods"], values)).fetchall()
            earlier = await (await connection.execute(self._sql["earlier_cases"], values)).fetchall()
            decisions = await (await connection.execute(self._sql["decisions"], values)).fetchall()
            await log_view(connection, "background.read", reader, case_id=case_id)
        return Background(
            tuple(Mood(**row) for row in reversed(moods)),
            tuple(EarlierCase(**row) for row in earlier),
            tuple(self._decision(row) for row in reversed(decisions)),
        )

    def _decision(self, row: Mapping[str, Any]) -> PastDecision:
        request = key_of(self._keyring, row, "asked_").open(
            bytes(row["request_sealed"]), place="escalations.request_sealed", row=row["escalation_id"]
        )

        def opened(column: str) -> str | None:
            sealed = row[column]
            if sealed is None:
                return None
            return key_of(self._keyring, row).open(bytes(sealed), place=f"decisions.{column}", row=row["id"])

        return PastDecision(
            action=row["action"],
            reviewer=row["reviewer"],
            at=row["created_at"],
            proposal=json.loads(request)["proposal"],
            text=opened("text_sealed"),
            reason=opened("reason_sealed"),
        )
