"""Who does not want to be written to.

The wish belongs to the address that it came from, and to the others that the channel proves to be the same person's
(ADR 0015). It is written in the transaction that stores the message which says it, with the note that confirms it.
"""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7

from channels.envelope import Envelope
from infra.crypto.keyring import CustomerKey, Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load

_SQL = load("consents")
_TURNS = load("turns")


class Consents:
    """Reads who does not want to be written to."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def opted_out(self, channel: str, address: str) -> bool:
        """Whether whoever has this address wants nothing sent there.

        Raises:
            DatabaseUnavailableError: nothing was read.
        """
        index = self._keyring.address_index(channel, address)
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SQL["opted_out"], {"channel": channel, "address_index": index})
            return await cursor.fetchone() is not None


async def note_consent(connection: Connection, envelope: Envelope, indexes: list[bytes]) -> bool:
    """Write down the wish that a message says; whether it changes anything."""
    if envelope.consent is None:
        return False
    cursor = await connection.execute(
        _SQL["note"],
        {"stop": envelope.consent == "stop", "channel": envelope.channel, "address_indexes": indexes},
    )
    return bool(await cursor.fetchall())


async def confirm_consent(
    connection: Connection, envelope: Envelope, case_id: UUID, key: CustomerKey, sequence: int
) -> None:
    """Log a wish that changed something, and tell the customer once, where their provider doesn't."""
    kind = "customer.opted_out" if envelope.consent == "stop" else "customer.opted_in"
    await connection.execute(
        _SQL["log"], {"event_id": uuid7(), "kind": kind, "case_id": case_id, "channel": envelope.channel}
    )
    if envelope.confirmation is None:
        return
    message_id = uuid7()
    await connection.execute(
        _TURNS["write_outgoing"],
        {
            "id": message_id,
            "case_id": case_id,
            "key_id": key.id,
            "sequence": sequence,
            "author": "system",
            "body_sealed": key.seal(envelope.confirmation, place="messages.body_sealed", row=message_id),
            "turn_id": None,
            "outbox_id": uuid7(),
            "intent_id": uuid7(),
            "ordinal": 1,
            "kind": "consent",
        },
    )
    await connection.execute(_TURNS["count_outgoing"], {"case_id": case_id, "count": 1})
