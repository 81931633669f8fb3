"""Files that a customer sent and that are still at the channel's provider.

Their message is acknowledged before anybody asks the provider, so each is fetched afterwards. Until then the message
has a row for it that says so (``channels.envelope.COMING``), and in the end the file or the reason why it can't be had.
A fetch is counted and put off before it begins: killed in the middle, it is begun again later; one that never succeeds
is given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from channels.envelope import File
from infra.crypto.keyring import CustomerKey, KeyDestroyedError, Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.turn import ChannelName

MOST_ATTEMPTS = 8
"""Over about three hours."""
_FIRST = timedelta(seconds=10)
"""Before the second attempt; the pauses treble."""

_SQL = load("awaited_files")


@dataclass(frozen=True, slots=True)
class AwaitedFile:
    """A file to fetch now."""

    message_id: UUID
    ordinal: int
    id: UUID
    source: str
    """Where the provider has it."""
    media_type: str
    """What the provider says it is."""
    attempt: int
    key: CustomerKey

    @property
    def last(self) -> bool:
        """Whether it is given up if it can't be had now."""
        return self.attempt >= MOST_ATTEMPTS


class AwaitedFiles:
    """What is to be fetched for one channel.

    Args:
        database: where messages are.
        keyring: opens addresses, seals files.
        channel: whose.
        hold: longer than one fetch may take.
    """

    def __init__(self, database: Database, keyring: Keyring, channel: ChannelName, *, hold: timedelta) -> None:
        self._database = database
        self._keyring = keyring
        self._channel = channel
        self._hold = hold

    async def claim(self, limit: int) -> list[AwaitedFile]:
        """Some that are due; nobody else fetches them meanwhile."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                _SQL["claim"], {"channel": self._channel, "limit": limit, "hold": self._hold, "first": _FIRST}
            )
            rows = await cursor.fetchall()
        claimed = []
        for row in rows:
            try:
                key = key_of(self._keyring, row)
            except KeyDestroyedError:  # the customer was erased meanwhile: nothing of theirs is stored any more
                continue
            source = key.open(bytes(row["source_sealed"]), place="awaited_files.source_sealed", row=row["id"])
            claimed.append(
                AwaitedFile(
                    message_id=row["message_id"],
                    ordinal=row["ordinal"],
                    id=row["id"],
                    source=source,
                    media_type=row["media_type"],
                    attempt=row["attempts"],
                    key=key,
                )
            )
        return claimed

    async def keep(self, awaited: AwaitedFile, file: File) -> bool:
        """Store it, or why it can't be had; false when somebody else has done so."""
        key = awaited.key
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                _SQL["keep"],
                {
                    "message_id": awaited.message_id,
                    "ordinal": awaited.ordinal,
                    "name_sealed": key.seal(file.name, place="message_files.name_sealed", row=awaited.id),
                    "media_type": file.media_type,
                    "size": file.size,
                    "content_sealed": None if file.data is None else key.seal_file(file.data, row=awaited.id),
                    "refusal": file.refusal,
                    "event_id": uuid7(),
                },
            )
            return await cursor.fetchone() is not None

    async def again(self, awaited: AwaitedFile) -> None:
        """It can't be had now: later."""
        async with self._database.connection() as connection:
            await connection.execute(
                _SQL["again"],
                {
                    "message_id": awaited.message_id,
                    "ordinal": awaited.ordinal,
                    "attempts": awaited.attempt,
                    "hold": self._hold,
                },
            )


async def await_file(
    connection: Connection, channel: str, message_id: UUID, ordinal: int, file_id: UUID, source: str, key: CustomerKey
) -> None:
    """Note that a file is to be fetched, in the transaction that stores its message."""
    await connection.execute(
        _SQL["await_file"],
        {
            "message_id": message_id,
            "ordinal": ordinal,
            "channel": channel,
            "source_sealed": key.seal(source, place="awaited_files.source_sealed", row=file_id),
        },
    )
