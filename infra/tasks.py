"""Ending asyncio tasks for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel the tasks and wait until they are over.

    Asked again every half second: a client library may swallow a cancellation that arrives at the wrong moment (on
    Python 3.11 ``asyncio.wait_for`` does), and its task would go on for ever.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)
