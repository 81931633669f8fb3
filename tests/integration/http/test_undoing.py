"""Taking back over HTTP what the page sent: only what was asked to be held, for as long as the setting says."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from tests.integration.http.conftest import Service
from tests.integration.http.test_review import decide, escalated, last_said


async def test_a_decision_is_taken_back_and_decided_otherwise(service: Service) -> None:
    token, escalation = await escalated(service)
    path = f"/v1/review/escalations/{escalation['id']}/decision"
    service.services.settings.review.undo_seconds = 60
    held = await decide(service.kim, escalation, action="approve", undoable=True)
    assert (held.status_code, held.json()["undo_seconds"]) == (202, 60)
    assert (await service.lee.delete(path)).status_code == 409
    assert (await service.kim.delete(path)).status_code == 204
    again = (await service.kim.get(f"/v1/review/escalations/{escalation['id']}")).json()
    assert (again["status"], again["claimed_by"], again["decided"]) == ("open", "kim", None)
    sent = await decide(service.kim, again, action="edit", text="In my words.")
    assert sent.json()["undo_seconds"] == 0
    assert await last_said(service, token, count=3) == "human: In my words."
    assert (await service.kim.delete(path)).status_code == 409
    assert (await service.kim.delete(f"/v1/review/escalations/{uuid4()}/decision")).status_code == 404


async def test_a_message_is_taken_back_and_nobody_has_read_it(service: Service) -> None:
    token, escalation = await escalated(service)
    await decide(service.kim, escalation, action="take_over", undoable=True)
    case = f"/v1/review/cases/{escalation['case_id']}"
    async with asyncio.timeout(10):
        while (await service.kim.get(case)).json()["owner"] != "human":  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.05)
    service.services.settings.review.undo_seconds = 60
    key = {"Idempotency-Key": str(uuid4())}
    written = await service.kim.post(f"{case}/messages", json={"text": "Oops.", "undoable": True}, headers=key)
    held = f"{case}/messages/{written.json()['message_id']}"
    assert (await service.lee.delete(held)).status_code == 409
    assert (await service.kim.delete(held)).status_code == 204
    assert (await service.kim.delete(held)).status_code == 404
    key = {"Idempotency-Key": str(uuid4())}
    await service.kim.post(f"{case}/messages", json={"text": "Kim here."}, headers=key)
    assert await last_said(service, token, count=3) == "human: Kim here."
