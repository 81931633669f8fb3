"""Reviewers who decide at once, late, twice, and workers that die over a decision."""

from __future__ import annotations

import asyncio
from uuid import UUID

from tests.chaos.scene import Scene, case

_STATUS = "select id from escalations where case_id = %(case)s and status = %(status)s"
ACCEPTED, CONFLICT = 202, 409


async def _asked(scene: Scene, more: str = "") -> tuple[UUID, str]:
    """A case whose customer asked for a person, and its escalation."""
    said = await scene.talk().say(f"person {more}")
    (row,) = await scene.until(_STATUS, case=said.case_id, status="open")
    return said.case_id, str(row["id"])


@case(9)
async def two_reviewers_decide_at_once(scene: Scene) -> None:
    """Approve against reject at the same moment: one is taken, the other is told."""
    reviewers = scene.stage.reviewers
    for _ in range(8):
        _, escalation = await _asked(scene)
        answers = await asyncio.gather(
            reviewers.decide(escalation, "kim", "approve"), reviewers.decide(escalation, "lee", "reject")
        )
        scene.happened()
        statuses = sorted(answer.status for answer in answers)
        scene.expect(statuses == [ACCEPTED, CONFLICT], f"one decision is taken, one refused: {statuses}")


@case(9)
async def late_and_repeated_decisions(scene: Scene) -> None:
    """Decided again after it was decided, after it was applied, and on what has changed since it was read."""
    reviewers = scene.stage.reviewers
    case_id, escalation = await _asked(scene)
    for number in range(3):
        answer = await reviewers.decide(escalation, "kim", "approve")
        scene.expect(answer.status == (CONFLICT if number else ACCEPTED), f"decision {number} got {answer.status}")
        if number == 1:
            await scene.until(_STATUS, case=case_id, status="closed")
        scene.happened()
    talk = scene.talk()
    said = await talk.say("person")
    (row,) = await scene.until(_STATUS, case=said.case_id, status="open")
    read = await reviewers.ask("GET", f"/escalations/{row['id']}", "lee")
    await talk.say("and another thing")
    answer = await reviewers.decide(str(row["id"]), "lee", "approve", version=read.json()["version"])
    scene.happened()
    scene.expect(answer.status == CONFLICT, "a decision on what has changed is refused")
    await reviewers.decide(str(row["id"]), "lee", "approve")


@case(9, 1)
async def a_worker_dies_over_a_decision(scene: Scene) -> None:
    """kill -9 just after a decision was taken: in the node that resumes, before its commit, and after it."""
    reviewers = scene.stage.reviewers
    for number, (place, action) in enumerate(
        (
            ("review.after", "approve"),
            ("resume.before", "edit"),
            ("resume.after", "answer"),
            ("resume.before", "take_over"),
        )
    ):
        case_id, escalation = await _asked(scene, f"@die={place}@")
        await reviewers.decide(escalation, "kim", action)
        await scene.deaths(number + 1)
        scene.note_death_of(case_id)
        scene.happened()
        await scene.until(_STATUS, case=case_id, status="closed")
