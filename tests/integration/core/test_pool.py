"""When every connection is in use: who waits, who is turned away and as what, and what a lane keeps free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from infra.postgres.database import Connection, Database
from skills.errors import DatabaseBusyError, DatabaseUnavailableError
from tests.emulators.loop_thread import LoopThread
from tests.emulators.tcp_proxy import TcpProxy


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[Database]:
    """A pool of three; two may wait, for a moment."""
    database = Database(database_url, size=3, wait=0.2, max_waiting=2)
    await database.open()
    yield database
    await database.close()


async def use(database: Database) -> int:
    async with database.connection() as connection:
        row = await (await connection.execute("select 1 as one")).fetchone()
    assert row is not None
    return int(row["one"])


async def hold(database: Database, count: int, stack: AsyncExitStack) -> list[Connection]:
    """So many connections in use until the stack ends."""
    return [await stack.enter_async_context(database.connection()) for _ in range(count)]


async def refused(database: Database) -> str:
    with pytest.raises(DatabaseBusyError) as busy:
        await use(database)
    assert busy.value.hint
    return busy.value.crowd


async def waiting(database: Database, count: int) -> None:
    async with asyncio.timeout(5):
        while database.state().waiting < count:  # noqa: ASYNC110 - the pool has no event
            await asyncio.sleep(0)


async def test_who_waits_too_long_is_turned_away_and_the_pool_is_itself_again(small: Database) -> None:
    async with AsyncExitStack() as stack:
        await hold(small, 3, stack)
        assert await refused(small) == "pool_timeout"
        assert small.state().available == 0
    assert await use(small) == 1
    state = small.state()
    assert (state.size, state.available, state.waiting, state.refused) == (3, 3, 0, 1)
    assert state.waits >= 1
    assert state.wait_seconds >= 0.2


async def test_when_as_many_wait_as_may_the_next_is_turned_away_at_once(small: Database) -> None:
    async with AsyncExitStack() as stack:
        await hold(small, 3, stack)
        queued = [asyncio.create_task(use(small)) for _ in range(2)]
        await waiting(small, 2)
        async with asyncio.timeout(0.1):
            assert await refused(small) == "pool_full"
    assert await asyncio.gather(*queued) == [1, 1]


async def test_a_server_that_is_away_is_not_called_busy(database_url: str) -> None:
    gone = Database(database_url, size=2, wait=0.1, max_waiting=1)
    await gone.open()
    await gone.pool.close()
    with pytest.raises(DatabaseUnavailableError) as away:
        await use(gone)
    assert not isinstance(away.value, DatabaseBusyError)
    unreachable = Database("postgresql://nobody@127.0.0.1:1/none", size=2, wait=0.1, max_waiting=1)
    await unreachable.pool.open()
    told = await asyncio.gather(*(use(unreachable) for _ in range(4)), return_exceptions=True)
    await unreachable.close()
    assert {type(error) for error in told} == {DatabaseUnavailableError}


async def test_a_lane_leaves_the_rest_of_the_pool_free(small: Database) -> None:
    lane = small.lane(2)
    async with AsyncExitStack() as stack:
        await hold(lane, 2, stack)
        assert await refused(lane) == "lane_timeout"
        assert await use(small) == 1
        queued = [asyncio.create_task(use(lane)) for _ in range(2)]
        await waiting(small, 2)
        assert await refused(lane) == "lane_full"
        assert await use(small) == 1
    assert await asyncio.gather(*queued) == [1, 1]
    assert small.state().waiting == 0
    assert small.state().refused == 2


async def test_a_lane_is_in_the_pool_and_shares_its_want(small: Database) -> None:
    lane = small.lane(2)
    async with AsyncExitStack() as stack:
        await hold(small, 3, stack)
        assert await refused(lane) == "pool_timeout"
    async with lane.transaction() as connection:
        assert connection.info.backend_pid
    assert await use(lane) == 1


async def test_who_gives_up_waiting_leaves_the_place_to_the_next(small: Database) -> None:
    lane = small.lane(1)
    async with AsyncExitStack() as stack:
        await hold(lane, 1, stack)
        impatient = asyncio.create_task(use(lane))
        patient = asyncio.create_task(use(lane))
        await waiting(small, 2)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
    assert await patient == 1
    assert await use(lane) == 1
    assert small.state().waiting == 0


async def test_an_error_within_a_lane_gives_its_place_back(small: Database) -> None:
    lane = small.lane(1)
    for _ in range(3):
        with pytest.raises(ValueError, match="mine"):
            async with lane.connection():
                raise ValueError("mine")
    assert await use(lane) == 1


async def test_any_number_may_wait_where_nobody_limits_it(database_url: str) -> None:
    database = Database(database_url, size=2, wait=10)
    await database.open()
    lane = database.lane(1)
    assert await asyncio.gather(*(use(lane) for _ in range(300))) == [1] * 300
    assert database.state().refused == 0
    await database.close()


async def test_a_server_that_is_away_is_looked_for_without_longer_and_longer_pauses(database_url: str) -> None:
    address = urlsplit(database_url)
    assert address.port is not None
    with LoopThread() as thread, TcpProxy(thread, address.port) as network:
        through = address._replace(netloc=address.netloc.replace(str(address.port), str(network.port)))
        database = Database(through.geturl(), size=3, wait=0.2)
        await database.open()
        assert await use(database) == 1
        network.refusing = True
        network.reset()
        with pytest.raises(DatabaseUnavailableError):
            await use(database)
        async with asyncio.timeout(30):  # with pauses that double, these would take minutes
            while network.refused < 20:  # noqa: ASYNC110 - another thread's count
                await asyncio.sleep(0.05)
        network.mend()
        async with asyncio.timeout(10):
            while await _tried(database) is None:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        await database.close()


async def _tried(database: Database) -> int | None:
    try:
        return await use(database)
    except DatabaseUnavailableError:
        return None
