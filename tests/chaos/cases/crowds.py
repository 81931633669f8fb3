"""Many messages: in one talk, or all at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.recovery import quantile
from tests.chaos.relay import RELAY
from tests.chaos.scene import Scene, case

HOT = 1_000
"""Messages of the hot talk."""
USUAL = 5.0
"""Messages a second that count as the usual load here; ten times as many come in the flood."""


@case(19)
async def one_talk_with_a_thousand_messages(scene: Scene) -> None:
    """A talk gets a thousand messages as fast as they are taken; the others' p95 from receipt to reply is compared."""
    async with scene.load(talks=8, pause=0.5):
        await asyncio.sleep(12.0)
        before = await _others(scene, 12.0)
        hot = scene.talk(RELAY)
        await hot.say()
        scene.happened()
        took = asyncio.get_running_loop().time()

        async def pour(numbers: range) -> None:
            for number in numbers:
                await hot.say_as(number)

        await asyncio.gather(*(pour(range(1 + lane, HOT, 4)) for lane in range(4)))
        took = asyncio.get_running_loop().time() - took
        await asyncio.sleep(2.0)
        after = await _others(scene, took + 2.0, hot=f"{hot.thread}")
    scene.figures["others_p95_before_s"] = round(quantile(before, 0.95), 3)
    scene.figures["others_p95_while_hot_s"] = round(quantile(after, 0.95), 3)
    scene.figures["hot_ratio"] = round(quantile(after, 0.95) / max(0.001, quantile(before, 0.95)), 2)


@case(20)
async def ten_times_the_load_then_drained(scene: Scene) -> None:
    """Ten times the usual load for twenty seconds that stand for a minute; then all of it is drained."""
    seconds = 20.0
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def customer() -> None:
        talk = scene.talk()
        for _ in range(2):
            await talk.say()

    async with asyncio.TaskGroup() as group:
        for number in range(int(USUAL * 10 * seconds / 2)):
            await asyncio.sleep(max(0.0, began + number * 2 / (USUAL * 10) - loop.time()))
            group.create_task(customer())
    scene.happened()
    acknowledged = loop.time()
    await scene.until(
        "select 1 from messages where direction = 'in' and state = 'waiting' having count(*) filter (where case_id in ("
        "select case_id from case_work where not paused)) = 0",
        patience=120.0,
    )
    scene.figures["drained_after_s"] = round(loop.time() - acknowledged, 1)
    scene.figures["messages_per_s"] = round(USUAL * 10 * seconds / (acknowledged - began), 1)


@case(20)
async def a_soak_leaves_everything_flat(scene: Scene) -> None:
    """A short soak, in two halves of fifteen seconds: workers' memory, connections, rows of an idle thread."""
    halves = []
    for _ in range(2):
        async with scene.load(talks=16, pause=0.3):
            await asyncio.sleep(15.0)
            (row,) = await scene.stage.rows(
                "select count(*) as n from pg_stat_activity where application_name like 'csagent%%'"
            )
        memory = sum(_resident_mb(pid) for pid in scene.stage.product.pids("worker"))
        halves.append((memory, int(row["n"])))
    scene.happened()
    (first, connections), (second, later_connections) = halves
    scene.figures["workers_mb"] = [round(first, 1), round(second, 1)]
    scene.figures["connections"] = [connections, later_connections]
    rows = await scene.stage.rows(
        "select coalesce(max(n), 0) as most from (select count(*) as n from checkpoints group by thread_id) t"
    )
    scene.figures["checkpoint_rows_of_a_thread"] = rows[0]["most"]
    scene.expect(second < first * 1.15 + 5, f"memory of the workers is flat: {first:.0f} MiB, then {second:.0f}")
    scene.expect(rows[0]["most"] <= 4, "an idle thread has four rows at most")


async def _others(scene: Scene, seconds: float, *, hot: str | None = None) -> list[float]:
    """Seconds from receipt to delivered reply in the last so many seconds, of every talk but the hot one."""
    skipped = [one.case_id for one in scene.stage.customers.acknowledged.values() if f"t{one.talk}" == hot][:1]
    rows = await scene.stage.rows(
        """
        select extract(epoch from min(o.delivered_at) - i.received_at)::float8 as seconds
        from messages i join messages o on o.turn_id = i.turn_id and o.direction = 'out' and o.delivered_at is not null
        where i.direction = 'in' and i.received_at > clock_timestamp() - make_interval(secs => %(seconds)s)
            and i.received_at < clock_timestamp() - interval '1 second' and i.case_id <> all(%(skipped)s)
        group by i.id, i.received_at
        """,
        seconds=seconds,
        skipped=skipped,
    )
    return [row["seconds"] for row in rows]


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20
