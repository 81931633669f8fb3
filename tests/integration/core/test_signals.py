"""Hints: one contract over Redis and over LISTEN/NOTIFY, and what happens while a server is away."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from infra.breakers import Breaker, State
from infra.embedded.binaries import find_redis
from infra.postgres.database import Database
from infra.postgres.signals import PostgresSignals
from infra.redis.signals import LIMITS, RedisSignals
from infra.signals import CaseHint, Signals, Watchers
from skills.errors import ConfigurationError
from skills.turn import CaseId, ConversationId

T = TypeVar("T")


@pytest.fixture(params=["redis", "postgres"])
async def signals(request: pytest.FixtureRequest, redis_url: str, database: Database) -> AsyncIterator[Signals]:
    made: Signals = (
        RedisSignals(redis_url, prefix=uuid4().hex) if request.param == "redis" else PostgresSignals(database)
    )
    await made.open()
    yield made
    await made.close()


@asynccontextmanager
async def listening(hints: AsyncIterator[T]) -> AsyncIterator[asyncio.Queue[T]]:
    """Hints as they arrive, in a queue."""
    queue: asyncio.Queue[T] = asyncio.Queue()

    async def listen() -> None:
        async for hint in hints:
            queue.put_nowait(hint)

    task = asyncio.create_task(listen())
    try:
        yield queue
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def heard(queue: asyncio.Queue[T], send: Callable[[], Awaitable[object]], *, seconds: float = 5.0) -> T:
    """Send until something arrives: a listener may not have been there for the first one."""
    async with asyncio.timeout(seconds):
        while True:
            await send()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    return await queue.get()


async def test_a_case_hint_arrives_with_its_delay(signals: Signals) -> None:
    case_id = CaseId(uuid4())
    async with listening(signals.cases()) as queue:
        assert await heard(queue, lambda: signals.case_waits(case_id, after=0.25)) == CaseHint(case_id, 0.25)
        while not queue.empty():
            queue.get_nowait()
        await signals.case_waits(case_id)
        assert await asyncio.wait_for(queue.get(), 5) == CaseHint(case_id, 0.0)


async def test_outbox_hints_reach_senders_and_no_worker(signals: Signals) -> None:
    async with listening(signals.outbox()) as senders, listening(signals.cases()) as workers:
        await heard(senders, signals.outbox_waits)
        assert workers.empty()


async def test_watchers_are_woken_for_their_own_conversation_only(signals: Signals) -> None:
    mine, other = ConversationId(uuid4()), ConversationId(uuid4())
    async with signals.watch(mine) as one, signals.watch(mine) as two, signals.watch(other) as stranger:
        async with asyncio.timeout(5):
            while not (one.is_set() and two.is_set()):
                await signals.conversation_changed(mine)
                await asyncio.sleep(0.05)
        assert not stranger.is_set()
        one.clear()
        await signals.conversation_changed(mine)
        await asyncio.wait_for(one.wait(), 5)
    async with signals.watch(mine) as again:
        assert not again.is_set()
        await signals.conversation_changed(mine)
        await asyncio.wait_for(again.wait(), 5)


async def test_an_answering_server_is_said_to_answer(signals: Signals) -> None:
    assert await signals.ping() is True


async def test_closing_ends_the_watching(signals: Signals) -> None:
    conversation_id = ConversationId(uuid4())
    async with signals.watch(conversation_id) as event:
        await signals.close()
        await signals.conversation_changed(conversation_id)
        await asyncio.sleep(0.05)
        assert not event.is_set()


def test_a_watcher_that_has_gone_leaves_nothing_behind() -> None:
    watchers, conversation_id = Watchers(), ConversationId(UUID(int=1))
    one, two = watchers.add(conversation_id), watchers.add(conversation_id)
    watchers.remove(conversation_id, one)
    watchers.wake(str(conversation_id))
    assert (one.is_set(), two.is_set()) == (False, True)
    watchers.remove(conversation_id, two)
    watchers.remove(conversation_id, two)
    watchers.wake("nobody")
    assert watchers._events == {}


async def test_somebody_elses_elements_are_passed_over(redis_url: str) -> None:
    prefix, case_id = uuid4().hex, CaseId(uuid4())
    signals = RedisSignals(redis_url, prefix=prefix)
    async with Redis.from_url(redis_url) as client:
        await client.lpush(f"{prefix}:cases", b"garbage", b"\xff\xfe", b"", f"{case_id}|soon".encode(), b"x|1")
        await client.lpush(f"{prefix}:cases", f"{case_id}|1.5".encode())
    async with listening(signals.cases()) as queue:
        assert await asyncio.wait_for(queue.get(), 5) == CaseHint(case_id, 1.5)
    await signals.close()


async def test_a_hint_reaches_one_worker_and_waits_for_it(redis_url: str) -> None:
    signals, case_id = RedisSignals(redis_url, prefix=uuid4().hex), CaseId(uuid4())
    await signals.case_waits(case_id)
    await signals.flush()
    async with listening(signals.cases()) as one, listening(signals.cases()) as two:
        async with asyncio.timeout(5):
            while one.empty() and two.empty():  # noqa: ASYNC110 - whichever of the two is first
                await asyncio.sleep(0.01)
        assert one.qsize() + two.qsize() == 1
    await signals.close()


async def test_listening_ends_when_it_is_cancelled_in_any_moment(redis_url: str) -> None:
    for steps in range(12):
        signals, arrived = RedisSignals(redis_url, prefix=uuid4().hex), asyncio.Event()

        async def listen(signals: RedisSignals = signals, arrived: asyncio.Event = arrived) -> None:
            async for _ in signals.cases():
                arrived.set()

        task = asyncio.create_task(listen())
        await signals.case_waits(CaseId(uuid4()))
        await signals.flush()
        await arrived.wait()
        for _ in range(steps % 3):
            await asyncio.sleep(0)
        task.cancel()
        _, still_there = await asyncio.wait([task], timeout=3.0)
        assert not still_there
        await signals.close()


async def test_a_list_that_nobody_reads_stays_bounded(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.redis.signals._LONGEST_LIST", 10)
    prefix = uuid4().hex
    signals = RedisSignals(redis_url, prefix=prefix)
    for _ in range(30):
        await signals.case_waits(CaseId(uuid4()))
        await signals.outbox_waits()
        await signals.flush()
    async with Redis.from_url(redis_url) as client:
        assert await client.llen(f"{prefix}:cases") <= 11
        assert await client.llen(f"{prefix}:outbox") == 1
    await signals.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def redis_on(port: int) -> AsyncIterator[None]:
    program = find_redis()
    if program is None:
        pytest.skip("no redis-server was found on this machine")
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(program, *arguments, stdout=nowhere, stderr=nowhere)
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_while_redis_is_away_sending_is_silent_and_quick_and_listening_recovers_by_itself() -> None:
    port = free_port()
    signals, case_id = RedisSignals(f"redis://127.0.0.1:{port}"), CaseId(uuid4())
    await signals.open()
    began = time.monotonic()
    await signals.case_waits(case_id)
    await signals.outbox_waits()
    await signals.conversation_changed(ConversationId(uuid4()))
    await signals.flush()
    assert await signals.ping() is False
    assert time.monotonic() - began < 10
    conversation_id = ConversationId(uuid4())
    async with listening(signals.cases()) as queue, signals.watch(conversation_id) as event:
        await asyncio.sleep(0.1)
        async with redis_on(port):
            assert (await heard(queue, lambda: signals.case_waits(case_id))).case_id == case_id
            await heard_by(event, lambda: signals.conversation_changed(conversation_id))
        event.clear()
        async with redis_on(port):
            assert (await heard(queue, lambda: signals.case_waits(case_id))).case_id == case_id
            await heard_by(event, lambda: signals.conversation_changed(conversation_id))
    await signals.close()


async def heard_by(event: asyncio.Event, send: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(8):
        while not event.is_set():
            await send()
            await asyncio.sleep(0.05)


async def test_a_half_open_redis_costs_half_a_second_and_nobody_waits_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        signals = RedisSignals(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        for _ in range(40):
            await signals.case_waits(CaseId(uuid4()))
        assert time.monotonic() - began < 10  # half a second each, were they waited for
        await signals.flush()
        assert time.monotonic() - began > 0.3
        await signals.close()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_redis_that_never_answers_is_waited_for_once_in_a_while_not_by_every_request() -> None:
    clock = Clock()
    breaker = Breaker("redis", LIMITS, clock=clock)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        signals = RedisSignals(f"redis://127.0.0.1:{silent.getsockname()[1]}", breaker=breaker)
        for _ in range(LIMITS.failures):
            await signals.case_waits(CaseId(uuid4()))
            await signals.flush()
        assert (breaker.status.state, breaker.status.reason) == ("open", "timeout")
        began = time.monotonic()
        for _ in range(50):
            await signals.case_waits(CaseId(uuid4()))
            await signals.outbox_waits()
            await signals.conversation_changed(ConversationId(uuid4()))
            await signals.flush()
        assert time.monotonic() - began < 10
        assert await signals.ping() is False
        clock.now += LIMITS.cooldown
        began = time.monotonic()
        await signals.outbox_waits()
        await asyncio.gather(*(signals.flush() for _ in range(20)))
        assert 0.3 < time.monotonic() - began < 5
        await signals.close()


async def until_up(signals: Signals) -> None:
    async with asyncio.timeout(5):
        while not await signals.ping():  # noqa: ASYNC110 - another program's start is no event of ours
            await asyncio.sleep(0.05)


async def test_hints_flow_again_when_redis_is_back() -> None:
    clock, port, told = Clock(), free_port(), list[State]()
    breaker = Breaker("redis", LIMITS, clock=clock, on_change=lambda status: told.append(status.state))
    signals, case_id = RedisSignals(f"redis://127.0.0.1:{port}", breaker=breaker), CaseId(uuid4())
    for _ in range(LIMITS.failures):
        await signals.case_waits(case_id)
        await signals.flush()
    assert (breaker.status.state, breaker.status.reason) == ("open", "unreachable")
    async with redis_on(port), listening(signals.cases()) as queue:
        await until_up(signals)
        await signals.case_waits(case_id)
        await signals.flush()
        assert told == ["open"]
        clock.now += LIMITS.cooldown
        await signals.case_waits(case_id)
        await signals.flush()
        assert told == ["open", "half-open", "closed"]
        assert (await asyncio.wait_for(queue.get(), 5)).case_id == case_id
    await signals.close()


async def test_a_redis_that_takes_nothing_is_left_alone_too() -> None:
    port = free_port()
    breaker = Breaker("redis", LIMITS)
    signals = RedisSignals(f"redis://127.0.0.1:{port}", breaker=breaker)
    async with redis_on(port):
        await until_up(signals)
        async with Redis.from_url(f"redis://127.0.0.1:{port}") as client:
            await client.config_set("maxmemory", "1")
        for _ in range(LIMITS.failures):
            await signals.outbox_waits()
            await signals.flush()
        assert (breaker.status.state, breaker.status.reason) == ("open", "refused")
        await signals.close()


async def test_listening_on_postgres_recovers_when_its_connections_are_cut(database: Database) -> None:
    signals, case_id = PostgresSignals(database), CaseId(uuid4())
    async with listening(signals.cases()) as queue:
        await heard(queue, lambda: signals.case_waits(case_id))
        async with database.connection() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'csagent listen' and datname = current_database()"
            )
        await asyncio.sleep(0.1)
        while not queue.empty():
            queue.get_nowait()
        assert await heard(queue, lambda: signals.case_waits(case_id), seconds=8) == CaseHint(case_id, 0.0)
    await signals.close()


async def test_notifying_is_silent_while_postgres_is_away(database_url: str) -> None:
    database = Database(database_url, size=2, wait=0.1)
    signals = PostgresSignals(database)  # its pool was never opened
    with suppress(Exception):
        await database.open()
    await database.close()
    await signals.case_waits(CaseId(uuid4()))
    assert await signals.ping() is False


def test_an_address_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        RedisSignals("nonsense")
