"""Hints over a bad network: whatever happens to a connection, sending a hint raises nothing and listening goes on.

On uvloop, as the product runs: there a write to a connection that was reset is a ``RuntimeError``, not an ``OSError``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import uvloop

from infra.redis.signals import RedisSignals
from skills.turn import CaseId, ConversationId
from tests.emulators.loop_thread import LoopThread
from tests.emulators.tcp_proxy import TcpProxy


def on_uvloop(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


async def hear(signals: RedisSignals, heard: asyncio.Queue[CaseId]) -> None:
    async for hint in signals.cases():
        heard.put_nowait(hint.case_id)


async def give_over_a_bad_network(url: str, bad_url: str, network: TcpProxy) -> None:
    prefix = uuid4().hex
    giver, taker = RedisSignals(bad_url, prefix=prefix), RedisSignals(url, prefix=prefix)
    await exchange(giver, taker, network)


async def take_over_a_bad_network(url: str, bad_url: str, network: TcpProxy) -> None:
    prefix = uuid4().hex
    giver, taker = RedisSignals(url, prefix=prefix), RedisSignals(bad_url, prefix=prefix)
    await exchange(giver, taker, network)


async def exchange(giver: RedisSignals, taker: RedisSignals, network: TcpProxy) -> None:
    """Hints get through again after the network has cut every connection, often and at any moment."""
    heard: asyncio.Queue[CaseId] = asyncio.Queue()
    await giver.open()
    await taker.open()
    listening = asyncio.create_task(hear(taker, heard))
    try:
        for number in range(30):
            await giver.conversation_changed(ConversationId(uuid4()))
            await giver.case_waits(CaseId(uuid4()))
            await asyncio.sleep(0.001 * (number % 7))
            network.reset()
            await asyncio.sleep(0.01)  # the reset arrives
        last = CaseId(uuid4())
        async with asyncio.timeout(20):
            while True:
                await giver.case_waits(last)
                with suppress(TimeoutError):
                    while await asyncio.wait_for(heard.get(), 0.5) != last:
                        pass
                    return
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await giver.close()
        await taker.close()


@pytest.mark.parametrize("what", [give_over_a_bad_network, take_over_a_bad_network])
async def test_hints_get_through_again_after_their_connections_were_reset(redis_url: str, what: Any) -> None:
    parts = urlsplit(redis_url)
    assert parts.port is not None
    with LoopThread() as thread, TcpProxy(thread, parts.port) as network:
        netloc = parts.netloc.rpartition(":")[0] + f":{network.port}"
        await asyncio.to_thread(on_uvloop, what(redis_url, urlunsplit(parts._replace(netloc=netloc)), network))
