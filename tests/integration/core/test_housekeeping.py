"""What the scheduler keeps in order, and what it must never touch."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from graph.review import make_decision
from infra.postgres.housekeeping import Housekeeping
from skills.errors import LeaseLostError
from skills.turn import CaseId
from tests.core import Core

DAY = timedelta(days=1)
LEFT = """
with blob as (
    insert into checkpoint_blobs (thread_id, channel, version, type, blob) values (%s, 'turn', '1', 'msgpack', '')
), write as (
    insert into checkpoint_writes (thread_id, checkpoint_id, task_id, task_path, idx, channel, blob)
    values (%s, '1', 't', '', 0, 'turn', '')
)
insert into checkpoints (thread_id, checkpoint_id, checkpoint) values (%s, '1', '{}') returning 1
"""
TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")


@pytest.fixture
def house(core: Core) -> Housekeeping:
    return Housekeeping(core.database)


async def rows_of(core: Core, case_id: CaseId) -> int:
    """What LangGraph's tables hold of a case."""
    found = 0
    for table in TABLES:
        found += len(await core.rows(f"select 1 from {table} where thread_id = %s", str(case_id)))
    return found


async def age(core: Core, case_id: CaseId, days: int) -> CaseId:
    """Let everything in a case have happened so long ago, its opening too, which its id tells."""
    moved = CaseId(UUID(int=case_id.int - (days * 86_400_000 << 80)))
    keys = await core.rows(
        "select conrelid::regclass::text as place, conname as name, pg_get_constraintdef(oid) as definition"
        " from pg_constraint where contype = 'f' and confrelid = 'cases'::regclass"
    )
    async with core.database.transaction() as connection:
        for key in keys:
            await connection.execute(f"alter table {key['place']} drop constraint {key['name']}".encode())
        for table in ("messages", "turns", "case_work", "outbox", "escalations", "dead_letters"):
            await connection.execute(f"update {table} set case_id = %s where case_id = %s".encode(), [moved, case_id])
        await connection.execute("update cases set id = %s where id = %s", [moved, case_id])
        for table in TABLES:
            await connection.execute(
                f"update {table} set thread_id = %s where thread_id = %s".encode(), [str(moved), str(case_id)]
            )
        await connection.execute(
            "update turns set finished_at = finished_at - %s where case_id = %s", [timedelta(days=days), moved]
        )
    async with core.database.transaction() as connection:  # the keys are checked when nothing else is pending
        for key in keys:
            await connection.execute(
                f"alter table {key['place']} add constraint {key['name']} {key['definition']}".encode()
            )
    return moved


async def finished(core: Core, thread: str, days: int) -> CaseId:
    """A case whose one turn ended so long ago, and whose thread holds what an older version left there."""
    receipt = await core.write(thread, "hello")
    await core.work(receipt.case_id)
    await core.deliver()
    await core.rows(LEFT, *[str(receipt.case_id)] * 3)
    assert await rows_of(core, receipt.case_id) > 0
    return await age(core, receipt.case_id, days)


async def test_what_an_idle_thread_left_goes_and_what_a_busy_one_left_stays(core: Core, house: Housekeeping) -> None:
    idle, busy = await finished(core, "idle", 2), await finished(core, "busy", 0)
    kept = await rows_of(core, busy)
    pruned = await house.prune_threads(DAY)
    assert (pruned.threads, pruned.more) == (1, False)
    assert (await rows_of(core, idle), await rows_of(core, busy)) == (0, kept)
    assert (await house.prune_threads(DAY)).rows == 0


async def test_a_pruned_case_goes_on_as_if_nothing_had_been_there(core: Core, house: Housekeeping) -> None:
    await finished(core, "talk", 30)
    await house.prune_threads(DAY)
    again = await core.write("talk", "and now?")
    await core.work(again.case_id)
    await core.deliver()
    assert (await core.said("talk"))[-1] == "agent: echo: and now?"


async def test_a_paused_thread_is_kept_however_old_it_is_and_resumes(core: Core, house: Housekeeping) -> None:
    receipt = await core.write("talk", "a person please")
    await core.work(receipt.case_id)
    kept = await rows_of(core, receipt.case_id)
    # Its rows are sealed for its own thread, so it can't be given an older id: the rule is what must keep it.
    await core.rows("update turns set finished_at = now() - interval '900 days' returning 1")
    assert (await house.prune_threads(timedelta(seconds=-1))).rows == 0
    assert await rows_of(core, receipt.case_id) == kept
    (queued,) = await core.reviews.queue()
    read = await core.reviews.read(queued.id, reader="kim")
    await core.reviews.decide(read.id, make_decision(action="approve", reviewer="kim"), seen=read.version)
    assert (await house.prune_threads(timedelta(seconds=-1))).rows == 0, "a decision waits to be applied"
    await core.work(receipt.case_id)
    await core.deliver()
    assert (await core.said("talk"))[-1] == "agent: echo: a person please"


@pytest.mark.parametrize(
    "state",
    [
        "due_at = now()",
        "paused = true",
        "leased_until = now() + interval '1 minute'",
    ],
)
async def test_a_case_that_is_not_at_rest_is_passed_over(core: Core, house: Housekeeping, state: str) -> None:
    case_id = await finished(core, "talk", 2)
    await core.rows(f"update case_work set {state} where case_id = %s returning 1", case_id)
    assert (await house.prune_threads(DAY)).rows == 0


async def test_somebody_elses_threads_are_left_alone(core: Core, house: Housekeeping) -> None:
    for thread in ("0-not-a-case", str(UUID(int=5))):
        await core.rows(
            "insert into checkpoints (thread_id, checkpoint_id, checkpoint) values (%s, 'c', '{}') returning 1", thread
        )
    assert (await house.prune_threads(DAY)).rows == 0
    assert len(await core.rows("select 1 from checkpoints")) == 2


async def test_two_at_once_prune_every_idle_thread_once(core: Core, house: Housekeeping) -> None:
    cases = [await finished(core, f"talk {n}", 2) for n in range(6)]
    done = await asyncio.gather(*(house.prune_threads(DAY) for _ in range(3)))
    assert sum(pruned.threads for pruned in done) >= len(cases)
    assert [await rows_of(core, case_id) for case_id in cases] == [0] * len(cases)


async def test_pruning_stops_when_its_time_is_up_and_says_so(core: Core, house: Housekeeping) -> None:
    await finished(core, "talk", 2)
    pruned = await house.prune_threads(DAY, seconds=0)
    assert (pruned.threads, pruned.more) == (0, True)


async def test_pruning_stops_when_its_scheduler_leads_no_more(core: Core, house: Housekeeping) -> None:
    case_id = await finished(core, "talk", 2)

    async def over() -> None:
        raise LeaseLostError

    with pytest.raises(LeaseLostError):
        await house.prune_threads(DAY, check=over)
    assert await rows_of(core, case_id) > 0


async def test_partitions_are_made_once_and_a_late_review_is_noted_once_however_many_look(
    core: Core, house: Housekeeping
) -> None:
    receipt = await core.write("talk", "a person please")
    await core.work(receipt.case_id)
    await core.rows("update escalations set due_at = now() - interval '1 minute' returning 1")
    (newest,) = await core.rows("select max(relname) as name from pg_class where relname like 'events_20__\\___'")
    async with core.database.connection() as connection:
        await connection.execute(f"drop table {newest['name']}".encode())
    made = await asyncio.gather(*(house.make_partitions() for _ in range(4)))
    assert sum(made) == 1
    noted = await asyncio.gather(*(house.note_late_reviews() for _ in range(4)))
    assert sum(noted) == 1
    assert await house.note_late_reviews() == 0
    (event,) = await core.rows("select case_id, actor from events where kind = 'escalation.late'")
    assert event == {"case_id": receipt.case_id, "actor": "scheduler"}


async def test_a_thread_of_a_case_that_is_gone_does_not_stop_the_others(core: Core, house: Housekeeping) -> None:
    stray: dict[str, Any] = {"thread_id": str(UUID(int=uuid4().int >> 90))}
    await core.rows(
        "insert into checkpoints (thread_id, checkpoint_id, checkpoint) values (%s, 'c', '{}') returning 1",
        stray["thread_id"],
    )
    case_id = await finished(core, "talk", 2)
    assert (await house.prune_threads(DAY)).threads == 1
    assert await rows_of(core, case_id) == 0
