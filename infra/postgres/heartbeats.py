"""Signs of life of the product's processes, and what the status page's checks measure in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg.types.json import Jsonb

from infra.postgres.database import Database
from infra.postgres.queries import load
from infra.status.checks import Beat, Measures


class Heartbeats:
    """Writes and reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("heartbeats")

    async def beat(self, holder: str, process: str, breakers: Mapping[str, str]) -> None:
        """A process lives.

        Args:
            holder: this process; no two share a name.
            process: ``api``, ``worker``, ``sender`` or ``scheduler``.
            breakers: the states of its circuit breakers by name.
        """
        values = {"holder": holder, "process": process, "breakers": Jsonb(dict(breakers))}
        async with self._database.connection() as connection:
            await connection.execute(self._sql["beat"], values)

    async def leave(self, holder: str) -> None:
        """A process ends in order."""
        async with self._database.connection() as connection:
            await connection.execute(self._sql["leave"], {"holder": holder})

    async def forget(self) -> int:
        """Delete what processes left that were killed long ago; how many."""
        async with self._database.connection() as connection:
            return (await connection.execute(self._sql["forget_beats"])).rowcount

    async def measure(self, *, queue: float, api_answers: bool | None, mail_job: str) -> Measures:
        """Everything that checks look at.

        Args:
            queue: how long the oldest case has waited for a worker, in seconds.
            api_answers: what the API's health endpoint said; ``None`` when it was not asked.
            mail_job: the name of the job that reads the mailbox.
        """
        async with self._database.connection() as connection:
            beats = await (await connection.execute(self._sql["beats"])).fetchall()
            deliveries = await (await connection.execute(self._sql["deliveries"])).fetchall()
            review = await (await connection.execute(self._sql["review"])).fetchone()
            failing = await (await connection.execute(self._sql["failing"], {"job": mail_job})).fetchone()
        assert review is not None  # both always have a row
        assert failing is not None
        return Measures(
            beats=[Beat(row["process"], row["age"], row["breakers"]) for row in beats],
            api_answers=api_answers,
            queue=queue,
            deliveries={row["channel"]: row["seconds"] for row in deliveries},
            review=review["seconds"],
            mail_failures=failing["failing"],
        )
