"""The mixed run: customers write all the while, reviewers decide, and one fault after the other comes by the dice."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from skills.turn import ChannelName
from tests.chaos.correspondents import Writer
from tests.chaos.customers import CHANNELS
from tests.chaos.faults import Fault
from tests.chaos.records import promised_to
from tests.chaos.recovery import Recoveries
from tests.chaos.stage import Stage

EACH = 10
"""Messages of one talk."""
AT_ONCE = 40
"""Talks that are under way at a time. With pauses between messages this is what sets the load."""
PAUSES = (0.0, 0.02, 0.5, 1.0, 3.0)
"""Seconds between a customer's messages, by the dice."""
PERSON = 0.02
"""The share of messages that ask for a person."""


class MixedRun:
    """One run.

    Args:
        stage: what it runs on.
        recoveries: where incidents are noted.
        kinds: of fault that may come.
        messages: how many are written at least; a multiple of ten is written.
        faults: how many come. Customers write until the last has come, so that none of them hits an idle product.
        seed: of texts, pauses and faults.
        channels: on which customers write.
    """

    def __init__(
        self,
        stage: Stage,
        recoveries: Recoveries,
        kinds: Sequence[Fault],
        *,
        messages: int,
        faults: int,
        seed: int,
        channels: Sequence[ChannelName] = CHANNELS,
    ) -> None:
        self._stage = stage
        self._recoveries = recoveries
        self._kinds = kinds
        self._messages = messages
        self._faults = faults
        self._seed = seed
        self._channels = channels
        self._over = asyncio.Event()
        self._began = time.monotonic()
        self.injected: Counter[str] = Counter()

    async def run(self) -> None:
        """Write and break; returns when the last message is acknowledged and everything is mended."""
        dice = random.Random(self._seed)
        self._written = 0
        if not self._faults:
            self._over.set()
        async with self._stage.reviewers.at_work(dice), asyncio.TaskGroup() as group:
            group.create_task(self._break())
            for number in range(AT_ONCE):
                group.create_task(self._write(random.Random(self._seed * 1_000_003 + number)))
        self._stage.mend()

    async def _write(self, dice: random.Random) -> None:
        """One talk after the other, until all is written and the last fault has come."""
        while self._written < self._messages or not self._over.is_set():
            talk = self._stage.writer(dice.choice(self._channels))
            self._written += EACH
            for _ in range(EACH):
                await self._say(talk, dice)

    async def _say(self, talk: Writer, dice: random.Random) -> None:
        await talk.say("person" if dice.random() < PERSON else "")
        # Bursts and pauses, longer ones while the messages would be used up before the faults.
        ahead = 0.0
        if not self._over.is_set():
            ahead = self._written / max(1, self._messages) - sum(self.injected.values()) / self._faults
        await asyncio.sleep(dice.choice(PAUSES) * min(4.0, max(1.0, 1.0 + 20.0 * ahead)))

    async def _break(self) -> None:
        faults = [fault for fault in self._kinds if self._stage.redis is not None or not fault.redis]
        await asyncio.sleep(1.0)
        for fault in drawn(faults, self._faults, self._seed):
            await self._stage.product.until_ready()  # each fault hits a whole product
            await fault.inject(self._stage, self._recoveries)
            self.injected[fault.kind] += 1
            self._tell(fault)
            await asyncio.sleep(self._stage.dice.uniform(0.2, 2.0))
        self._over.set()

    def _tell(self, fault: Fault) -> None:
        done, at = sum(self.injected.values()), time.monotonic() - self._began
        written = len(self._stage.customers.acknowledged) + len(promised_to(self._stage))
        print(
            f"{at:6.0f} s  fault {done}/{self._faults}: {fault.kind}; {written} messages", file=sys.stderr, flush=True
        )


def drawn(faults: Sequence[Fault], count: int, seed: int) -> list[Fault]:
    """So many by their weights; every kind comes before chance decides, as far as there is room."""
    dice = random.Random(seed)
    rest = dice.choices(faults, [fault.weight for fault in faults], k=max(0, count - len(faults)))
    chosen = dice.sample(list(faults), min(count, len(faults))) + rest
    dice.shuffle(chosen)
    return chosen
