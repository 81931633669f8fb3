"""A bad network before PostgreSQL."""

from __future__ import annotations

import asyncio

from tests.chaos.scene import Scene, case


@case(6)
async def every_statement_takes_half_a_second_more(scene: Scene) -> None:
    """250 ms each way between the product and PostgreSQL, for eight seconds under load."""
    async with scene.load(talks=12, pause=0.5):
        scene.stage.postgres.latency = 0.25
        await asyncio.sleep(8.0)
        scene.stage.postgres.mend()
        scene.happened()
        scene.recoveries.note("postgres slow")
        await asyncio.sleep(1.0)


@case(6)
async def connections_to_postgres_are_reset(scene: Scene) -> None:
    """Every connection is cut with an RST, ten times, wherever its statement stands."""
    async with scene.load(talks=16, pause=0.3):
        for _ in range(10):
            await asyncio.sleep(scene.dice.uniform(0.2, 1.0))
            scene.stage.postgres.reset()
            scene.happened()
            scene.recoveries.note("postgres reset")
        await asyncio.sleep(2.0)


@case(6)
async def connections_to_postgres_are_half_open(scene: Scene) -> None:
    """Nothing moves, nothing ends, for longer than a lease; then the network cuts what hung."""
    async with scene.load(talks=12, pause=0.5):
        scene.stage.postgres.frozen = True
        await asyncio.sleep(8.0)
        scene.stage.postgres.mend()
        scene.happened()
        scene.recoveries.note("postgres half-open")
        await asyncio.sleep(2.0)
