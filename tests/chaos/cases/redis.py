"""Redis killed, emptied, full, silent, and not there at all. It is a hint: everything goes on, a moment later."""

from __future__ import annotations

import asyncio
from datetime import datetime

from tests.chaos.recovery import quantile
from tests.chaos.scene import Scene, Skipped, case
from tests.emulators.tcp_proxy import TcpProxy

MEASURED = 15.0
"""Seconds of load with Redis, and as many without."""


def _network(scene: Scene) -> TcpProxy:
    if scene.stage.redis is None:
        raise Skipped("there is no Redis on this machine")
    return scene.stage.redis


@case(7)
async def redis_is_killed_and_comes_back_empty(scene: Scene) -> None:
    """kill -9, three times under load; its keeper starts an empty one."""
    _network(scene)
    async with scene.load(talks=12, pause=0.4):
        for _ in range(3):
            await scene.stage.restart_redis()
            scene.happened()
            scene.recoveries.note("redis killed")
            await asyncio.sleep(2.0)


@case(7)
async def redis_is_flushed_and_out_of_memory(scene: Scene) -> None:
    """FLUSHALL at any moment; then no room for a single hint for four seconds."""
    _network(scene)
    async with scene.load(talks=12, pause=0.4):
        for _ in range(3):
            await scene.stage.with_redis("FLUSHALL")
            scene.happened()
            scene.recoveries.note("redis flushed")
            await asyncio.sleep(0.5)
        await scene.stage.with_redis("CONFIG", "SET", "maxmemory", 1)
        await asyncio.sleep(4.0)
        await scene.stage.with_redis("CONFIG", "SET", "maxmemory", "64mb")
        scene.happened()
        scene.recoveries.note("redis out of memory")


@case(7)
async def redis_is_half_open(scene: Scene) -> None:
    """Connections stay open and nothing moves for six seconds; then they are cut."""
    network = _network(scene)
    async with scene.load(talks=12, pause=0.4):
        network.frozen = True
        await asyncio.sleep(6.0)
        network.mend()
        scene.happened()
        scene.recoveries.note("redis half-open")
        await asyncio.sleep(1.0)


@case(7)
async def redis_is_lost_and_only_time_is(scene: Scene) -> None:
    """From receipt to reply with Redis and without it, under the same load of customers who let each other speak.

    ``redis_added_s`` is what was added to the median or to the 99th percentile, whichever is more. Restarts of a worker
    and the sender without Redis come after the measuring.
    """
    network = _network(scene)
    product = scene.stage.product
    async with scene.load(talks=40, pause=2.5):
        await asyncio.sleep(2.0)
        began = await _now(scene)
        await asyncio.sleep(MEASURED)
        before = await _latencies(scene, began)
        network.refusing = True
        network.reset()
        scene.happened()
        scene.recoveries.note("redis lost")
        began = await _now(scene)
        await asyncio.sleep(MEASURED)
        after = await _latencies(scene, began)
        # Workers and senders that start while it is away must do without it from the beginning.
        await product.restart("worker 1")
        await product.restart("sender")
        scene.happened()
        await asyncio.sleep(3.0)
        network.mend()
    for name, values in (("with", before), ("without", after)):
        scene.figures[f"{name}_redis_p50_s"] = round(quantile(values, 0.5), 3)
        scene.figures[f"{name}_redis_p99_s"] = round(quantile(values, 0.99), 3)
    added = max(quantile(after, share) - quantile(before, share) for share in (0.5, 0.99))
    scene.figures["redis_added_s"] = round(max(0.0, added), 3)
    scene.expect(len(before) > 50 and len(after) > 50, "enough messages were answered to compare")


async def _now(scene: Scene) -> datetime:
    at: datetime = (await scene.stage.rows("select clock_timestamp() as at"))[0]["at"]
    return at


async def _latencies(scene: Scene, since: datetime) -> list[float]:
    """Seconds from receipt to delivered reply, of every message received since then that has had time for one."""
    rows = await scene.stage.rows(
        """
        select extract(epoch from min(o.delivered_at) - i.received_at)::float8 as seconds
        from messages i join messages o on o.turn_id = i.turn_id and o.direction = 'out' and o.delivered_at is not null
        where i.direction = 'in' and i.received_at between %(since)s and clock_timestamp() - interval '4 seconds'
        group by i.id, i.received_at
        """,
        since=since,
    )
    return [row["seconds"] for row in rows]
