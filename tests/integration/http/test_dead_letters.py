"""Dead letters over HTTP, as a reviewer's page uses them."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.http.conftest import Service
from tests.integration.http.test_review import last_said
from tests.integration.http.test_web import read, write


async def buried(service: Service) -> tuple[str, dict[str, Any]]:
    """A message that its worker gives up at once, as if it had failed four times before."""
    database = service.services.database
    async with database.connection() as connection:
        await connection.execute("alter table case_work alter column attempts set default 4")
    token = (await write(service, "please fail"))["conversation_token"]
    async with asyncio.timeout(20):
        while not (items := (await service.kim.get("/v1/review/dead-letters")).json()["items"]):  # noqa: ASYNC110 - the worker's
            await asyncio.sleep(0.05)
    async with database.connection() as connection:
        await connection.execute("alter table case_work alter column attempts set default 0")
    return token, items[0]


async def test_a_dead_letter_is_seen_by_reviewers_counted_and_read_under_a_name(service: Service) -> None:
    token, item = await buried(service)
    assert (item["error"], item["messages"], item["attempts"]) == ("ValueError", 1, 5)
    assert [case["id"] for case in (await service.kim.get("/v1/review/cases")).json()["items"]] == [item["case_id"]]
    troubles = (await service.kim.get("/v1/review/troubles")).json()
    assert [letter["id"] for letter in troubles["dead_letters"]] == [item["id"]]
    assert "csagent_dead_letters_open 1.0" in (await service.customer.get("/metrics")).text
    assert (await last_said(service, token, count=2)).startswith("system: ")
    letter = (await service.kim.get(f"/v1/review/dead-letters/{item['id']}")).json()
    assert [message["text"] for message in letter["messages"]] == ["please fail"]
    assert letter["told"]["author"] == "system"
    assert letter["resolution"] is None
    async with service.services.database.connection() as connection:
        cursor = await connection.execute("select actor from events where kind = 'dead_letter.read'")
        assert await cursor.fetchall() == [{"actor": "kim"}]


async def test_retried_it_is_tried_at_once_and_discarded_it_is_over(service: Service) -> None:
    token, item = await buried(service)
    path = f"/v1/review/dead-letters/{item['id']}"
    retried = await service.lee.post(f"{path}/retry")
    assert (retried.status_code, retried.json()) == (202, {"case_id": item["case_id"]})
    assert (await service.lee.post(f"{path}/retry")).status_code == 202
    letter = (await service.kim.get(path)).json()
    assert (letter["resolution"], letter["resolved_by"]) == ("retried", "lee")
    refused = await service.kim.post(f"{path}/discard", json={"reason": "spam"})
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["changes"]["resolution"] == "retried"
    assert (await read(service, token))["messages"]


async def test_discarded_it_is_over_and_stays_with_the_people(service: Service) -> None:
    _, item = await buried(service)
    path = f"/v1/review/dead-letters/{item['id']}"
    for _ in range(2):
        assert (await service.kim.post(f"{path}/discard", json={"reason": "answered by phone"})).status_code == 204
    letter = (await service.kim.get(path)).json()
    assert (letter["resolution"], letter["reason"], letter["owner"]) == ("discarded", "answered by phone", "human")
    assert (await service.kim.get("/v1/review/dead-letters")).json() == {"items": []}
    assert (await service.kim.post(f"{path}/retry")).status_code == 409


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "x" * 2001}, {"reason": "x", "extra": 1}, {"reason": "\x00"}]
)
async def test_a_reason_that_makes_no_sense_is_422(service: Service, body: dict[str, Any]) -> None:
    answer = await service.kim.post(f"/v1/review/dead-letters/{uuid4()}/discard", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_staff_key_nothing_is_told_and_an_unknown_id_is_404(service: Service) -> None:
    path = f"/v1/review/dead-letters/{uuid4()}"
    assert (await service.customer.get("/v1/review/dead-letters")).status_code == 401
    assert (await service.customer.post(f"{path}/retry")).status_code == 401
    assert (await service.kim.get(path)).status_code == 404
    assert (await service.kim.post(f"{path}/retry")).status_code == 404
