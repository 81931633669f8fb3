"""A sign of life of this process in the database, every few seconds, for the status page's checks.

A process that is killed leaves its row behind; the row grows old, and that is how its end is noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from api.wiring import Services
from infra.postgres.heartbeats import Heartbeats
from infra.status.checks import BEAT_SECONDS
from infra.tasks import end
from skills.errors import DatabaseUnavailableError


@asynccontextmanager
async def beating(services: Services, process: str) -> AsyncIterator[None]:
    """Show signs of life while the block lasts; none are missed when the database is away, the next one counts.

    Args:
        services: of this process.
        process: what it is called: ``api``, ``worker``, ``sender``, ``scheduler``.
    """
    beats, holder = Heartbeats(services.database), f"{process}/{uuid4().hex}"
    task = asyncio.create_task(_beat(beats, holder, process, services))
    try:
        yield
    finally:
        await end([task])
        with suppress(DatabaseUnavailableError):
            await beats.leave(holder)


async def _beat(beats: Heartbeats, holder: str, process: str, services: Services) -> None:
    while True:
        with suppress(DatabaseUnavailableError):
            breakers = {status.name: status.state for status in services.breakers.statuses()}
            await beats.beat(holder, process, breakers)
        await asyncio.sleep(BEAT_SECONDS)
