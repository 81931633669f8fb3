"""The web channel as a browser uses it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.http.conftest import Service


async def write(service: Service, text: str, *, token: str | None = None, key: str | None = None) -> dict[str, Any]:
    headers = {"Idempotency-Key": key or str(uuid4())} | ({"Authorization": f"Bearer {token}"} if token else {})
    response = await service.customer.post("/v1/web/messages", json={"text": text}, headers=headers)
    assert response.status_code == 202, response.text
    return dict(response.json())


async def read(service: Service, token: str, after: int = 0, wait: int = 0) -> dict[str, Any]:
    response = await service.customer.get(
        "/v1/web/messages", params={"after": after, "wait": wait}, headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 200, response.text
    return dict(response.json())


async def test_a_question_is_acknowledged_and_its_answer_polled(service: Service) -> None:
    taken = await write(service, "hello")
    page = await read(service, taken["conversation_token"], after=taken["cursor"], wait=10)
    assert [(message["author"], message["text"]) for message in page["messages"]] == [("agent", "echo: hello")]
    assert page["cursor"] > taken["cursor"]


async def test_the_same_key_is_the_same_message_even_for_the_first_one(service: Service) -> None:
    key = str(uuid4())
    first, again = await write(service, "hello", key=key), await write(service, "hello", key=key)
    assert first["conversation_token"] == again["conversation_token"]
    assert first["message_id"] == again["message_id"]


async def test_the_same_key_with_another_text_is_a_conflict(service: Service) -> None:
    key = str(uuid4())
    await write(service, "hello", key=key)
    response = await service.customer.post("/v1/web/messages", json={"text": "other"}, headers={"Idempotency-Key": key})
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_first_message_with_a_guessable_key_is_refused(service: Service) -> None:
    response = await service.customer.post("/v1/web/messages", json={"text": "hi"}, headers={"Idempotency-Key": "1"})
    assert response.status_code == 422
    assert "UUID" in response.json()["detail"]


async def test_events_bring_the_reply_and_go_on_from_the_cursor(service: Service) -> None:
    taken = await write(service, "hello")
    token = taken["conversation_token"]
    first = await events(service, token, last=0, wanted=2)
    assert [event["author"] for event in first] == ["customer", "agent"]
    await write(service, "again", token=token)
    later = await events(service, token, last=first[-1]["position"], wanted=2)
    assert [(event["author"], event["text"]) for event in later] == [("customer", "again"), ("agent", "echo: again")]


async def events(service: Service, token: str, *, last: int, wanted: int) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(last)}
    found: list[dict[str, Any]] = []
    async with (
        asyncio.timeout(10),
        httpx.AsyncClient(base_url=service.url) as client,
        client.stream("GET", "/v1/web/events", headers=headers) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        kind = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind == "message":
                found.append(json.loads(line.removeprefix("data: ")))
                if len(found) == wanted:
                    break
    return found


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"\xff\xfe\x00", 400),
        (b'{"text": ""}', 422),
        (b'{"text": "  "}', 422),
        (b'{"text": 5}', 422),
        (b'{"text": null}', 422),
        (b'{"text": "\\ud800"}', 422),
        (b'{"text": "a\\u0000b"}', 422),
        (b'{"text": "hi", "admin": true}', 422),
        (b'{"text": "hi", "email": "nobody"}', 422),
        (b'["text"]', 422),
        (b'{"text": "' + b"x" * 20_001 + b'"}', 422),
        (b'{"text": "' + b"x" * 1_000_000 + b'"}', 413),
    ],
)
async def test_bad_bodies_are_problems_and_store_nothing(service: Service, body: bytes, status: int) -> None:
    response = await service.customer.post(
        "/v1/web/messages", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    async with service.services.database.connection() as connection:
        assert await (await connection.execute("select 1 from customers")).fetchone() is None


async def test_a_body_in_chunks_without_a_length_is_limited_too(service: Service) -> None:
    async def chunks() -> Any:
        for _ in range(100):
            yield b"x" * 10_000

    response = await service.customer.post(
        "/v1/web/messages", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 413


@pytest.mark.parametrize("token", ["ct_AAAA", "nonsense", "ct_" + "A" * 43, "\u00e9", "x" * 5000])
async def test_a_token_that_is_none_of_ours_finds_nothing(service: Service, token: str) -> None:
    await write(service, "hello")
    headers = {b"Authorization": f"Bearer {token}".encode("latin-1")}
    for path in ("/v1/web/messages", "/v1/web/events"):
        response = await service.customer.get(path, headers=headers)
        assert response.status_code == 404
        assert response.json()["detail"] == "there is no such conversation"


async def test_without_a_token_nothing_is_read(service: Service) -> None:
    response = await service.customer.get("/v1/web/messages")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("after", ["-1", "x", "99999999999999999999"])
async def test_a_cursor_that_cannot_be_is_refused(service: Service, after: str) -> None:
    taken = await write(service, "hello")
    headers = {"Authorization": f"Bearer {taken['conversation_token']}"}
    response = await service.customer.get("/v1/web/messages", params={"after": after}, headers=headers)
    assert response.status_code == 422


async def test_two_messages_at_once_are_both_answered(service: Service) -> None:
    token = (await write(service, "zero"))["conversation_token"]
    await asyncio.gather(write(service, "one", token=token), write(service, "two", token=token))
    said = ""
    async with asyncio.timeout(10):
        while not ("one" in said and "two" in said):
            page = await read(service, token)
            said = " ".join(message["text"] for message in page["messages"] if message["author"] == "agent")
            await asyncio.sleep(0.05)
    assert said.count("one") == said.count("two") == 1


async def test_health_tells_each_dependency_and_metrics_hold_no_text(service: Service) -> None:
    await write(service, "a very secret text")
    ready = (await service.customer.get("/health/ready")).json()
    assert ready["status"] == "ready"
    assert {dependency["name"] for dependency in ready["dependencies"]} == {"postgres", "redis"}
    assert (await service.customer.get("/health/live")).json() == {"status": "alive"}
    metrics = (await service.customer.get("/metrics")).text
    assert 'csagent_messages_received_total{channel="chat",duplicate="false"} 1.0' in metrics
    assert "secret" not in metrics
