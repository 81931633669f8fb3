"""Archives of cases that were resolved long ago, with everything that hangs on them.

Escalations and decisions go with their case: they hold the customer's words, sealed, and are no use without the
messages beside them. That somebody decided, who and when, stands in the events, which have a time of their own.
Conversations, customers and keys stay: a customer's link goes on working, and erasure finds its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.sql import SQL

from infra.postgres.archive import Archived, Source, Terms, archiving, refuse_difference
from infra.postgres.database import Database
from infra.postgres.queries import load

_DELETES = {
    "cases": "delete_cases",
    "case_work": "delete_case_work",
    "model_spend_of_cases": "delete_model_spend_of_cases",
    "messages": "delete_messages",
    "turns": "delete_turns",
    "gap_turns": "delete_gap_turns",
    "outbox": "delete_outbox",
    "delivery_reports": "delete_delivery_reports",
    "awaited_files": "delete_awaited_files",
    "escalations": "delete_escalations",
    "decisions": "delete_decisions",
    "message_files": "delete_message_files",
    "dead_letters": "delete_dead_letters",
    "surveys": "delete_surveys",
    "internal_notes": "delete_internal_notes",
}
TABLES = tuple(_DELETES)
"""What a case consists of, parents first: so they can be put back, and backwards they can be deleted."""


@dataclass(frozen=True, slots=True)
class ResolvedCases:
    """What there is to archive: how many, and when the first and last of them were resolved."""

    cases: int
    first: datetime | None
    last: datetime | None


class CaseArchive:
    """Moves resolved cases to archives.

    Args:
        database: where they are.
        batch: cases of one archive and transaction at most.
    """

    def __init__(self, database: Database, *, batch: int = 200) -> None:
        self._database = database
        self._batch = batch
        self._sql = load("archive")

    async def count(self, before: datetime) -> ResolvedCases:
        """How many cases were resolved before, including those that still have something to send."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["count_cases"], {"before": before})).fetchone()
        assert row is not None  # an aggregate always has a row
        return ResolvedCases(**row)

    async def move(self, before: datetime, terms: Terms) -> Archived | None:
        """Archive and delete one batch of the cases that were resolved before; ``None`` when there are none.

        A case that waits to send something, or of which nobody knows whether it was sent, stays where it is.

        Raises:
            ArchiveError: nothing was deleted.
            DatabaseUnavailableError: nothing was deleted; or the answer to the commit was lost, and the archive is
                there.
        """
        stem = f"cases-until-{before:%Y%m%d}"
        async with archiving(self._database, terms, "cases", stem) as (connection, archive):
            cursor = await connection.execute(self._sql["settled_cases"], {"before": before, "limit": self._batch})
            found = await cursor.fetchall()
            if not found:
                return None
            cases = {"cases": [row["id"] for row in found]}
            sources = [Source(table, SQL(self._sql[table].removesuffix(";")), cases) for table in TABLES]
            span = (found[0]["resolved_at"].isoformat(), found[-1]["resolved_at"].isoformat())
            manifest = await archive.copy(sources, span)
            await terms.check()
            await connection.execute(self._sql["delete_threads"], cases)
            for table, statement in reversed(_DELETES.items()):
                deleted = await connection.execute(self._sql[statement], cases)
                refuse_difference(table, deleted.rowcount, manifest.tables[table].rows)
            await connection.execute(self._sql["log_cases"], {**cases, "actor": terms.actor, "file": archive.name})
            path = await archive.publish(manifest)
        return Archived(path, f"{len(found)} cases", {name: table.rows for name, table in manifest.tables.items()})
