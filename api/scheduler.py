"""The scheduler process: what has to happen now and then, by whoever of several schedulers is first.

Every task is repeatable: two schedulers at once, or one that dies half-way, do no harm.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from infra.postgres.housekeeping import Housekeeping
from skills.errors import DatabaseUnavailableError

_log = structlog.get_logger(__name__)


class Scheduler:
    """Keeps house every minute until it is told to stop.

    Args:
        housekeeping: what is to be done.
        interval: seconds between rounds.
    """

    def __init__(self, housekeeping: Housekeeping, *, interval: float = 60.0) -> None:
        self._housekeeping = housekeeping
        self._interval = interval

    async def run(self, stop: asyncio.Event) -> None:
        """Round after round."""
        while not stop.is_set():
            try:
                done = await self._housekeeping.round()
            except DatabaseUnavailableError:
                _log.warning("scheduler.database_away")
            else:
                if done is not None:
                    _log.info("scheduler.round", partitions=done.partitions, forgotten=done.forgotten, late=done.late)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await stop.wait()
