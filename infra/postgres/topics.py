"""What customers write about: turns counted by topic, channel and day. Nothing of a customer is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from infra.postgres.database import Database
from infra.postgres.queries import load


@dataclass(frozen=True, slots=True)
class TopicCount:
    """One topic on one channel on one day (UTC); of ``topic`` ``None`` are the turns without one.

    ``answered`` by the agent or a person's approval, ``escalated`` to a person by a rule of the policy: a turn can
    be both. ``near`` and ``far`` are those outside of scope.
    """

    day: date
    channel: str
    topic: str | None
    turns: int
    answered: int
    escalated: int
    near: int
    far: int


class Topics:
    """Reads the figures."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("topics")

    async def counts(self, since: datetime, until: datetime) -> list[TopicCount]:
        """The turns that began from ``since`` on and before ``until``, newest day first, then the most frequent."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["counts"], {"since": since, "until": until})
            return [TopicCount(**row) for row in await cursor.fetchall()]
