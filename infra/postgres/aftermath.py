"""What a message does in a talk whose case is over: a rating, a thank-you, or a reason to open the case again.

All of it is decided in the transaction that stores the message, behind the lock on the sender's address. Ten messages
at once therefore reopen a case once; and when somebody else was quicker, the message finds no row to go into, nothing
is kept, and the inbox looks again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from channels.envelope import Envelope
from infra.postgres.database import Connection
from infra.postgres.files import files_of
from infra.postgres.queries import load
from infra.postgres.surveys import BY_NUMBER, CHANGE, rating_values

RATED_WITHIN = timedelta(hours=48)
"""For how long after the question a bare number is its answer."""


def _neither(_text: str) -> bool:
    return False


def _no_rating(_text: str) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Judges:
    """How a message is told that needs no turn.

    Attributes:
        courtesy: whether a text is nothing but thanks or a goodbye.
        rating: the rating that a text is, if it is one.
    """

    courtesy: Callable[[str], bool] = _neither
    rating: Callable[[str], int | None] = _no_rating


NOBODY = Judges()


class Aftermath:
    """Finds the place of a message after an end.

    Args:
        window: for how long a resolved case goes on.
        judges: which messages need no turn.
    """

    def __init__(self, window: timedelta, judges: Judges) -> None:
        self._window = window
        self._judges = judges
        self._lives = load("lives")
        self._sql = load("surveys")

    def rating_in(self, envelope: Envelope) -> int | None:
        """The rating that a message may be, before anybody has looked whether there is a survey."""
        if envelope.channel != BY_NUMBER or envelope.automatic or files_of(envelope):
            return None
        return self._judges.rating(envelope.text)

    async def rated(self, connection: Connection, conversation_id: UUID) -> dict[str, Any]:
        """Where a rating is stored, and of which survey it is; empty when there is none that it answers."""
        found = await connection.execute(
            self._sql["answered_by_number"],
            {
                "conversation_id": conversation_id,
                "channels": [BY_NUMBER],
                "window": RATED_WITHIN,
                "change": CHANGE,
            },
        )
        row = await found.fetchone()
        if row is None:
            return {}
        return {"case_id": row["case_id"], "into": row["status"], "quiet": True, "survey_id": row["id"]}

    async def rate(self, connection: Connection, survey_id: UUID, rating: int) -> None:
        """Keep the rating, in the transaction that has stored its message."""
        await connection.execute(self._sql["rate"], rating_values(survey_id, rating, None, None))

    async def place(self, connection: Connection, envelope: Envelope, conversation_id: UUID) -> dict[str, Any]:
        """Where a message goes in a talk without an open case; empty when a new case is to be opened."""
        window = {"conversation_id": conversation_id, "window": self._window}
        case = await (await connection.execute(self._lives["newest_resolved"], window)).fetchone()
        if case is None:
            return {}
        if envelope.automatic or self._is_courtesy(envelope):
            return {"case_id": case["id"], "into": "resolved", "quiet": True}
        values = {"case_id": case["id"], "actor": "customer", "event_id": uuid7()}
        await connection.execute(self._lives["reopen"], values)
        return {"case_id": case["id"]}

    def _is_courtesy(self, envelope: Envelope) -> bool:
        return envelope.for_person is None and not files_of(envelope) and self._judges.courtesy(envelope.text)
