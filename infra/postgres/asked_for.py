"""What a case was taken over for: the reasons that asked for a person stay with it, and so does what was promised."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.turn import CaseId


@dataclass(frozen=True, slots=True)
class AskedFor:
    """``reasons``: the policy's ``rule``, ``explanation``, ``severity``, ``guidance``; ``sources``: what was found."""

    severity: str
    due_at: datetime | None
    """``None`` once nothing waits that was written before."""
    reasons: list[dict[str, Any]]
    sources: list[dict[str, Any]]


async def read_asked_for(connection: Connection, keyring: Keyring, case_id: CaseId) -> AskedFor | None:
    """Of a case that a person owns; ``None`` where nobody was asked."""
    row = await (await connection.execute(load("cases")["asked_for"], {"case_id": case_id})).fetchone()
    if row is None:
        return None
    sealed = bytes(row["request_sealed"])
    request = json.loads(key_of(keyring, row).open(sealed, place="escalations.request_sealed", row=row["id"]))
    return AskedFor(row["severity"], row["due_at"], request["reasons"], request["sources"])
