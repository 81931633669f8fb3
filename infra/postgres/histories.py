"""What happened in a case, event by event, and what a customer said and heard on all channels together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from infra.crypto.keyring import KeyDestroyedError, Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.files import FileEntry, list_files
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.views import log_view
from skills.errors import NotFoundError
from skills.turn import Author, CaseId, ChannelName, ConversationId, CustomerId

_LAST = UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One thing that happened. ``data`` has ids, codes and figures, never a text."""

    id: UUID
    at: datetime
    kind: str
    actor: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """A case's newest events, newest first."""

    case_id: CaseId
    conversation_id: ConversationId
    customer_id: CustomerId
    events: tuple[CaseEvent, ...]


@dataclass(frozen=True, slots=True)
class SaidMessage:
    """A message of one of a customer's cases. ``text`` is ``None`` once it was erased."""

    id: UUID
    case_id: CaseId
    channel: ChannelName
    sequence: int
    author: Author
    text: str | None
    at: datetime
    state: str
    delivery: str | None
    files: tuple[FileEntry, ...]


class Histories:
    """Reads them for staff.

    Args:
        database: where they are.
        keyring: opens messages.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("histories")

    async def of_case(self, case_id: CaseId, *, reader: str, looks: bool = False, limit: int = 200) -> CaseHistory:
        """What happened in a case. That it was read is written down.

        Args:
            case_id: which.
            reader: who reads it.
            looks: also who of the staff only looked at it.
            limit: the most events.

        Raises:
            NotFoundError: there is none with this id.
        """
        async with self._database.connection() as connection:
            place = await self._one(connection, "place", "there is no such case", case_id=case_id)
            values = {"case_id": case_id, "looks": looks, "limit": limit}
            rows = await (await connection.execute(self._sql["events"], values)).fetchall()
            await log_view(connection, "case.history_read", reader, case_id=case_id)
        return CaseHistory(
            case_id,
            ConversationId(place["conversation_id"]),
            CustomerId(place["customer_id"]),
            tuple(CaseEvent(**row) for row in rows),
        )

    async def of_customer(
        self, customer_id: CustomerId, *, reader: str, before: UUID | None = None, limit: int = 100
    ) -> tuple[SaidMessage, ...]:
        """The newest messages of a customer before one, oldest first. That they were read is written down.

        Raises:
            NotFoundError: there is no such customer.
        """
        async with self._database.connection() as connection:
            await self._one(connection, "customer", "there is no such customer", customer_id=customer_id)
            values = {"customer_id": customer_id, "before_id": before or _LAST, "limit": limit}
            rows = await (await connection.execute(self._sql["said"], values)).fetchall()
            with_files = [row["id"] for row in rows if row["has_files"]]
            files = await list_files(connection, self._keyring, with_files, originals=True)
            cases = sorted({str(row["case_id"]) for row in rows})
            await log_view(connection, "customer.messages_read", reader, customer_id=str(customer_id), cases=cases)
        return tuple(
            SaidMessage(
                id=row["id"],
                case_id=CaseId(row["case_id"]),
                channel=ChannelName(row["channel"]),
                sequence=row["sequence"],
                author=row["author"],
                text=self._text(row),
                at=row["at"],
                state=row["state"],
                delivery=row["delivery"],
                files=files.get(row["id"], ()),
            )
            for row in reversed(rows)
        )

    async def _one(self, connection: Connection, block: str, missing: str, **values: object) -> dict[str, Any]:
        row = await (await connection.execute(self._sql[block], values)).fetchone()
        if row is None:
            raise NotFoundError(missing)
        return row

    def _text(self, row: Mapping[str, Any]) -> str | None:
        try:
            return key_of(self._keyring, row).open(
                bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"]
            )
        except KeyDestroyedError:
            return None
