"""The list of what people have to answer: the cases that they own, with what each customer wrote last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection
from infra.postgres.lines import name_in_a_line, opened_in_a_line
from infra.postgres.listed import Listed
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.views import Shown
from skills.turn import CaseId, ChannelName


@dataclass(frozen=True, slots=True)
class OwnedCase:
    """A case that a person owns."""

    id: CaseId
    channel: ChannelName
    owner_name: str | None
    opened_at: datetime
    customer_name: str | None
    last_line: str
    """What the customer wrote last."""
    waiting: int
    waiting_since: datetime | None
    severity: str | None
    """Of what it was taken over for."""
    due_at: datetime | None
    """When the customer was to have an answer, while what they wrote before has none."""


async def list_owned(
    connection: Connection, keyring: Keyring, shown: Shown, *, limit: int, reader: str | None
) -> Listed[OwnedCase]:
    """Those that are open, the customer who waits longest first. ``shown`` writes down what is new to the reader."""
    rows = await (await connection.execute(load("cases")["owned_by_people"], {"limit": limit})).fetchall()
    if reader is not None:
        await shown.log(connection, reader, [row["message_id"] for row in rows if row["message_id"]])
    lines = [
        OwnedCase(
            id=CaseId(row["id"]),
            channel=ChannelName(row["channel"]),
            owner_name=row["owner_name"],
            opened_at=row["opened_at"],
            customer_name=name_in_a_line(keyring, row, "name_"),
            last_line="" if row["message_id"] is None else opened_in_a_line(partial(_text, keyring, row)),
            waiting=row["waiting"],
            waiting_since=row["waiting_since"],
            severity=row["severity"],
            due_at=row["due_at"],
        )
        for row in rows
    ]
    return Listed(lines, total=rows[0]["total"] if rows else 0)


def _text(keyring: Keyring, row: Mapping[str, Any]) -> str:
    return key_of(keyring, row).open(bytes(row["body_sealed"]), place="messages.body_sealed", row=row["message_id"])
