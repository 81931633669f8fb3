"""Gaps over HTTP, for the staff alone. The questions are made by the core's trivial skills, and marked as open."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.http.conftest import Service

QUESTION = "Do you engrave watering cans?"


@pytest.fixture
async def open_question(service: Service) -> Service:
    """One customer's question that nobody could answer."""
    key = {"Idempotency-Key": str(uuid4())}
    taken = await service.customer.post("/v1/web/messages", json={"text": QUESTION}, headers=key)
    token = {"Authorization": f"Bearer {taken.json()['conversation_token']}"}
    await service.customer.get("/v1/web/messages", params={"after": 1, "wait": 20}, headers=token)
    async with service.services.database.connection() as connection:
        changed = await connection.execute("update turns set outcome = 'unanswered' where status = 'done'")
    assert changed.rowcount == 1
    return service


async def the_gap(service: Service) -> dict[str, Any]:
    (gap,) = (await service.kim.get("/v1/knowledge/gaps")).json()["items"]
    return dict(gap)


async def test_a_gap_is_read_and_an_article_that_a_person_wrote_is_live(open_question: Service) -> None:
    kim, lee = open_question.kim, open_question.lee
    gap = await the_gap(open_question)
    assert (gap["question"], gap["questions"], gap["customers"], gap["answers"]) == (QUESTION, 1, 1, 0)
    path = f"/v1/knowledge/gaps/{gap['id']}"
    read = (await kim.get(path)).json()
    assert ([one["text"] for one in read["asked"]], read["suggestion"]) == ([QUESTION], None)
    article = {"version": gap["version"], "title": "Engraving", "text": "We engrave every can. Ask our Petra."}
    refused = await kim.post(f"{path}/approve", json=article)
    assert refused.status_code == 409
    assert [place["kind"] for place in refused.json()["changes"]["places"]] == ["name"]
    assert (await kim.post(f"{path}/approve", json={**article, "version": "0", "checked": True})).status_code == 409
    approved = await lee.post(f"{path}/approve", json={**article, "checked": True})
    assert approved.status_code == 201
    assert (await kim.post(f"{path}/approve", json={**article, "checked": True})).status_code == 404
    assert (await kim.get("/v1/knowledge/gaps")).json() == {"items": []}
    found = (await kim.post("/v1/knowledge/search", json={"text": QUESTION})).json()["items"]
    assert [(one["article_id"], one["source"]) for one in found] == [(approved.json()["article_id"], "gaps")]


async def test_a_gap_is_dismissed_by_a_reason_of_the_list(open_question: Service) -> None:
    gap = await the_gap(open_question)
    path = f"/v1/knowledge/gaps/{gap['id']}/dismiss"
    assert (await open_question.kim.post(path, json={"version": gap["version"], "reason": "?"})).status_code == 422
    given = {"version": gap["version"], "reason": "not_ours"}
    assert (await open_question.kim.post(path, json=given)).status_code == 204
    assert (await open_question.kim.post(path, json=given)).status_code == 404


async def test_nobody_else_reads_gaps(service: Service) -> None:
    one = f"/v1/knowledge/gaps/{uuid4()}"
    for path in ("/v1/knowledge/gaps", one):
        assert (await service.customer.get(path)).status_code == 401
    for action, body in (
        ("approve", {"version": "1", "title": "a", "text": "b"}),
        ("dismiss", {"version": "1", "reason": "other"}),
    ):
        assert (await service.customer.post(f"{one}/{action}", json=body)).status_code == 401
        assert (await service.kim.post(f"{one}/{action}", json=body)).status_code == 404
