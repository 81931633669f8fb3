"""Hints by LISTEN/NOTIFY, where there is no Redis. Every listener gets every hint; the lease decides who works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from infra.postgres.database import Database
from infra.signals import CaseHint, Watchers
from infra.tasks import end
from skills.errors import DatabaseUnavailableError
from skills.turn import CaseId, ConversationId

Topic = Literal["cases", "outbox", "conversations"]
_log = structlog.get_logger(__name__)


class PostgresSignals:
    """``infra.signals.Signals`` on LISTEN/NOTIFY. Each kind of listening holds one connection outside the pool."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers = Watchers()
        self._listener: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Nothing to do: the pool is open already."""

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            await end([self._listener])

    async def case_waits(self, case_id: CaseId, *, after: float = 0.0) -> None:
        """Notify the workers."""
        await self._notify("cases", f"{case_id}|{after}")

    async def outbox_waits(self) -> None:
        """Notify the senders."""
        await self._notify("outbox", "look")

    async def conversation_changed(self, *conversation_ids: ConversationId) -> None:
        """Notify every process that shows conversations."""
        for conversation_id in conversation_ids:
            await self._notify("conversations", str(conversation_id))

    async def cases(self) -> AsyncIterator[CaseHint]:
        """Hints for workers."""
        async for text in self._listen("cases"):
            case_id, _, after = text.partition("|")
            with suppress(ValueError):
                yield CaseHint(CaseId(UUID(case_id)), float(after or 0))

    async def outbox(self) -> AsyncIterator[None]:
        """Hints for senders."""
        async for _ in self._listen("outbox"):
            yield None

    @asynccontextmanager
    async def watch(self, conversation_id: ConversationId) -> AsyncIterator[asyncio.Event]:
        """An event for one conversation; one connection a process serves them all."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._wake_watchers())
        event = self._watchers.add(conversation_id)
        try:
            yield event
        finally:
            self._watchers.remove(conversation_id, event)

    async def ping(self) -> bool:
        """Whether the database answers."""
        try:
            async with self._database.connection() as connection:
                await connection.execute("select 1")
        except DatabaseUnavailableError:
            return False
        return True

    async def _wake_watchers(self) -> None:
        async for conversation_id in self._listen("conversations"):
            self._watchers.wake(conversation_id)

    async def _notify(self, topic: Topic, text: str) -> None:
        with suppress(DatabaseUnavailableError):
            async with self._database.connection() as connection:
                await connection.execute("select pg_notify(%s, %s)", (f"csagent_{topic}", text))

    async def _listen(self, topic: Topic) -> AsyncIterator[str]:
        statement = {
            "cases": "listen csagent_cases",
            "outbox": "listen csagent_outbox",
            "conversations": "listen csagent_conversations",
        }[topic]
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._database.url, autocommit=True, connect_timeout=5, application_name="csagent listen"
                ) as connection:
                    await connection.execute(statement)
                    async for notify in connection.notifies():
                        yield notify.payload
            except psycopg.Error as error:
                _log.warning("postgres.listen_lost", error=type(error).__name__)
                await asyncio.sleep(1.0)
