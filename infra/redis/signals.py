"""Hints over Redis: lists for workers and senders, so that one of them gets each hint; publish/subscribe for watchers.

Nobody waits for a hint to be sent: they are sent in the background, all that have gathered meanwhile in one go.
Redis away, flushed, restarted empty, full or half-open: sending gives up after half a second, and after three such
failures it isn't even tried for two seconds at a time, so that no request waits for a server that doesn't answer;
listening tries again every second. The sweepers find in Postgres what a lost hint would have told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from infra.breakers import Breaker, BreakerOpenError, Limits
from infra.signals import CaseHint, Watchers
from infra.tasks import end
from skills.errors import ConfigurationError
from skills.turn import CaseId, ConversationId

LIMITS = Limits(failures=3, window=10.0, cooldown=2.0)
"""When sending is given up. Short, because a hint that was not sent costs the time until the next sweep."""

_AWAY = (RedisError, OSError, TimeoutError, RuntimeError)
"""What a server that went away shows as; uvloop calls a write to a reset connection a RuntimeError."""
_LONGEST_LIST = 100_000
_log = structlog.get_logger(__name__)


class RedisSignals:
    """``infra.signals.Signals`` on Redis.

    Args:
        url: ``redis://…``.
        prefix: before every key, so that instances can share a server.
        breaker: of the sending half; one of its own unless given.
    """

    def __init__(self, url: str, *, prefix: str = "csagent", breaker: Breaker | None = None) -> None:
        # Sending has a short patience of its own; listening waits up to a second for an element.
        self._send = _client(url, patience=0.5)
        self._listen = _client(url, patience=5.0)
        self._breaker = breaker or Breaker("redis", LIMITS)
        self._cases = f"{prefix}:cases"
        self._outbox = f"{prefix}:outbox"
        self._conversations = f"{prefix}:conversations"
        self._watchers = Watchers()
        self._listener: asyncio.Task[None] | None = None
        self._hints: list[str] = []
        self._look = False
        self._changed: set[str] = set()
        self._gathered = asyncio.Event()
        self._giver: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to send; connections are made when they are needed."""
        self._giver = asyncio.create_task(self._give_gathered())

    async def close(self) -> None:
        """Send what has gathered, and close every connection."""
        if self._giver is not None:
            await end([self._giver])
            await self.flush()
        if self._listener is not None:
            await end([self._listener])
        for client in (self._send, self._listen):
            with suppress(*_AWAY):
                await client.aclose()

    async def case_waits(self, case_id: CaseId, *, after: float = 0.0) -> None:
        """Push a hint for one worker."""
        self._hints.append(f"{case_id}|{after}")
        self._gathered.set()

    async def outbox_waits(self) -> None:
        """Push a hint for one sender."""
        self._look = True
        self._gathered.set()

    async def conversation_changed(self, *conversation_ids: ConversationId) -> None:
        """Publish to every process that shows conversations."""
        self._changed.update(map(str, conversation_ids))
        self._gathered.set()

    async def cases(self) -> AsyncIterator[CaseHint]:
        """Hints, one worker each."""
        async for text in self._pop(self._cases):
            case_id, _, after = text.partition("|")
            with suppress(ValueError):  # somebody else's element: a hint is never worth an error
                yield CaseHint(CaseId(UUID(case_id)), float(after or 0))

    async def outbox(self) -> AsyncIterator[None]:
        """Hints, one sender each."""
        async for _ in self._pop(self._outbox):
            yield None

    @asynccontextmanager
    async def watch(self, conversation_id: ConversationId) -> AsyncIterator[asyncio.Event]:
        """An event for one conversation; one subscription a process serves them all."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._subscribe())
        event = self._watchers.add(conversation_id)
        try:
            yield event
        finally:
            self._watchers.remove(conversation_id, event)

    async def ping(self) -> bool:
        """Whether the server answers. Asked whatever the breaker says: who pings wants to know."""
        try:
            return bool(await self._send.ping())
        except _AWAY:
            return False

    async def flush(self) -> None:
        """Send all that has gathered, or let it be: Redis is away, or was a moment ago."""
        hints, look, changed = self._hints, self._look, self._changed
        self._hints, self._look, self._changed = [], False, set()

        async def send() -> None:
            async with self._send.pipeline(transaction=False) as pipe:
                if hints:
                    pipe.lpush(self._cases, *hints)
                    pipe.ltrim(self._cases, 0, _LONGEST_LIST)  # nobody listens: the list must not grow without end
                if look:
                    pipe.lpush(self._outbox, "look")
                    pipe.ltrim(self._outbox, 0, 0)  # one look finds all that waits
                for conversation_id in changed:
                    pipe.publish(self._conversations, conversation_id)
                await pipe.execute()

        if hints or look or changed:
            with suppress(BreakerOpenError, *_AWAY):
                await self._breaker.call(send, fault=_fault)

    async def _give_gathered(self) -> None:
        while True:
            await self._gathered.wait()
            self._gathered.clear()
            await self.flush()

    async def _pop(self, key: str) -> AsyncIterator[str]:
        while True:
            try:
                popped = await self._listen.brpop([key], timeout=1)
            except _AWAY as error:
                _log.warning("redis.away", error=type(error).__name__)
                await asyncio.sleep(1.0)
                continue
            _heed_cancellation()
            if popped is not None:
                yield str(popped[1])

    async def _subscribe(self) -> None:
        while True:
            try:
                async with self._listen.pubsub() as subscription:
                    await subscription.subscribe(self._conversations)
                    while True:
                        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=1.0)
                        _heed_cancellation()
                        if message is not None:
                            self._watchers.wake(str(message["data"]))
            except _AWAY as error:
                _log.warning("redis.away", error=type(error).__name__)
                await asyncio.sleep(1.0)


def _heed_cancellation() -> None:
    """The client swallows a cancellation that comes while it begins a read; whoever stops us would wait for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _fault(outcome: object) -> str | None:
    match outcome:
        case RedisTimeoutError() | TimeoutError():
            return "timeout"
        case RedisConnectionError() | OSError() | RuntimeError():
            return "unreachable"
        case RedisError():
            return "refused"  # out of memory, read-only …: it answers, but takes no hint
        case _:
            return None


def _client(url: str, *, patience: float) -> Redis:
    try:
        return _connected_to(url, patience)
    except ValueError as error:
        raise ConfigurationError(
            f"REDIS_URL can't be used: {error}", hint="write it as redis://:password@host:6379/0"
        ) from None


def _connected_to(url: str, patience: float) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=patience,
        socket_connect_timeout=min(patience, 1.0),
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        encoding_errors="replace",
    )
