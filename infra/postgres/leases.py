"""The queue and the lease on a case: who works on what, until when, and with which fencing token.

A worker that dies keeps its lease until ``leased_until``; then anybody claims the case with a higher token, and
whatever the dead one might still send to the database is refused for its old one. Attempts are counted at the claim, so
that a message that kills its worker is counted too; a give-back for no fault of the message takes the count back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from uuid_utils.compat import uuid7

from graph.ports import Lease
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.turn import CaseId, TurnId


@dataclass(frozen=True, slots=True)
class Backlog:
    """The queue at a glance. ``oldest_seconds`` is how long the case that is due longest has been due."""

    due: int
    running: int
    oldest_seconds: float


class Leases:
    """Claims cases for one worker process.

    Args:
        database: where the cases are.
        holder: this process, as an operator would name it: host and pid.
        duration: how long a claim holds without renewal; at most ten seconds, because that is what recovery waits for.
    """

    def __init__(self, database: Database, *, holder: str, duration: timedelta) -> None:
        self._database = database
        self._holder = holder
        self.duration = duration
        self._sql = load("leases")

    async def claim(self, case_id: CaseId) -> Lease | None:
        """Claim one case; ``None`` when it is not due, held, or unknown."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["claim_case"],
                {"case_id": case_id, "holder": self._holder, "lease": self.duration, "turn_id": uuid7()},
            )
            row = await cursor.fetchone()
        return None if row is None else _lease(row)

    async def claim_due(self, limit: int) -> list[Lease]:
        """Claim what has waited longest, at most ``limit`` cases."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["claim_due"], {"holder": self._holder, "lease": self.duration, "limit": limit}
            )
            return [_lease(row) for row in await cursor.fetchall()]

    async def renew(self, lease: Lease) -> bool:
        """Hold it longer; false when somebody else has it, and the work has to stop."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["renew"], {"case_id": lease.case_id, "token": lease.token, "lease": self.duration}
            )
            return await cursor.fetchone() is not None

    async def give_back(self, lease: Lease, *, delay: timedelta, blameless: bool) -> None:
        """Let others try after ``delay``. ``blameless``: it was not the message's fault, the attempt does not count."""
        async with self._database.connection() as connection:
            await connection.execute(
                self._sql["give_back"],
                {"case_id": lease.case_id, "token": lease.token, "delay": delay, "blameless": blameless},
            )

    async def backlog(self) -> Backlog:
        """How much waits, how much runs, and how long the oldest has waited."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["waiting"])).fetchone()
        assert row is not None  # an aggregate always has a row
        return Backlog(row["due"], row["running"], row["oldest_seconds"])


def _lease(row: Mapping[str, Any]) -> Lease:
    return Lease(CaseId(row["case_id"]), TurnId(row["turn_id"]), row["lease_token"], row["attempts"])
