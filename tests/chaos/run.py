"""One invocation: the separate cases, then the mixed run, and the report over all of it."""

from __future__ import annotations

import asyncio
import random
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from skills.turn import ChannelName
from tests.chaos.customers import CHANNELS
from tests.chaos.faults import faults_of
from tests.chaos.judge import Verdict, judge
from tests.chaos.mixed import MixedRun
from tests.chaos.records import collect, promised_to, settled
from tests.chaos.recovery import Recoveries, quantile, summary
from tests.chaos.scene import CASES, Case, Scene, Skipped
from tests.chaos.stage import LEASE, Stage, set_up

WRONG = ("lost", "reordered", "doubled", "unknown_hidden", "untexted")
"""What has to be zero."""
MOST_POSTGRES = 10.0
MOST_REDIS = 2.0
MOST_AFTER_LEASE = 5.0
"""Seconds that recovery may take: after a restart of PostgreSQL, added without Redis, and after a lease has run out."""
LONGEST_CASE = 240.0
SMALLEST_MIX = 0.4
"""The share of the faults that comes in the mixed run, however many the cases had."""


@dataclass
class Run:
    """One run.

    Args:
        messages: acknowledged at least, in all.
        faults: injected at least, in all.
        seed: of all chance.
        cases: the names of the separate cases, in their order.
        mixed: whether the mixed run follows.
        kinds: of its faults; all when left out.
        redis: whether the product has one.
        channels: on which customers of the mixed run write.
    """

    messages: int
    faults: int
    seed: int
    cases: Sequence[str] = ()
    mixed: bool = True
    kinds: Sequence[str] | None = None
    redis: bool = True
    channels: Sequence[ChannelName] = CHANNELS
    _told: dict[str, Any] = field(default_factory=dict)
    _skipped: dict[str, str] = field(default_factory=dict)
    _figures: dict[str, Any] = field(default_factory=dict)
    _injected: int = 0
    _broken: int = 0
    _apart: list[Verdict] = field(default_factory=list)

    async def report(self) -> dict[str, Any]:
        """Do it, and say how it went."""
        self._began = time.monotonic()
        async with set_up(seed=self.seed, redis=self.redis, emulators=True, CHAOS_NODE_SECONDS="0.4") as stage:
            self._say("the product is up")
            recoveries, verdict = Recoveries(), judge(await collect(stage))
            for name in self.cases:
                verdict = await self._one(CASES[name], stage, recoveries, verdict)
            if self.mixed:
                verdict = await self._mix(stage, recoveries)
            took = await recoveries.seconds(stage)
        return self._report(verdict, took)

    async def _one(self, case: Case, stage: Stage, recoveries: Recoveries, before: Verdict) -> Verdict:
        """One case, and the verdict over everything so far."""
        dice = random.Random(self.seed + zlib.crc32(case.name.encode()))
        scene = Scene(stage, recoveries, dice)
        began = time.monotonic()
        try:
            async with asyncio.timeout(LONGEST_CASE):
                await case.run(scene)
        except Skipped as reason:
            self._skipped[case.name] = str(reason)
            self._say(f"{case.name}: skipped, {reason}")
            return before
        except Exception as error:  # noqa: BLE001 - a case that fails is told, and the others still run
            scene.expect(held=False, sentence=f"the case ended with {error!r:.300}")
        stage.mend()
        verdict = await self._judged(stage)
        new = {name: getattr(verdict, name) - getattr(before, name) for name in (*WRONG, "messages", "unknown", "dead")}
        for line in verdict.findings:
            if line not in before.findings:
                self._say(f"  {line}")
        for line in scene.broken:
            self._say(f"  not so: {line}")
        held = not scene.broken and not any(new[name] for name in WRONG) and all(v.good for v in scene.verdicts)
        self._apart += scene.verdicts
        self._injected += scene.faults
        self._broken += not held
        self._figures |= scene.figures
        self._told[case.name] = {
            "held": held,
            "faults": scene.faults,
            "seconds": round(time.monotonic() - began, 1),
            **{name: count for name, count in new.items() if count},
            **scene.figures,
        }
        self._say(f"{case.name}: {'held' if held else 'NOT HELD'} {self._told[case.name]}")
        return verdict

    async def _mix(self, stage: Stage, recoveries: Recoveries) -> Verdict:
        faults = max(self.faults - self._injected, round(self.faults * SMALLEST_MIX))
        messages = max(0, self.messages - len(stage.customers.acknowledged) - len(promised_to(stage)))
        self._say(f"the mixed run: {messages} messages, {faults} faults")
        kinds = [fault for fault in faults_of(self.channels) if self.kinds is None or fault.kind in self.kinds]
        mixed = MixedRun(
            stage, recoveries, kinds, messages=messages, faults=faults, seed=self.seed, channels=self.channels
        )
        await mixed.run()
        self._injected += sum(mixed.injected.values())
        self._say("all is written; waiting until all is done")
        verdict = await self._judged(stage)
        for line in verdict.findings[:50]:
            self._say(f"  {line}")
        return verdict

    async def _judged(self, stage: Stage) -> Verdict:
        if left := await settled(stage):
            self._say(f"  it does not come to rest: {left}")
        return judge(await collect(stage))

    def _report(self, verdict: Verdict, took: dict[str, list[float]]) -> dict[str, Any]:
        kills = [seconds for kind, values in took.items() if kind in KILLS for seconds in values]
        kill, postgres = round(quantile(kills, 0.99), 2), round(max(took.get("postgres restart", [0.0])), 2)
        counts = {name: sum(getattr(one, name) for one in (verdict, *self._apart)) for name in COUNTED}
        added = self._figures.get("redis_added_s")
        bounds = kill <= LEASE + MOST_AFTER_LEASE and postgres <= MOST_POSTGRES and (added or 0.0) <= MOST_REDIS
        return {
            **counts,
            "faults": self._injected,
            "kill_recovery_p99_s": kill,
            "lease_s": LEASE,
            "postgres_recovery_s": postgres,
            "redis_added_s": added,
            "recovery": summary(took),
            "seed": self.seed,
            "channels": list(self.channels),
            "cases": self._told,
            "skipped": self._skipped,
            "seconds": round(time.monotonic() - self._began, 1),
            "good": bounds and not self._broken and not any(counts[name] for name in WRONG),
        }

    def _say(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:6.0f} s  {line}", file=sys.stderr, flush=True)


COUNTED = ("messages", "answered", "waiting", "dead", "unknown", *WRONG)
KILLS = {"kill worker"}
