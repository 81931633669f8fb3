"""The faults of the mixed run: each begins, lasts a moment, and is mended by whoever would mend it in real life."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from evals.emulators.gmail import faults as gmail
from evals.emulators.gmail.push import Deliver, Lose, Overtake
from evals.emulators.twilio import faults as twilio
from skills.turn import ChannelName
from tests.chaos.correspondents import BY_PROVIDER, Correspondents
from tests.chaos.recovery import Recoveries
from tests.chaos.relay import RELAY
from tests.chaos.stage import LEASE, Stage
from tests.emulators.provider import Drop, Hang, Refuse, Stumble, Take

SEND = "gmail.users.messages.send"

Inject = Callable[[Stage, Recoveries], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault. ``weight``: how often it comes, compared with others. ``redis``: it needs one."""

    kind: str
    weight: int
    inject: Inject
    redis: bool = False


async def kill_worker(stage: Stage, recoveries: Recoveries) -> None:
    await recoveries.kill(stage, f"worker {stage.dice.randrange(2)}")


async def kill_both_workers(stage: Stage, recoveries: Recoveries) -> None:
    await asyncio.gather(*(recoveries.kill(stage, f"worker {n}") for n in range(2)))


async def kill_sender(stage: Stage, recoveries: Recoveries) -> None:
    await recoveries.kill(stage, "sender")


async def kill_api(stage: Stage, recoveries: Recoveries) -> None:
    await stage.product.kill("api")
    await stage.product.until_ready()
    recoveries.note("kill api")


async def stop_and_continue_worker(stage: Stage, recoveries: Recoveries) -> None:
    name = f"worker {stage.dice.randrange(2)}"
    await recoveries.stop(stage, name)
    await asyncio.sleep(LEASE * 1.2)
    stage.product.signal(name, signal.SIGCONT)
    recoveries.note("stopped worker goes on")


async def replace_worker(stage: Stage, recoveries: Recoveries) -> None:
    await stage.product.restart(f"worker {stage.dice.randrange(2)}", CSAGENT_WORKER__DRAIN_SECONDS="0.05")
    recoveries.note("replaced")


async def jump_clock(stage: Stage, recoveries: Recoveries) -> None:
    name = f"worker {stage.dice.randrange(2)}"
    stage.product.signal(name, signal.SIGUSR1)
    await asyncio.sleep(1.0)
    stage.product.signal(name, signal.SIGUSR2)
    recoveries.note("clock jump")


async def restart_postgres(stage: Stage, recoveries: Recoveries) -> None:
    recoveries.note("postgres restart", await stage.restart_postgres())


async def terminate_backends(stage: Stage, recoveries: Recoveries) -> None:
    for _ in range(3):
        await stage.terminate_backends()
        await asyncio.sleep(0.2)
    recoveries.note("backends terminated")


async def slow_postgres(stage: Stage, recoveries: Recoveries) -> None:
    stage.postgres.latency = 0.25  # each way
    await asyncio.sleep(2.0)
    stage.postgres.mend()
    recoveries.note("postgres slow")


async def reset_postgres(stage: Stage, recoveries: Recoveries) -> None:
    for _ in range(3):
        stage.postgres.reset()
        await asyncio.sleep(0.2)
    recoveries.note("postgres reset")


async def freeze_postgres(stage: Stage, recoveries: Recoveries) -> None:
    stage.postgres.frozen = True
    await asyncio.sleep(3.0)
    stage.postgres.mend()
    recoveries.note("postgres half-open")


async def kill_redis(stage: Stage, recoveries: Recoveries) -> None:
    await stage.restart_redis()
    recoveries.note("redis killed")


async def flush_redis(stage: Stage, recoveries: Recoveries) -> None:
    await stage.with_redis("FLUSHALL")
    recoveries.note("redis flushed")


async def fill_redis(stage: Stage, recoveries: Recoveries) -> None:
    await stage.with_redis("CONFIG", "SET", "maxmemory", 1)
    await asyncio.sleep(2.0)
    at = datetime.now(UTC)
    await stage.with_redis("CONFIG", "SET", "maxmemory", "64mb")
    recoveries.note("redis out of memory", at)


async def freeze_redis(stage: Stage, recoveries: Recoveries) -> None:
    assert stage.redis is not None
    stage.redis.frozen = True
    await asyncio.sleep(3.0)
    stage.redis.mend()
    recoveries.note("redis half-open")


async def lose_redis(stage: Stage, recoveries: Recoveries) -> None:
    assert stage.redis is not None
    stage.redis.refusing = True
    stage.redis.reset()
    recoveries.note("redis lost")  # from its loss: the product goes on without it
    await asyncio.sleep(3.0)
    stage.redis.mend()


async def drop_sends(stage: Stage, recoveries: Recoveries) -> None:
    stage.provider.behave(Drop(), times=2)
    recoveries.note("provider drops")


async def stumble_sends(stage: Stage, recoveries: Recoveries) -> None:
    stage.provider.behave(Stumble(), times=2)
    recoveries.note("provider answers 500")


async def hang_sends(stage: Stage, recoveries: Recoveries) -> None:
    stage.provider.behave(Hang(), times=1)
    recoveries.note("provider hangs")


async def refuse_sends(stage: Stage, recoveries: Recoveries) -> None:
    stage.provider.behave(Refuse(stage.dice.choice((429, 503))))
    await asyncio.sleep(2.5)
    stage.provider.mend()
    recoveries.note("provider refuses")


async def kill_scheduler(stage: Stage, recoveries: Recoveries) -> None:
    await recoveries.kill(stage, "scheduler")


async def drop_taken(stage: Stage, recoveries: Recoveries) -> None:
    outside = _outside(stage)
    outside.gmail.faults.on(gmail.Drop(taken=True), SEND, times=2)
    outside.twilio.script(twilio.Drop(taken=True), twilio.Drop(taken=True))
    recoveries.note("gmail and twilio drop")


async def refuse_there(stage: Stage, recoveries: Recoveries) -> None:
    outside = _outside(stage)
    bad = stage.dice.choice(((gmail.TOO_MANY, twilio.rate_limited()), (gmail.UNAVAILABLE, twilio.unavailable())))
    outside.gmail.faults.on(bad[0])
    outside.twilio.otherwise(bad[1])
    await asyncio.sleep(4.0)
    outside.gmail.faults.mend()
    outside.twilio.mend()
    recoveries.note("gmail and twilio refuse")


async def disorder_pushes(stage: Stage, recoveries: Recoveries) -> None:
    _outside(stage).gmail.pubsub.next(Lose(), Lose(), Deliver(2), Overtake(), Deliver(3))
    recoveries.note("pushes lost, doubled, overtaken")


async def forget_cursor(stage: Stage, recoveries: Recoveries) -> None:
    await asyncio.to_thread(_outside(stage).gmail.mailbox.forget_history)
    recoveries.note("cursor forgotten")


async def disorder_statuses(stage: Stage, recoveries: Recoveries) -> None:
    _outside(stage).twilio.lives(twilio.OUT_OF_ORDER, twilio.DOUBLED, twilio.LOST, twilio.OUT_OF_ORDER)
    recoveries.note("statuses out of order")


def _outside(stage: Stage) -> Correspondents:
    assert stage.correspondents is not None, "the stage has emulated providers"
    return stage.correspondents


async def slow_sends(stage: Stage, recoveries: Recoveries) -> None:
    stage.provider.behave(Take(1.5), times=10)
    recoveries.note("provider slow")


FAULTS = (
    Fault("kill worker", 8, kill_worker),
    Fault("kill both workers", 2, kill_both_workers),
    Fault("kill sender", 2, kill_sender),
    Fault("kill api", 2, kill_api),
    Fault("stopped worker goes on", 2, stop_and_continue_worker),
    Fault("replaced", 1, replace_worker),
    Fault("clock jump", 1, jump_clock),
    Fault("postgres restart", 4, restart_postgres),
    Fault("backends terminated", 2, terminate_backends),
    Fault("postgres slow", 1, slow_postgres),
    Fault("postgres reset", 2, reset_postgres),
    Fault("postgres half-open", 1, freeze_postgres),
    Fault("redis killed", 2, kill_redis, redis=True),
    Fault("redis flushed", 1, flush_redis, redis=True),
    Fault("redis out of memory", 1, fill_redis, redis=True),
    Fault("redis half-open", 1, freeze_redis, redis=True),
    Fault("redis lost", 2, lose_redis, redis=True),
    Fault("provider drops", 1, drop_sends),
    Fault("provider answers 500", 1, stumble_sends),
    Fault("provider hangs", 1, hang_sends),
    Fault("provider refuses", 1, refuse_sends),
    Fault("provider slow", 1, slow_sends),
)

PROVIDERS = (
    Fault("kill scheduler", 2, kill_scheduler),
    Fault("gmail and twilio drop", 2, drop_taken),
    Fault("gmail and twilio refuse", 1, refuse_there),
    Fault("pushes lost, doubled, overtaken", 2, disorder_pushes),
    Fault("cursor forgotten", 1, forget_cursor),
    Fault("statuses out of order", 1, disorder_statuses),
)
"""Those of Gmail and Twilio."""
ALL = FAULTS + PROVIDERS


def faults_of(channels: Collection[ChannelName]) -> list[Fault]:
    """Those that customers of these channels can feel."""
    usual = [fault for fault in FAULTS if RELAY in channels or not fault.kind.startswith("provider")]
    return [*usual, *(PROVIDERS if set(BY_PROVIDER) & set(channels) else ())]
