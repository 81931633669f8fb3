"""A text of our own that belongs to no turn: written and queued in the transaction that locks its case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.turn import MessageId

_SQL = load("turns")


async def write_note(
    connection: Connection, keyring: Keyring, case: Mapping[str, Any], text: str, *, kind: str, intent_id: UUID
) -> MessageId:
    """Write a note to the customer of a case.

    Args:
        connection: in a transaction that holds the case's lock.
        keyring: seals it.
        case: its id, ``next_sequence`` as it is now, and the customer's key.
        text: in the customer's language.
        kind: as the outbox calls it.
        intent_id: what it is for; the same one is written once.
    """
    key, message_id = key_of(keyring, case), MessageId(uuid7())
    await connection.execute(
        _SQL["write_outgoing"],
        {
            "id": message_id,
            "case_id": case["id"],
            "key_id": key.id,
            "sequence": case["next_sequence"],
            "author": "system",
            "body_sealed": key.seal(text, place="messages.body_sealed", row=message_id),
            "turn_id": None,
            "outbox_id": uuid7(),
            "intent_id": intent_id,
            "ordinal": 1,
            "kind": kind,
        },
    )
    await connection.execute(_SQL["count_outgoing"], {"case_id": case["id"], "count": 1})
    return message_id
