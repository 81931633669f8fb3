"""The files of messages: each as it came in, where its text is only a reading of it, and its attachments.

They are sealed with the customer's key like everything else that a customer sends, and live as long as their message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from channels.envelope import Envelope, File
from infra.crypto.keyring import CustomerKey, Keyring
from infra.postgres.awaited_files import await_file
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.errors import NotFoundError
from skills.turn import CaseId, ConversationId, MessageId

ORIGINAL = 0
"""The ordinal of the message itself; attachments follow from 1 on."""

_SQL = load("files")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file as it is listed. ``refusal``: it was not kept, and why."""

    message_id: MessageId
    ordinal: int
    name: str
    media_type: str
    size: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file with its content, and whose it is."""

    file: File
    case_id: CaseId
    conversation_id: ConversationId


class Files:
    """Reads files."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def of_case(self, case_id: CaseId) -> list[FileEntry]:
        """What there is in a case, in the order of its messages."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_SQL["of_case"], {"case_id": case_id})).fetchall()
        return [
            FileEntry(
                message_id=MessageId(row["message_id"]),
                ordinal=row["ordinal"],
                name=_name(key_of(self._keyring, row), row),
                media_type=row["media_type"],
                size=row["size"],
                refusal=row["refusal"],
            )
            for row in rows
        ]

    async def read(self, message_id: MessageId, ordinal: int) -> FoundFile:
        """One file. Whether the reader may see its case is for the caller to check.

        Raises:
            NotFoundError: there is none.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SQL["content"], {"message_id": message_id, "ordinal": ordinal})
            row = await cursor.fetchone()
        if row is None:
            raise NotFoundError("there is no such file")
        key, sealed = key_of(self._keyring, row), row["content_sealed"]
        return FoundFile(
            File(
                name=_name(key, row),
                media_type=row["media_type"],
                size=row["size"],
                data=None if sealed is None else key.open_file(bytes(sealed), row=row["id"]),
                refusal=row["refusal"],
            ),
            CaseId(row["case_id"]),
            ConversationId(row["conversation_id"]),
        )


def files_of(envelope: Envelope) -> dict[int, File]:
    """An envelope's files by ordinal."""
    files = dict(enumerate(envelope.attachments, start=ORIGINAL + 1))
    return files if envelope.original is None else {ORIGINAL: envelope.original, **files}


async def keep_files(connection: Connection, envelope: Envelope, message_id: MessageId, key: CustomerKey) -> None:
    """Store the files of a message in the transaction that stores it."""
    for ordinal, file in files_of(envelope).items():
        file_id = uuid7()
        await connection.execute(
            _SQL["insert_file"],
            {
                "id": file_id,
                "message_id": message_id,
                "key_id": key.id,
                "ordinal": ordinal,
                "name_sealed": key.seal(file.name, place="message_files.name_sealed", row=file_id),
                "media_type": file.media_type,
                "size": file.size,
                "content_sealed": None if file.data is None else key.seal_file(file.data, row=file_id),
                "refusal": file.refusal,
            },
        )
        if file.source is not None:
            await await_file(connection, envelope.channel, message_id, ordinal, file_id, file.source, key)


def _name(key: CustomerKey, row: Mapping[str, Any]) -> str:
    file_id: UUID = row["id"]
    return key.open(bytes(row["name_sealed"]), place="message_files.name_sealed", row=file_id)
