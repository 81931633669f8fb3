"""Sends in trouble over HTTP: seen by every reviewer, settled by the first."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.http.conftest import Service
from tests.integration.http.test_review import last_said
from tests.integration.http.test_web import write


async def in_doubt(service: Service) -> dict[str, Any]:
    """A reply of which nobody is sure that it arrived."""
    token = (await write(service, "hello"))["conversation_token"]
    await last_said(service, token, count=2)
    async with service.services.database.connection() as connection:
        await connection.execute("update outbox set state = 'unknown', error = 'connection lost'")
    (trouble,) = (await service.kim.get("/v1/review/troubles")).json()["outbox"]
    assert isinstance(trouble, dict)
    return trouble


async def test_a_send_in_doubt_is_settled_by_the_first_and_the_second_is_told(service: Service) -> None:
    trouble = await in_doubt(service)
    assert (trouble["state"], trouble["error"]) == ("unknown", "connection lost")
    path = f"/v1/review/deliveries/{trouble['id']}"
    assert (await service.kim.post(path, json={"finding": "arrived"})).status_code == 204
    assert (await service.kim.get("/v1/review/troubles")).json()["outbox"] == []
    second = await service.lee.post(path, json={"finding": "send_again"})
    assert second.status_code == 409
    assert second.headers["content-type"] == "application/problem+json"
    assert second.json()["changes"] == {"state": "sent", "settled_by": "kim"}


async def test_what_is_sent_again_goes_out_at_once(service: Service) -> None:
    trouble = await in_doubt(service)
    path = f"/v1/review/deliveries/{trouble['id']}"
    assert (await service.kim.post(path, json={"finding": "send_again"})).status_code == 204
    async with service.services.database.connection() as connection:
        while True:
            cursor = await connection.execute("select state from outbox")
            if [row["state"] for row in await cursor.fetchall()] == ["sent"]:
                break


@pytest.mark.parametrize("body", [{}, {"finding": "maybe"}, {"finding": "arrived", "extra": 1}, []])
async def test_a_finding_that_makes_no_sense_is_422(service: Service, body: Any) -> None:
    answer = await service.kim.post(f"/v1/review/deliveries/{uuid4()}", json=body)
    assert answer.status_code == 422


async def test_a_delivery_that_does_not_exist_is_404_and_without_a_key_nothing_is_told(service: Service) -> None:
    path = f"/v1/review/deliveries/{uuid4()}"
    assert (await service.kim.post(path, json={"finding": "arrived"})).status_code == 404
    assert (await service.customer.post(path, json={"finding": "arrived"})).status_code == 401
