"""Waiting for what is new in a conversation, for pages and programs that ask now and then."""

from __future__ import annotations

import asyncio
import time

from api.wiring import Services
from channels.web.signature import ConversationToken
from infra.postgres.conversations import View
from skills.turn import ChannelName

LOOK_AGAIN = 2.0
"""Seconds after which is looked again even without a hint: a lost hint costs so much, not the reply."""


async def await_news(
    use: Services, channel: ChannelName, token: ConversationToken, *, after: int, seconds: float
) -> View:
    """What is new after a position, or that a person has it now; waits for it so long, at most.

    That a turn has ended is no news: its text may be on its way still.

    Raises:
        NotFoundError: nothing was ever written in it.
    """
    view = await use.conversations.view(channel, token.thread, after=after)
    begun = view.activity
    if not seconds or view.messages:
        return view
    async with use.signals.watch(view.conversation_id) as changed:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not use.stopping.is_set():
            # Cleared before looking: what changes while we look wakes us again.
            changed.clear()
            view = await use.conversations.view(channel, token.thread, after=after)
            if view.messages or (view.activity != begun and view.activity == "person"):
                break
            await changed_within(changed, min(left, LOOK_AGAIN))
    return view


async def changed_within(changed: asyncio.Event, seconds: float) -> None:
    """Wait until something has changed, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return
