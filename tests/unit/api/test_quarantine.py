"""The quarantine: a suspect runs alone, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random

import pytest

from api.worker import Quarantine


class Visitor:
    """Somebody who enters, says so, and stays until told to leave."""

    def __init__(self, quarantine: Quarantine, *, alone: bool = False) -> None:
        self.inside = asyncio.Event()
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._visit(quarantine, alone=alone))

    async def _visit(self, quarantine: Quarantine, *, alone: bool) -> None:
        async with quarantine.enter(alone=alone):
            self.inside.set()
            await self.leave.wait()

    async def goes(self) -> None:
        self.leave.set()
        await self.task


async def everybody_had_a_turn() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_any_number_may_be_inside_together() -> None:
    quarantine = Quarantine()
    visitors = [Visitor(quarantine) for _ in range(5)]
    for visitor in visitors:
        await visitor.inside.wait()
    for visitor in visitors:
        await visitor.goes()


async def test_a_suspect_waits_until_everybody_has_left_and_keeps_everybody_out() -> None:
    quarantine = Quarantine()
    early = [Visitor(quarantine), Visitor(quarantine)]
    await everybody_had_a_turn()
    suspect = Visitor(quarantine, alone=True)
    await everybody_had_a_turn()
    late = Visitor(quarantine)
    await early[0].goes()
    await everybody_had_a_turn()
    assert not suspect.inside.is_set()
    assert not late.inside.is_set()
    await early[1].goes()
    await suspect.inside.wait()
    assert not late.inside.is_set()
    await suspect.goes()
    await late.inside.wait()
    await late.goes()


async def test_two_suspects_are_never_inside_together() -> None:
    quarantine = Quarantine()
    one, two = Visitor(quarantine, alone=True), Visitor(quarantine, alone=True)
    ordinary = Visitor(quarantine)
    await everybody_had_a_turn()
    assert [one.inside.is_set(), two.inside.is_set(), ordinary.inside.is_set()] == [True, False, False]
    await one.goes()
    await two.inside.wait()
    assert not ordinary.inside.is_set()
    await two.goes()
    await ordinary.inside.wait()
    await ordinary.goes()


async def test_a_suspect_that_is_cancelled_while_it_waits_lets_the_others_in() -> None:
    quarantine = Quarantine()
    early = Visitor(quarantine)
    await everybody_had_a_turn()
    suspect = Visitor(quarantine, alone=True)
    await everybody_had_a_turn()
    late = Visitor(quarantine)
    await everybody_had_a_turn()
    suspect.task.cancel()
    await asyncio.wait_for(late.inside.wait(), 1)
    await early.goes()
    await late.goes()


async def test_a_suspect_that_fails_inside_lets_the_others_in() -> None:
    quarantine = Quarantine()
    with pytest.raises(ValueError, match="poison"):
        async with quarantine.enter(alone=True):
            raise ValueError("poison")
    async with asyncio.timeout(1), quarantine.enter(alone=False):
        pass


@pytest.mark.parametrize("steps", range(12))
async def test_who_is_cancelled_in_the_moment_of_leaving_has_left(steps: int) -> None:
    quarantine = Quarantine()
    suspect = Visitor(quarantine, alone=True)
    await suspect.inside.wait()

    async def look_in() -> None:
        async with quarantine.enter(alone=False):
            pass

    crowd = [asyncio.create_task(look_in()) for _ in range(50)]
    await everybody_had_a_turn()
    await suspect.goes()
    for _ in range(steps):
        await asyncio.sleep(0)
    for visitor in crowd:
        visitor.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    async with asyncio.timeout(1), quarantine.enter(alone=True):
        pass


@pytest.mark.parametrize("seed", range(20))
async def test_whoever_is_cancelled_whenever_it_never_stays_shut(seed: int) -> None:
    chance = random.Random(seed)
    quarantine = Quarantine()
    together = 0

    async def visit(*, alone: bool) -> None:
        nonlocal together
        async with quarantine.enter(alone=alone):
            together += 1
            assert not alone or together == 1
            try:
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
                    assert not alone or together == 1
            finally:
                together -= 1

    visits = [asyncio.create_task(visit(alone=chance.random() < 0.2)) for _ in range(60)]
    for _ in range(60):
        await asyncio.sleep(0)
        chance.choice(visits).cancel()
    results = await asyncio.wait_for(asyncio.gather(*visits, return_exceptions=True), 2)
    assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
    async with asyncio.timeout(1), quarantine.enter(alone=True):
        pass
    async with asyncio.timeout(1), quarantine.enter(alone=False):
        pass
