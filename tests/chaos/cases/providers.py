"""A provider that misbehaves."""

from __future__ import annotations

import asyncio

from tests.chaos.relay import RELAY
from tests.chaos.scene import Scene, Skipped, case
from tests.emulators.provider import Drop, Hang, Refuse, Stumble, Take


@case(11)
async def a_provider_takes_a_text_and_drops_the_connection(scene: Scene) -> None:
    """Taken without an answer, taken with a 500, taken and never answered: unknown each time, and never sent again."""
    for manner in (Drop(), Stumble(), Hang()):
        scene.stage.provider.behave(manner, times=3)
        said = await asyncio.gather(*(scene.talk(RELAY).say() for _ in range(3)))
        scene.happened()
        await scene.until(
            "select 1 from outbox where case_id = any(%(cases)s) and state = 'unknown' having count(*) = 3",
            cases=[one.case_id for one in said],
        )


@case(11)
async def a_provider_refuses_for_a_while(scene: Scene) -> None:
    """429, then 503, then slow answers. Twenty seconds stand for half an hour; what waits is sent when it is over."""
    provider = scene.stage.provider
    async with scene.load(talks=10, pause=1.0):
        for status in (429, 503):
            provider.behave(Refuse(status))
            await asyncio.sleep(10)
            scene.happened()
        provider.behave(Take(1.0))
        await asyncio.sleep(4)
        scene.happened()
    provider.mend()


@case(11)
async def statuses_come_out_of_order(scene: Scene) -> None:
    """Delivery statuses that come late and out of order."""
    raise Skipped("no channel in the product takes delivery statuses yet, so there is nothing to disorder")
