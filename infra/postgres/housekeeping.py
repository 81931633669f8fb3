"""What the scheduler does in the database: partitions ahead of time, leftovers, late reviews."""

from __future__ import annotations

from dataclasses import dataclass

from infra.postgres.database import Database
from infra.postgres.queries import load


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: partitions made, kept model replies dropped, reviews found late for the first time."""

    partitions: int
    forgotten: int
    late: int


class Housekeeping:
    """One round at a time over all schedulers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("housekeeping")

    async def round(self) -> Round | None:
        """Keep house; ``None`` when another scheduler is at it."""
        async with self._database.transaction() as connection:
            mine = await (await connection.execute(self._sql["lock"])).fetchone()
            if mine is None or not mine["mine"]:
                return None
            made = await (await connection.execute(self._sql["make_partitions"])).fetchone()
            forgotten = await connection.execute(self._sql["forget_model_replies"])
            late = await connection.execute(self._sql["log_late"])
            return Round(made["made"] if made else 0, forgotten.rowcount, late.rowcount)
