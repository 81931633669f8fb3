"""Clocks that are wrong. Lease times are the server's, so what is moved here is each worker's own clock."""

from __future__ import annotations

import asyncio
import signal

from tests.chaos.scene import Scene, case


@case(13)
async def clocks_jump_by_ten_minutes(scene: Scene) -> None:
    """Each worker's clock jumps ten minutes on and back under load, with turns that pause and resume meanwhile."""
    product, reviewers = scene.stage.product, scene.stage.reviewers
    async with scene.load(talks=12, pause=0.4):
        for name in ("worker 0", "worker 1"):
            asked = [await scene.talk().say("person") for _ in range(3)]
            for number in (signal.SIGUSR1, signal.SIGUSR2):
                product.signal(name, number)
                scene.happened()
                scene.recoveries.note("clock jump")
                await asyncio.sleep(1.5)
            cases = [one.case_id for one in asked]
            query = "select id from escalations where case_id = any(%(cases)s) and status = 'open'"
            for row in await scene.until(query, cases=cases):
                await reviewers.decide(str(row["id"]), "kim", "reject")


@case(13)
async def workers_are_a_minute_apart(scene: Scene) -> None:
    """One worker half a minute ahead, one half a minute behind, and each continues what the other has begun."""
    product, reviewers = scene.stage.product, scene.stage.reviewers
    await product.restart("worker 0", CHAOS_CLOCK="30")
    await product.restart("worker 1", CHAOS_CLOCK="-30")
    scene.happened()
    async with scene.load(talks=12, pause=0.3):
        for _ in range(4):
            said = await scene.talk().say("person")
            query = "select id from escalations where case_id = %(case)s and status = 'open'"
            for action in ("reject", "approve"):
                (row,) = await scene.until(query, case=said.case_id)
                await reviewers.decide(str(row["id"]), "lee", action)
        await scene.recoveries.kill(scene.stage, "worker 0")
        scene.happened()
        await asyncio.sleep(2.0)
    await product.restart("worker 0")
    await product.restart("worker 1")
