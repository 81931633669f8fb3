"""Internal notes: what staff say to each other about a case, and questions to a colleague.

They can't reach a customer: a note is a type of its own in a table of its own, and neither the transcript, nor what a
turn loads, nor the outbox reads either (``tests/architecture/test_internal_notes.py``). They are sealed with the
customer's key all the same, for they are about that customer, and are erased with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from infra.crypto.keyring import KeyDestroyedError, Keyring, SealBrokenError
from infra.postgres.database import Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.storable import refuse_unstorable
from infra.postgres.views import Shown, log_view
from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.turn import CaseId, ChannelName, EscalationId

_PLACE = "internal_notes.text_sealed"


@dataclass(frozen=True, slots=True)
class InternalNote:
    """What somebody of the staff wrote about a case. ``asked`` is the colleague from whom an answer is wanted."""

    id: UUID
    author: str
    text: str
    asked: str | None
    answers: UUID | None
    created_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question that waits for a colleague's answer, and where it was asked."""

    id: UUID
    case_id: CaseId
    escalation_id: EscalationId | None
    """The decision that waits in the case, if one does."""
    channel: ChannelName
    author: str
    text: str
    created_at: datetime


class InternalNotes:
    """The notes of cases."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._shown = Shown("questions")
        self._sql = load("internal_notes")

    async def add(
        self, case_id: CaseId, author: str, text: str, *, asks: str | None = None, answers: UUID | None = None
    ) -> UUID:
        """Write a note, ask a colleague, or answer one; its id.

        Args:
            case_id: about which case, whatever has become of it.
            author: who writes.
            text: what; nobody but staff reads it.
            asks: the colleague who is to answer.
            answers: the question that this is the answer to.

        Raises:
            NotFoundError: there is no such case, or no such question in it.
            ConflictError: the question is somebody else's to answer, or is answered.
            BadRequestError: one asks oneself, or asks and answers at once.
            InvalidMessageError: the text can't be stored.
        """
        refuse_unstorable(text)
        if asks is not None and (asks == author or answers is not None):
            raise BadRequestError("a note asks a colleague, or answers one", hint="write two notes")
        note_id = uuid7()
        values = {"id": note_id, "case_id": case_id, "author": author, "asked": asks, "answers": answers}
        async with self._database.transaction() as connection:
            row = await (await connection.execute(self._sql["find_case"], {"case_id": case_id})).fetchone()
            if row is None:
                raise NotFoundError("there is no such case")
            if answers is not None:
                answered = await connection.execute(self._sql["answer"], values)
                if await answered.fetchone() is None:
                    raise _not_answered(await (await connection.execute(self._sql["question"], values)).fetchone())
            key = key_of(self._keyring, row)
            sealed = key.seal(text, place=_PLACE, row=note_id)
            await connection.execute(
                self._sql["add"], {**values, "key_id": key.id, "text_sealed": sealed, "event_id": uuid7()}
            )
        return note_id

    async def of_case(self, case_id: CaseId, *, reader: str, limit: int = 100) -> list[InternalNote]:
        """The newest notes of a case, oldest first. That they were read is written down."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["of_case"], {"case_id": case_id, "limit": limit})
            rows = await cursor.fetchall()
            await log_view(connection, "notes.read", reader, case_id=case_id)
        return [
            InternalNote(
                id=row["id"],
                author=row["author"],
                text=self._open(row),
                asked=row["asked"],
                answers=row["answers"],
                created_at=row["created_at"],
                answered_at=row["answered_at"],
            )
            for row in reversed(rows)
        ]

    async def newest(self, case_id: CaseId) -> UUID | None:
        """Which note of a case is the newest, to tell whether there is another one since; nothing of it is read."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["newest"], {"case_id": case_id})).fetchone()
        return None if row is None else row["id"]

    async def asked_of(self, name: str, *, limit: int = 50) -> list[Question]:
        """What this person was asked and has not answered, oldest first. What they see first now is written down."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["asked_of"], {"name": name, "limit": limit})
            rows = await cursor.fetchall()
            await self._shown.log(connection, name, [row["id"] for row in rows])
        return [
            Question(
                id=row["id"],
                case_id=CaseId(row["case_id"]),
                escalation_id=row["escalation_id"],
                channel=ChannelName(row["channel"]),
                author=row["author"],
                text=self._open(row),
                created_at=row["created_at"],
            )
            for row in rows
        ]

    def _open(self, row: Mapping[str, Any]) -> str:
        """The text; of an erased customer the reason why there is none, for one of many must not hide the others."""
        try:
            return key_of(self._keyring, row).open(bytes(row["text_sealed"]), place=_PLACE, row=row["id"])
        except (SealBrokenError, KeyDestroyedError) as error:
            return f"({error})"


def _not_answered(question: Mapping[str, Any] | None) -> ConflictError | NotFoundError:
    if question is None or question["asked"] is None:
        return NotFoundError("there is no such question in this case")
    if question["answered_at"] is not None:
        return ConflictError("this question is answered", hint="read the answer; write a note if more is to be said")
    return ConflictError(f"{question['asked']} was asked", hint="write a note of your own")
