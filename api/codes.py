"""The lane of one-time codes in the sender: claim, the channel's own call, settle.

A code is worth nothing when it is old, so what failed for a moment is tried again soon, and what nobody knows the fate
of is sent again: the same code twice does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

import structlog

from channels.envelope import Accepted, Deferred, Delivery, Refused, SendResult, Unknown
from infra.postgres.verification import Verifications
from skills.turn import ChannelName

_BATCH = 20
_PAUSE = timedelta(seconds=5)
_log = structlog.get_logger(__name__)


async def send_codes(
    codes: Verifications, channels: Collection[ChannelName], send: Callable[[Delivery], Awaitable[SendResult]]
) -> int:
    """Send the codes that are due on these channels; how many were tried.

    Raises:
        DatabaseUnavailableError: what was being sent is sent again when its claim has run out.
    """
    due = await codes.claim(_BATCH, channels)
    results = await asyncio.gather(*(send(code) for code in due))
    for code, result in zip(due, results, strict=True):
        match result:
            case Accepted():
                await codes.sent(code)
            case Refused() if not result.retry:
                await codes.failed(code, result.reason)
                _log.error("code.failed", verification=str(code.id), reason=result.reason)
            case Deferred():
                await codes.again(code, result.reason, timedelta(seconds=result.seconds))
            case Refused() | Unknown():
                await codes.again(code, result.reason, _PAUSE * code.attempt)
    return len(due)
