"""What a channel's sending half has to know of the talk that it sends into: the customer's newest message."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.turn import ChannelName, ConversationId


@dataclass(frozen=True, slots=True)
class Heard:
    """A customer's message, as its channel has to remember it."""

    provider_message_id: str
    written_at: datetime
    """By the provider's clock where it told."""
    detail: Mapping[str, str]
    """``Envelope.detail``."""


class Correspondence:
    """Reads what was last heard in a conversation."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("correspondence")

    async def newest(self, conversation_id: ConversationId) -> Heard | None:
        """The customer's newest message; ``None`` when only we have written.

        Raises:
            DatabaseUnavailableError: nothing was read.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["newest"], {"conversation_id": conversation_id})
            row = await cursor.fetchone()
        if row is None:
            return None
        sealed, key = row["detail_sealed"], key_of(self._keyring, row)
        detail = "{}" if sealed is None else key.open(bytes(sealed), place="messages.detail_sealed", row=row["id"])
        return Heard(row["provider_message_id"], row["written_at"], json.loads(detail))

    async def last_heard(self, conversation_id: ConversationId) -> datetime | None:
        """When the customer last wrote."""
        heard = await self.newest(conversation_id)
        return None if heard is None else heard.written_at

    async def known(self, channel: ChannelName, provider_message_ids: Collection[str]) -> set[str]:
        """Which of these messages are here already."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["known"], {"channel": channel, "provider_message_ids": list(provider_message_ids)}
            )
            return {row["provider_message_id"] for row in await cursor.fetchall()}
