"""Workers that die, stop, hang, and are told to go."""

from __future__ import annotations

import asyncio
import signal

from tests.chaos.deaths import NODES
from tests.chaos.scene import Scene, case
from tests.chaos.stage import LEASE

PLACES = (
    *(f"{node}.{when}" for node in NODES for when in ("before", "in", "after")),
    "review.before",
    "review.in",
    "commit.before",
    "commit.after",
)


@case(1)
async def a_worker_dies_around_every_node(scene: Scene) -> None:
    """A worker is killed before, in and after each node, between the graph's end and its commit, and just after it."""
    for number, place in enumerate(PLACES):
        said = await scene.talk().say(f"{'person ' if place.startswith('review') else ''}@die={place}@")
        await scene.deaths(number + 1)
        scene.note_death_of(said.case_id)
        scene.happened()


@case(5)
async def a_worker_is_stopped_past_its_lease_and_goes_on(scene: Scene) -> None:
    """SIGSTOP in the middle of turns, long enough for others to take them; what it does after CONT is refused."""
    async with scene.load(talks=16, pause=0.3):
        for name in ("worker 0", "worker 1"):
            await asyncio.gather(*(scene.talk().say("@slow=1.0@") for _ in range(6)))
            await scene.recoveries.stop(scene.stage, name)
            await asyncio.sleep(LEASE * 1.3)
            scene.stage.product.signal(name, signal.SIGCONT)
            scene.happened()
            await asyncio.sleep(0.5)


@case(5)
async def a_heartbeat_hangs(scene: Scene) -> None:
    """A worker whose renewals hang gives its work up before the lease can be another's; the other one does it."""
    product = scene.stage.product
    await product.restart("worker 0", CHAOS_HEART="hang")
    scene.happened()
    await asyncio.gather(*(scene.talk().say(f"@slow={LEASE * 1.2}@") for _ in range(8)))
    await asyncio.sleep(LEASE * 1.5)
    await product.restart("worker 0")


@case(8)
async def a_worker_is_told_to_go_in_mid_turn(scene: Scene) -> None:
    """SIGTERM with less grace than its turns need: they are given back at once and done by the other one."""
    product = scene.stage.product
    for name in ("worker 0", "worker 1"):
        await product.restart(name, CSAGENT_WORKER__DRAIN_SECONDS="0.3")
    for name in ("worker 0", "worker 1"):
        said = await asyncio.gather(*(scene.talk().say("@slow=2.0@") for _ in range(8)))
        await scene.until("select 1 from case_work where leased_until is not null")
        await product.restart(name)
        scene.happened()
        scene.recoveries.note("replaced")
        await scene.until(
            "select 1 from messages where id = any(%(ids)s) and state = 'handled' having count(*) = %(count)s",
            ids=[one.message_id for one in said],
            count=len(said),
        )


@case(8)
async def two_releases_run_side_by_side(scene: Scene) -> None:
    """Threads paused under one version of the graph are resumed by a worker of another that has one node more."""
    product, reviewers = scene.stage.product, scene.stage.reviewers
    await product.stop("worker 1")
    said = await asyncio.gather(*(scene.talk().say("person") for _ in range(6)))
    cases = [one.case_id for one in said]
    query = (
        "select 1 from escalations where case_id = any(%(cases)s) and status = %(status)s having count(*) = %(count)s"
    )
    await scene.until(query, cases=cases, status="open", count=len(cases))
    await product.start("worker 1", CHAOS_GRAPH="next")
    await product.stop("worker 0")
    scene.happened()
    lines = await scene.stage.rows("select id from escalations where case_id = any(%(cases)s)", cases=cases)
    for line, action in zip(lines, ("approve", "edit", "answer", "reject", "take_over", "approve"), strict=True):
        await reviewers.decide(str(line["id"]), "kim", action)
    await product.start("worker 0")
    closed = (
        "select 1 from escalations where case_id = any(%(cases)s) and status = 'closed' having count(*) >= %(count)s"
    )
    await scene.until(closed, cases=cases, count=len(cases))
    scene.happened()
    await product.restart("worker 1")


@case(14)
async def a_poison_message(scene: Scene) -> None:
    """A message that kills whatever worker touches it is buried after five beginnings, and a person is told."""
    poison = await scene.talk().say("@poison@")
    async with scene.load(talks=4, pause=1.0):
        buried = await scene.until(
            "select error from dead_letters where case_id = %(case)s", case=poison.case_id, patience=120.0
        )
    scene.happened()
    scene.expect(buried[0]["error"] == "its worker died again and again", "the dead letter says why")
    troubles = (await scene.stage.reviewers.ask("GET", "/troubles", "kim")).json()
    shown = {letter["case_id"] for letter in troubles["dead_letters"]}
    scene.expect(str(poison.case_id) in shown, "a person is told of the dead letter")


@case(14)
async def a_message_that_always_fails(scene: Scene) -> None:
    """A message that can't be handled is buried without taking its worker along; the talk goes on with a person."""
    talk = scene.talk()
    failing = await talk.say("@fail@")
    await scene.until("select 1 from dead_letters where case_id = %(case)s", case=failing.case_id, patience=120.0)
    scene.happened()
    await talk.say("and now?")
    rows = await scene.stage.rows(
        "select state from messages where case_id = %(case)s and direction = 'in'", case=failing.case_id
    )
    scene.expect(
        {row["state"] for row in rows} == {"dead", "human"}, "what comes after a dead letter waits for a person"
    )
