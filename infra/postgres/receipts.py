"""Where a message was stored: what its sender may be told, and what the rest of its transaction needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from infra.crypto.keyring import CustomerKey
from skills.turn import CaseId, ConversationId, CustomerId, MessageId


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message was stored. ``duplicate``: it was already here, and nothing was written."""

    message_id: MessageId
    conversation_id: ConversationId
    case_id: CaseId
    sequence: int
    position: int
    duplicate: bool
    waits: bool
    """Whether a worker should look: false while a person owns the case."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message in a transaction that is not yet committed."""

    receipt: Receipt
    key: CustomerKey
    customer_id: CustomerId


def receipt_of(message_id: UUID, row: Mapping[str, Any], *, duplicate: bool) -> Receipt:
    """The receipt out of a message's row."""
    return Receipt(
        message_id=MessageId(message_id),
        conversation_id=ConversationId(row["conversation_id"]),
        case_id=CaseId(row["case_id"]),
        sequence=row["sequence"],
        position=row["position"],
        duplicate=duplicate,
        waits=not duplicate and row["state"] == "waiting",
    )
