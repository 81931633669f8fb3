"""What became of texts after their providers took them: reports in any order, doubled, late, or never.

A report never goes back: each has a rank, and the highest that ever came counts, for each message that a text became.
Each is one transaction that locks the outbox row first, so that reports, senders and people take turns at it. Killed
before the commit, nothing was recorded, and a provider that got no answer reports again.

What the reports together say is also noted in the row: a failure may be reported before the sender has settled the very
call, and whoever settles it then heeds the failure (``heed_failure``) as if it had been reported afterwards. A report
about a text whose sending is unknown settles it, for only what was taken has reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from uuid_utils.compat import uuid7

from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from skills.turn import CaseId

PAUSE = timedelta(minutes=1)
"""Before a text goes out again whose failure passes by itself."""
MOST_ATTEMPTS = 15
"""As the sender counts them."""
_SEEN = frozenset({"delivered", "read"})


class DeliveryReports:
    """Records reports.

    Args:
        database: where the outbox is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("reports")
        self._reconciliations = load("reconciliations")

    async def record(
        self,
        channel: str,
        *,
        outbox_id: UUID | None,
        provider_message_id: str | None,
        status: str,
        rank: int,
        failure: str | None,
        part: int = 0,
        parts: int = 1,
        again: bool = False,
        same_name: bool = False,
    ) -> CaseId | None:
        """Take one report in.

        Args:
            channel: whose provider reports.
            outbox_id: the row, where the report names it.
            provider_message_id: the provider's name for the message.
            status: its word for how far the message got.
            rank: how much the status outweighs others of the same message.
            failure: why it did not arrive, as a code.
            part: which of the row's messages, from 0.
            parts: how many messages the row became.
            again: whether a failed message may be sent again, for the reason passes.
            same_name: whether the provider's name is the same for every attempt, as a mail's is: what comes after the
                text went out again is then about the newer attempt.

        Returns:
            The case whose conversation looks different now; ``None`` when the report is about nothing of ours or says
            nothing new.
        """
        if outbox_id is None and provider_message_id is None:
            return None
        async with self._database.transaction() as connection:
            asked = {"channel": channel, "outbox_id": outbox_id, "provider_message_id": provider_message_id}
            found = await (await connection.execute(self._sql["find"], asked)).fetchone()
            if found is None:
                return None
            row = {"outbox_id": found["id"]}
            now = await (await connection.execute(self._sql["lock"], row)).fetchone()
            assert now is not None  # a row of the outbox is never deleted alone
            report = {"status": status, "rank": rank, "failure": failure, "passes": again}
            place = {"part": part, "parts": parts, "same_name": same_name}
            name = provider_message_id or str(found["id"])
            kept = await (
                await connection.execute(self._sql["keep"], {**row, **report, **place, "name": name})
            ).fetchone()
            if kept is None or kept["superseded"]:
                return None
            await self._apply(connection, found["id"], now)
            if status in _SEEN:
                await connection.execute(self._sql["log"], {**row, "event_id": uuid7(), "status": status, "part": part})
        return CaseId(found["case_id"])

    async def _apply(self, connection: Connection, outbox_id: UUID, now: Mapping[str, Any]) -> None:
        """Bring the row to what all of its reports say."""
        row = {"outbox_id": outbox_id}
        sums = await (await connection.execute(self._sql["sums"], row)).fetchone()
        assert sums is not None  # an aggregate always has a row
        failure: str | None = sums["failure"]
        if failure != now["reported_failure"]:
            await connection.execute(self._sql["note"], {**row, "failure": failure})
        state = now["state"]
        # One that is to go out again, and was taken the first time after all, does not.
        if sums["complete"] and (state == "unknown" or (state == "pending" and failure is None)):
            await self._settle_arrived(connection, outbox_id, now, sums["name"])
            state = "sent"
        if state == "sent" and failure is not None:
            await heed_failure(connection, outbox_id)
        reported = now["reported_failure"] is not None and now["delivered"] and now["settled_by"] is None
        if state == "failed" and failure is None and reported:
            await connection.execute(self._sql["arrive_after_all"], {**row, "event_id": uuid7()})

    async def _settle_arrived(self, connection: Connection, outbox_id: UUID, now: Mapping[str, Any], name: str) -> None:
        values = {"id": outbox_id, "handed_over_at": now["handed_over_at"]}
        try:
            async with connection.transaction():
                await connection.execute(
                    self._reconciliations["settle_arrived"], {**values, "name": name, "event_id": uuid7()}
                )
        except UniqueViolation:  # the name is another message's: ours is kept
            await connection.execute(
                self._reconciliations["settle_arrived"], {**values, "name": None, "event_id": uuid7()}
            )


async def heed_failure(connection: Connection, outbox_id: UUID) -> None:
    """Bring a text that counts as sent, and of which a failure was reported, to what its reports say.

    In the transaction that settled it: its row is locked, so no report comes in between.
    """
    sql, row = load("reports"), {"outbox_id": outbox_id}
    sums = await (await connection.execute(sql["sums"], row)).fetchone()
    assert sums is not None  # an aggregate always has a row
    failed = {**row, "failure": sums["failure"]}
    if sums["passes"]:
        again = await connection.execute(sql["send_again"], {**failed, "delay": PAUSE, "attempts": MOST_ATTEMPTS})
        if await again.fetchone() is not None:
            return
    await connection.execute(sql["fail"], {**failed, "event_id": uuid7()})
