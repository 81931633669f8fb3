"""The files of messages: each as it came in, where its text is only a reading of it, and its attachments.

They are sealed with the customer's key like everything else that a customer sends, and live as long as their message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from infra.postgres.views import log_view
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
    """Reads files, and prepares what a person sends along."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def of_case(self, case_id: CaseId) -> list[FileEntry]:
        """What there is in a case, in the order of its messages."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_SQL["of_case"], {"case_id": case_id})).fetchall()
        return [_entry(self._keyring, row) for row in rows]

    async def read(self, message_id: MessageId, ordinal: int, *, reader: str | None = None) -> FoundFile:
        """One file. Whether the reader may see its case is for the caller to check.

        Args:
            message_id: of which message.
            ordinal: which of its files.
            reader: whose name is written down beside the reading; nobody's where customers read what is theirs.

        Raises:
            NotFoundError: there is none.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SQL["content"], {"message_id": message_id, "ordinal": ordinal})
            row = await cursor.fetchone()
            if row is None:
                raise NotFoundError("there is no such file")
            if reader is not None:
                which = {"message_id": str(message_id), "ordinal": ordinal}
                await log_view(connection, "file.read", reader, case_id=row["case_id"], **which)
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


async def list_files(
    connection: Connection, keyring: Keyring, messages: Sequence[UUID], *, originals: bool
) -> dict[UUID, tuple[FileEntry, ...]]:
    """What these messages have, without the contents; ``originals``: also the messages as they came in."""
    if not messages:
        return {}
    found: dict[UUID, tuple[FileEntry, ...]] = {}
    cursor = await connection.execute(_SQL["of_messages"], {"messages": messages})
    for row in await cursor.fetchall():
        if originals or row["ordinal"] != ORIGINAL:
            found[row["message_id"]] = (*found.get(row["message_id"], ()), _entry(keyring, row))
    return found


async def load_files(connection: Connection, keyring: Keyring, messages: Sequence[UUID]) -> dict[UUID, list[File]]:
    """What goes out with these messages, whole."""
    if not messages:
        return {}
    found: dict[UUID, list[File]] = {}
    cursor = await connection.execute(_SQL["to_send"], {"messages": messages})
    for row in await cursor.fetchall():
        key = key_of(keyring, row)
        data = key.open_file(bytes(row["content_sealed"]), row=row["id"])
        found.setdefault(row["message_id"], []).append(File(_name(key, row), row["media_type"], row["size"], data))
    return found


async def keep_files(connection: Connection, envelope: Envelope, message_id: MessageId, key: CustomerKey) -> None:
    """Store the files of a message in the transaction that stores it; those that are elsewhere are to be fetched."""
    files = files_of(envelope)
    ids = await _keep(connection, files, key, message_id=message_id)
    for ordinal, file in files.items():
        if file.source is not None:
            await await_file(connection, envelope.channel, message_id, ordinal, ids[ordinal], file.source, key)


async def keep_sent_along(
    connection: Connection,
    files: Sequence[File],
    key: CustomerKey,
    *,
    message_id: UUID | None = None,
    decision_id: UUID | None = None,
) -> None:
    """Store what a person sends along with a message, or with a decision that a message will be made of."""
    await _keep(
        connection, dict(enumerate(files, start=ORIGINAL + 1)), key, message_id=message_id, decision_id=decision_id
    )


async def _keep(
    connection: Connection,
    files: Mapping[int, File],
    key: CustomerKey,
    *,
    message_id: UUID | None,
    decision_id: UUID | None = None,
) -> dict[int, UUID]:
    """The ids of what was stored, by ordinal."""
    ids = {ordinal: uuid7() for ordinal in files}
    for ordinal, file in files.items():
        file_id = ids[ordinal]
        await connection.execute(
            _SQL["insert_file"],
            {
                "id": file_id,
                "message_id": message_id,
                "decision_id": decision_id,
                "key_id": key.id,
                "ordinal": ordinal,
                "name_sealed": key.seal(file.name, place="message_files.name_sealed", row=file_id),
                "media_type": file.media_type,
                "size": file.size,
                "content_sealed": None if file.data is None else key.seal_file(file.data, row=file_id),
                "refusal": file.refusal,
            },
        )
    return ids


def _entry(keyring: Keyring, row: Mapping[str, Any]) -> FileEntry:
    return FileEntry(
        message_id=MessageId(row["message_id"]),
        ordinal=row["ordinal"],
        name=_name(key_of(keyring, row), row),
        media_type=row["media_type"],
        size=row["size"],
        refusal=row["refusal"],
    )


def _name(key: CustomerKey, row: Mapping[str, Any]) -> str:
    file_id: UUID = row["id"]
    return key.open(bytes(row["name_sealed"]), place="message_files.name_sealed", row=file_id)
