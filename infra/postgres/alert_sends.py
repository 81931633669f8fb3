"""How alerts get to people: each send is claimed, tried, and settled, again and again until it has arrived.

Killed between claim and settling: the claim runs out and it is sent again, under the same id. So each arrives at least
once, and its receiver can tell a second time by its id. What has been tried for too long is *failed*, which people see;
what nobody needs any more is *withdrawn*, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from infra.alerts.alert import Alert
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import ConflictError, NotFoundError

HOLD = timedelta(seconds=60)
"""How long a claim holds: longer than the longest attempt."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Somebody to whom something is due: an account with an address, or an endpoint."""

    account_id: UUID | None
    endpoint_id: UUID | None
    name: str | None
    address: str | None
    endpoint: str | None
    url: str | None
    generation: int | None
    old_signs: bool
    """Whether the secret before this one signs, too."""


@dataclass(frozen=True, slots=True)
class ClaimedSend:
    """One alert for one receiver, and which attempt this is."""

    id: UUID
    attempt: int
    alert: Alert


class AlertSends:
    """Claims and settles.

    Args:
        database: where they are.
        mail: whether there is a server to hand mails to.
        give_up: for how long each is tried.
    """

    def __init__(self, database: Database, *, mail: bool, give_up: timedelta) -> None:
        self._database = database
        self._terms = {"mail": mail, "give_up": give_up}
        self._sql = load("alert_sends")

    async def tend(self) -> int:
        """Settle what can't be sent or need not be any more; how many were given up."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["tend"], self._terms)).fetchall()
        return sum(row["state"] == "failed" for row in rows)

    async def lanes(self) -> list[Lane]:
        """To whom something is due, the most urgent first."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["lanes"])).fetchall()
        return [Lane(**row) for row in rows]

    async def claim(self, lane: Lane, limit: int) -> list[ClaimedSend]:
        """What is due to one receiver, the most urgent first; counted as an attempt."""
        values = {"account_id": lane.account_id, "endpoint_id": lane.endpoint_id, "limit": limit, "hold": HOLD}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["claim"], values)).fetchall()
        return [_claimed(row) for row in rows]

    async def settle(
        self, sends: Sequence[ClaimedSend], state: Literal["sent", "failed"], error: str | None = None
    ) -> None:
        """They have arrived, or never will."""
        values = {"ids": [one.id for one in sends], "state": state, "error": error}
        async with self._database.connection() as connection:
            await connection.execute(self._sql["settle"], values)

    async def put_off(self, sends: Sequence[ClaimedSend], error: str, delay: timedelta) -> None:
        """They are tried again later."""
        values = {"ids": [one.id for one in sends], "error": error, "delay": delay}
        async with self._database.connection() as connection:
            await connection.execute(self._sql["put_off"], values)

    async def beginning(self, first: UUID, last: UUID) -> list[UUID]:
        """Ids of sends between two, ends included; two at most, for more than one is too many."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["begins"], {"first_id": first, "last_id": last})
            return [row["id"] for row in await cursor.fetchall()]

    async def retry(self, send_id: UUID) -> None:
        """Try one again now, and for as long as a new one.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: it has arrived, or nobody needs it any more.
        """
        async with self._database.connection() as connection:
            if await (await connection.execute(self._sql["retry"], {"id": send_id})).fetchone() is None:
                row = await (await connection.execute(self._sql["state_of"], {"id": send_id})).fetchone()
                if row is None:
                    raise NotFoundError("nothing of this id was to be sent", hint="`csagent alerts list` has the ids")
                raise ConflictError(f"it is {row['state']} already")


def _claimed(row: dict[str, Any]) -> ClaimedSend:
    alert = Alert(
        row["alert_id"],
        row["kind"],
        row["subject_id"],
        row["case_id"],
        row["severity"],
        row["channel"],
        row["due_at"],
        row["created_at"],
    )
    return ClaimedSend(row["id"], row["attempts"], alert)
