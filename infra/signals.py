"""Hints between processes: "look now". Postgres is the truth; a hint that is lost costs a moment, never a message.

``infra.redis.signals`` is the usual implementation; ``infra.postgres.signals`` (LISTEN/NOTIFY) serves where there is no
Redis. Both pass one contract test. Sending never raises and never waits long, because the commit that it follows has
already happened; listening ends only when its task is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from skills.turn import CaseId, ConversationId


@dataclass(frozen=True, slots=True)
class CaseHint:
    """A case that will be due in ``after`` seconds (the rest of its settle time)."""

    case_id: CaseId
    after: float


class Signals(Protocol):
    """Sends and receives hints."""

    async def open(self) -> None:
        """Connect. A server that is away now may come later."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...

    async def case_waits(self, case_id: CaseId, *, after: float = 0.0) -> None:
        """Tell a worker."""
        ...

    async def outbox_waits(self) -> None:
        """Tell a sender."""
        ...

    async def conversation_changed(self, *conversation_ids: ConversationId) -> None:
        """Tell whoever shows this conversation."""
        ...

    def cases(self) -> AsyncIterator[CaseHint]:
        """Hints for a worker."""
        ...

    def outbox(self) -> AsyncIterator[None]:
        """Hints for a sender."""
        ...

    def watch(self, conversation_id: ConversationId) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that is set whenever the conversation changed; clear it before looking."""
        ...

    async def ping(self) -> bool:
        """Whether hints get through at the moment."""
        ...


class Watchers:
    """Who waits for which conversation in this process."""

    def __init__(self) -> None:
        self._events: dict[str, set[asyncio.Event]] = {}

    def add(self, conversation_id: ConversationId) -> asyncio.Event:
        """An event for one waiter."""
        event = asyncio.Event()
        self._events.setdefault(str(conversation_id), set()).add(event)
        return event

    def remove(self, conversation_id: ConversationId, event: asyncio.Event) -> None:
        """The waiter has gone."""
        waiting = self._events.get(str(conversation_id), set())
        waiting.discard(event)
        if not waiting:
            self._events.pop(str(conversation_id), None)

    def wake(self, conversation_id: str) -> None:
        """Wake everybody who waits for this conversation."""
        for event in self._events.get(conversation_id, ()):
            event.set()
