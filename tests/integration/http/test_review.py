"""The review API as a reviewer's page uses it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.http.conftest import Service
from tests.integration.http.test_web import read, write


async def escalated(service: Service) -> tuple[str, dict[str, Any]]:
    taken = await write(service, "a person please")
    token = taken["conversation_token"]
    page = await read(service, token, after=taken["cursor"], wait=10)
    assert [message["author"] for message in page["messages"]] == ["system"]
    assert page["activity"] == "person"
    (item,) = (await service.kim.get("/v1/review/escalations")).json()["items"]
    return token, (await service.kim.get(f"/v1/review/escalations/{item['id']}")).json()


async def decide(client: Any, escalation: dict[str, Any], **decision: Any) -> Any:
    body = {"version": escalation["version"], **decision}
    return await client.post(f"/v1/review/escalations/{escalation['id']}/decision", json=body)


async def last_said(service: Service, token: str, *, count: int) -> str:
    async with asyncio.timeout(10):
        while len(messages := (await read(service, token))["messages"]) < count:  # noqa: ASYNC110 - another process's
            await asyncio.sleep(0.05)
    return f"{messages[-1]['author']}: {messages[-1]['text']}"


async def test_an_approved_proposal_is_what_the_customer_reads(service: Service) -> None:
    token, escalation = await escalated(service)
    assert (await decide(service.kim, escalation, action="approve")).status_code == 202
    assert await last_said(service, token, count=3) == f"agent: {escalation['request']['proposal']}"


async def test_an_edited_text_is_sent_as_it_was_written(service: Service) -> None:
    token, escalation = await escalated(service)
    assert (await decide(service.kim, escalation, action="edit", text="In my words.")).status_code == 202
    assert await last_said(service, token, count=3) == "human: In my words."


async def test_two_reviewers_at_once_one_decides_and_one_is_told(service: Service) -> None:
    _, escalation = await escalated(service)
    answers = await asyncio.gather(
        decide(service.kim, escalation, action="approve"),
        decide(service.lee, escalation, action="take_over"),
    )
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    (refused,) = (answer for answer in answers if answer.status_code == 409)
    assert refused.json()["changes"]["status"] in {"decided", "closed"}


async def test_a_decision_on_what_changed_is_409_with_the_change(service: Service) -> None:
    token, escalation = await escalated(service)
    await write(service, "wait, something else", token=token)
    refused = await decide(service.kim, escalation, action="approve")
    assert refused.status_code == 409
    assert refused.json()["changes"]["new_messages"] == ["wait, something else"]
    again = (await service.kim.get(f"/v1/review/escalations/{escalation['id']}")).json()
    assert (await decide(service.kim, again, action="approve")).status_code == 202


@pytest.mark.parametrize(
    "decision",
    [
        {"action": "edit"},
        {"action": "edit", "text": "  "},
        {"action": "answer", "text": "a\x00b"},
        {"action": "reject"},
        {"action": "approve", "text": "and this"},
        {"action": "approve", "covers_later": True},
        {"action": "nonsense"},
        {"action": "approve", "extra": 1},
    ],
)
async def test_a_decision_that_makes_no_sense_is_422_and_decides_nothing(
    service: Service, decision: dict[str, Any]
) -> None:
    _, escalation = await escalated(service)
    assert (await decide(service.kim, escalation, **decision)).status_code == 422
    still = (await service.kim.get(f"/v1/review/escalations/{escalation['id']}")).json()
    assert still["status"] == "open"


async def test_a_claim_shows_in_the_queue_and_keeps_others_out(service: Service) -> None:
    _, escalation = await escalated(service)
    path = f"/v1/review/escalations/{escalation['id']}/claim"
    assert (await service.lee.post(path)).status_code == 204
    assert (await service.kim.post(path)).status_code == 409
    assert (await decide(service.kim, escalation, action="approve")).status_code == 409
    (item,) = (await service.kim.get("/v1/review/escalations")).json()["items"]
    assert item["claimed_by"] == "lee"
    assert (await service.kim.delete(path)).status_code == 409
    assert (await service.lee.delete(path)).status_code == 204


async def test_a_person_takes_over_writes_and_hands_back(service: Service) -> None:
    token, escalation = await escalated(service)
    case = f"/v1/review/cases/{escalation['case_id']}"
    await decide(service.kim, escalation, action="take_over")
    async with asyncio.timeout(10):
        while not (owned := (await service.kim.get("/v1/review/cases")).json()["items"]):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.05)
    assert owned[0]["owner_name"] == "kim"
    key = str(uuid4())
    for _ in range(2):
        sent = await service.kim.post(f"{case}/messages", json={"text": "Kim here."}, headers={"Idempotency-Key": key})
        assert sent.status_code == 202
    assert await last_said(service, token, count=3) == "human: Kim here."
    await write(service, "and now?", token=token)
    assert (await service.kim.post(f"{case}/hand-back")).status_code == 204
    assert await last_said(service, token, count=6) == "agent: echo: and now?"
    assert (await service.kim.post(f"{case}/hand-back")).status_code == 409
    read_case = (await service.kim.get(case)).json()
    assert read_case["owner"] == "agent"
    assert [turn["outcome"] for turn in read_case["turns"]] == ["taken_over", "answered"]
    assert (await service.kim.post(f"{case}/resolve", json={"confirmed": True})).status_code == 204
    assert (await service.kim.post(f"{case}/resolve")).status_code == 409
    resolved = (await service.kim.get(case)).json()
    assert (resolved["resolved_by"], resolved["resolved_by_name"], resolved["resolution"]) == (
        "person",
        "kim",
        "confirmed",
    )
    assert (await service.lee.post(f"{case}/reopen")).status_code == 204
    reopened = (await service.kim.get(case)).json()
    assert (reopened["status"], reopened["resolution"], reopened["reopened"]) == ("open", None, 1)


async def test_a_customers_segment_is_set_by_staff(service: Service) -> None:
    taken = await write(service, "hello")
    case = f"/v1/review/cases/{taken['case_id']}"
    assert (await service.kim.put(f"{case}/segment", json={"segment": "vip"})).status_code == 204
    assert (await service.kim.put(f"{case}/segment", json={"segment": "V I P"})).status_code == 422
    assert (await service.kim.get(case)).json()["customer"]["segment"] == "vip"


@pytest.mark.parametrize("key", [None, "wrong", "kim-ke", "\u00fc"])
async def test_without_a_staff_key_there_is_nothing_to_see(service: Service, key: str | None) -> None:
    headers = {} if key is None else {b"Authorization": f"Bearer {key}".encode("latin-1")}
    for path in ("escalations", "cases", "troubles", f"cases/{uuid4()}", f"escalations/{uuid4()}"):
        response = await service.customer.get(f"/v1/review/{path}", headers=headers)
        assert response.status_code == 401
        assert response.headers["content-type"] == "application/problem+json"


async def test_what_does_not_exist_is_404(service: Service) -> None:
    assert (await service.kim.get(f"/v1/review/escalations/{uuid4()}")).status_code == 404
    assert (await service.kim.get(f"/v1/review/cases/{uuid4()}")).status_code == 404
    assert (await service.kim.post(f"/v1/review/cases/{uuid4()}/take-over")).status_code == 404
    assert (await service.kim.get("/v1/nothing")).status_code == 404
    assert (await service.kim.get("/v1/review/troubles")).json() == {"outbox": [], "dead_letters": []}
