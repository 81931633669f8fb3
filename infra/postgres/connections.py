"""Whether the server has a connection for everybody who may want one: a budget, counted before it is overdrawn.

A pool grows when there is much to do. A server that then has no connection left refuses them just when they are needed,
and refuses the operator's own too.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.postgres.database import Database
from infra.postgres.queries import load

SMALLEST_POOL = 2
"""With fewer connections no process can do two things at once."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What the product may want: so many processes with a pool each; where there is no Redis, each also listens."""

    processes: int
    pool: int
    listening: bool

    @property
    def connections(self) -> int:
        """All of them at their largest."""
        return self.processes * (self.pool + self.listening)


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be wanted, and what the server has: in connections."""

    demand: Demand
    allowed: int
    """By the server, or by a lower limit of this database or role."""
    reserved: int
    """Of those, for superusers and their like."""
    others: int
    """Of those, in use by other databases and other programs now."""

    @property
    def free(self) -> int:
        """What is left for the product."""
        return max(self.allowed - self.reserved - self.others, 0)

    @property
    def enough(self) -> bool:
        """Whether every pool may grow to its size."""
        return self.demand.connections <= self.free

    @property
    def largest_pool(self) -> int:
        """The pool size with which there would be enough; below ``SMALLEST_POOL`` there is none."""
        return self.free // self.demand.processes - self.demand.listening

    def __str__(self) -> str:
        each = f"{self.demand.pool} pooled" + (" and 1 listening" if self.demand.listening else "")
        return (
            f"{self.demand.connections} needed ({self.demand.processes} processes, {each} each), {self.free} free"
            f" ({self.allowed} allowed, {self.reserved} reserved, {self.others} used by others)"
        )


class Connections:
    """Looks at the server's limits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("connections")

    async def budget(self, demand: Demand) -> Budget:
        """The demand beside what there is.

        Raises:
            DatabaseUnavailableError: nobody could be asked.
        """
        async with self._database.connection() as connection:
            room = await (await connection.execute(self._sql["room"], {})).fetchone()
        assert room is not None  # it has no table to be empty
        # -1 is no limit; the limit of a database or role keeps nothing back for anybody.
        limits = [limit for limit in (room["database_limit"], room["role_limit"]) if limit is not None and limit >= 0]
        if limits and min(limits) < room["most"] - room["reserved"] - room["others"]:
            return Budget(demand, min(limits), 0, 0)
        return Budget(demand, room["most"], room["reserved"], room["others"])
