"""Turns that have ended, read as they began, so that they can be judged again by other rules.

Nothing of a turn's findings is stored but figures and the names of rules; the messages are, sealed. So they are opened
and the skills run on them once more. That a case was read is written down, in the transaction that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from infra.crypto.keyring import KeyDestroyedError, Keyring
from infra.postgres.database import Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.views import log_view
from skills.turn import CaseId, ChannelName, Customer, CustomerId, Language, Message, MessageId, Turn, TurnId


@dataclass(frozen=True, slots=True)
class PastTurn:
    """A turn, and the names of the rules that fired in it then."""

    turn: Turn
    rules: tuple[str, ...]


class PastTurns:
    """Reads turns that have ended.

    Args:
        database: where they are.
        keyring: opens what was said.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("past_turns")

    async def ended(self, *, since: datetime, limit: int) -> list[UUID]:
        """The ids of the turns that ended after ``since``, the newest first, ``limit`` at most; one a turn.

        A turn that a person decided in has ended twice, when it paused and when it went on, and counts once.

        Raises:
            DatabaseUnavailableError: nothing was read.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["ended"], {"since": since, "limit": limit})
            return list(dict.fromkeys(row["id"] for row in await cursor.fetchall()))

    async def read(self, turn_id: UUID, *, reader: str) -> PastTurn | None:
        """One turn; ``None`` when it is gone, its messages are, or its customer was erased.

        Raises:
            DatabaseUnavailableError: nothing was read, and nothing written down.
        """
        async with self._database.transaction() as connection:
            head = await (await connection.execute(self._sql["past_turn"], {"turn_id": turn_id})).fetchone()
            if head is None:
                return None
            span = {name: head[name] for name in ("case_id", "first_sequence", "last_sequence")}
            rows = await (await connection.execute(self._sql["said"], span)).fetchall()
            await log_view(connection, "case.read", reader, case_id=head["case_id"], **{"for": "policy dry-run"})
        try:
            said = [self._opened(row) for row in rows]
        except KeyDestroyedError:
            return None
        waiting = [message for message in said if message.sequence >= head["first_sequence"]]
        return PastTurn(_turn(head, said[: -len(waiting)], waiting), tuple(head["rules"])) if waiting else None

    def _opened(self, row: Mapping[str, Any]) -> Message:
        return Message(
            id=MessageId(row["id"]),
            sequence=row["sequence"],
            author=row["author"],
            text=key_of(self._keyring, row).open(
                bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"]
            ),
            received_at=row["received_at"],
            for_person=row["for_person"],
        )


def _turn(head: Mapping[str, Any], history: Sequence[Message], waiting: Sequence[Message]) -> Turn:
    return Turn(
        id=TurnId(head["id"]),
        case_id=CaseId(head["case_id"]),
        channel=ChannelName(head["channel"]),
        customer=Customer(
            id=CustomerId(head["customer_id"]),
            name=None,
            verified=head["verified"],
            language=None if head["language"] is None else Language(head["language"]),
            segment=head["segment"],
            earlier_cases=head["earlier_cases"],
        ),
        messages=tuple(waiting),
        history=tuple(history),
        earlier_polarity=tuple(head["polarities"][::-1]),
        started_at=head["started_at"],
        answered_within_hour=head["answered_within_hour"],
    )
