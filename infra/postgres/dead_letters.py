"""Dead letters: what killed its worker, or failed, five times in a row.

One transaction: the messages are marked, the case goes to people, the customer is told, and a row says why. From then
on the conversation goes on with a person: what the customer writes waits for them until they hand the case back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from graph.ports import Lease
from infra.crypto.keyring import KeyDestroyedError, Keyring, SealBrokenError
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.errors import LeaseLostError
from skills.turn import CaseId, Language


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Messages ``first_sequence`` to ``last_sequence`` of a case, given up because of ``error``."""

    id: UUID
    case_id: CaseId
    first_sequence: int
    last_sequence: int
    error: str
    created_at: datetime


class DeadLetters:
    """Buries what can't be worked, and lists it.

    Args:
        database: where it goes.
        keyring: seals the note to the customer.
        notice: the note, in the customer's language.
    """

    def __init__(self, database: Database, keyring: Keyring, *, notice: Callable[[Language | None], str]) -> None:
        self._database = database
        self._keyring = keyring
        self._notice = notice
        self._sql = load("dead_letters")
        self._turns = load("turns")

    async def bury(self, lease: Lease, error: str) -> None:
        """Give up on what this lease was for.

        Raises:
            LeaseLostError: another worker has the case now.
        """
        async with self._database.transaction() as connection:
            case = {"case_id": lease.case_id}
            locked = await (await connection.execute(self._turns["lock_case"], case)).fetchone()
            work = await connection.execute(
                self._turns["lock_work"], {**case, "token": lease.token, "last_sequence": 0}
            )
            if locked is None or await work.fetchone() is None:
                raise LeaseLostError
            head = await (await connection.execute(self._turns["load_case"], case)).fetchone()
            span = await (await connection.execute(self._sql["span"], {**case, "turn_id": lease.turn_id})).fetchone()
            assert head is not None and span is not None  # noqa: PT018 - both rows are there by construction
            if span["first_sequence"] is not None:
                await connection.execute(
                    self._sql["bury"],
                    {**case, **span, "id": uuid7(), "turn_id": lease.turn_id, "error": error},
                )
                await self._tell(connection, head, lease, sequence=locked["next_sequence"])
                await connection.execute(self._turns["leave_to_person"], case)
                await connection.execute(
                    self._turns["log"],
                    {**case, "id": uuid7(), "kind": "turn.dead", "actor": "agent", "data": Jsonb({"error": error})},
                )
            await connection.execute(self._turns["finish_work"], {**case, "paused": False})

    async def _tell(self, connection: Connection, head: Mapping[str, Any], lease: Lease, *, sequence: int) -> None:
        """The note to the customer. One whose key is gone can be told nothing, and is buried all the same."""
        try:
            key = key_of(self._keyring, head)
        except (KeyDestroyedError, SealBrokenError):
            return
        message_id = uuid7()
        text = self._notice(None if head["language"] is None else Language(head["language"]))
        await connection.execute(
            self._turns["write_outgoing"],
            {
                "case_id": lease.case_id,
                "id": message_id,
                "key_id": key.id,
                "sequence": sequence,
                "author": "system",
                "body_sealed": key.seal(text, place="messages.body_sealed", row=message_id),
                "turn_id": lease.turn_id,
                "outbox_id": uuid7(),
                "intent_id": lease.turn_id,
                "ordinal": 2,
                "kind": "failure",
            },
        )
        await connection.execute(self._turns["count_outgoing"], {"case_id": lease.case_id, "count": 1})

    async def open(self, *, limit: int = 100) -> list[DeadLetter]:
        """What a person still has to look at, oldest first."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["open"], {"limit": limit})).fetchall()
        return [DeadLetter(**row) for row in rows]
