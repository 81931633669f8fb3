"""The earlier talks of a customer, for a visitor who has proven to be them; and how much a visitor has proven.

Only a talk whose proof still counts sees others, and only those that are the customer's beyond doubt themselves: begun
from an address that was proven, or proven by a code. What staff joined without any proof stays staff's knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.addresses import AddressKind
from infra.crypto.keyring import Keyring
from infra.lines import in_a_line
from infra.postgres.conversations import SeenMessage
from infra.postgres.database import Connection, Database
from infra.postgres.files import list_files
from infra.postgres.lines import LONGEST
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.verification import proven_until, talk_of
from skills.errors import NotFoundError, NotProvenError
from skills.identify import claims_in
from skills.turn import ChannelName, ConversationId


@dataclass(frozen=True, slots=True)
class Standing:
    """What a visitor has proven. ``mentioned``: the kinds of address that they named, but that proves nothing."""

    until: datetime | None
    mentioned: tuple[AddressKind, ...]


@dataclass(frozen=True, slots=True)
class EarlierTalk:
    """A talk in the list. ``here``: it is the one that asks."""

    id: ConversationId
    channel: ChannelName
    begun_at: datetime
    status: str
    first_line: str
    here: bool


class EarlierTalks:
    """Reads them for holders of a token."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("proofs")

    async def standing(self, thread: str) -> Standing:
        """How much the holder of this thread's token has proven.

        Raises:
            NotFoundError: nothing was ever written in this thread.
        """
        async with self._database.connection() as connection:
            talk = await talk_of(connection, self._keyring, thread)
            where = {"conversation_id": talk["conversation_id"]}
            claimed = await (await connection.execute(self._sql["claimed_kinds"], where)).fetchone()
            assert claimed is not None  # an array is always there
            rows = await (await connection.execute(self._sql["lately_written"], where)).fetchall()
        said = {claim.kind for row in rows for claim in claims_in(self._text(row, row["id"]))}
        kinds: tuple[AddressKind, ...] = ("email", "phone")
        on = {"email": "email", "phone": "whatsapp"}
        mentioned = tuple(kind for kind in kinds if kind in said or on[kind] in claimed["channels"])
        return Standing(proven_until(talk), mentioned)

    async def talks(self, thread: str, *, limit: int = 50) -> list[EarlierTalk]:
        """The customer's talks, the newest first.

        Raises:
            NotFoundError: nothing was ever written in this thread.
            NotProvenError: nobody has proven there who they are, or that was too long ago.
        """
        async with self._database.connection() as connection:
            talk = await self._proven(connection, thread)
            where = {"conversation_id": talk["conversation_id"], "limit": limit}
            rows = await (await connection.execute(self._sql["talks"], where)).fetchall()
        return [
            EarlierTalk(
                id=ConversationId(row["id"]),
                channel=ChannelName(row["channel"]),
                begun_at=row["created_at"],
                status=row["status"],
                first_line="" if row["message_id"] is None else in_a_line(self._text(row, row["message_id"]), LONGEST),
                here=row["here"],
            )
            for row in rows
        ]

    async def messages(
        self, thread: str, conversation_id: ConversationId, *, after: int = 0, limit: int = 100
    ) -> list[SeenMessage]:
        """What was said in one of them after a position, oldest first.

        Raises:
            NotFoundError: there is no such talk of this customer, or it is not theirs beyond doubt.
            NotProvenError: as for ``talks``.
        """
        async with self._database.connection() as connection:
            talk = await self._proven(connection, thread)
            where = {"conversation_id": talk["conversation_id"], "other_id": conversation_id}
            if await (await connection.execute(self._sql["readable"], where)).fetchone() is None:
                raise NotFoundError("there is no such conversation")
            page = {**where, "after": after, "limit": limit}
            rows = await (await connection.execute(self._sql["messages"], page)).fetchall()
            files = await list_files(connection, self._keyring, [row["id"] for row in rows], originals=False)
        return [
            SeenMessage(
                id=row["id"],
                position=row["position"],
                author=row["author"],
                text=self._text(row, row["id"]),
                at=row["at"],
                files=files.get(row["id"], ()),
            )
            for row in rows
        ]

    async def _proven(self, connection: Connection, thread: str) -> dict[str, Any]:
        talk = await talk_of(connection, self._keyring, thread)
        if not talk["proven"]:
            raise NotProvenError(hint="have a code sent to your address, and type it in here")
        return talk

    def _text(self, row: dict[str, Any], message_id: UUID) -> str:
        return key_of(self._keyring, row).open(bytes(row["body_sealed"]), place="messages.body_sealed", row=message_id)
