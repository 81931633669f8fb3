"""The chat from other sites' pages: which may, what their scripts may read, and that no token works anywhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from api.embedding import Embedding
from api.problems import install
from api.routes.web import router
from channels.web.origins import Origins
from tests.integration.http.conftest import Service

SHOP = "https://shop.example"
OTHER = "https://other.example"
STRANGER = "https://evil.example"
OURS = "http://pages"


@pytest.fixture
async def pages(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The chat's API on the service's own servers, for two sites beside our own."""
    origins = Origins([SHOP, OTHER])
    app = FastAPI()
    install(app)
    app.include_router(router)
    app.add_api_route("/elsewhere", elsewhere)
    app.add_middleware(Embedding, origins=origins)
    app.state.services = _with(service, origins)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS) as client:
        yield client


async def elsewhere() -> dict[str, str]:
    return {}


def _with(service: Service, origins: Origins) -> Any:
    class Borrowed:
        def __getattr__(self, name: str) -> Any:
            return origins if name == "origins" else getattr(service.services, name)

    return Borrowed()


def headers(origin: str | None, token: str | None = None, key: str | None = None) -> dict[str, str]:
    given = {"Origin": origin, "Authorization": token and f"Bearer {token}", "Idempotency-Key": key or str(uuid4())}
    return {name: value for name, value in given.items() if value is not None}


async def begin(pages: httpx.AsyncClient, origin: str | None, key: str | None = None) -> str:
    answer = await pages.post("/v1/web/messages", json={"text": "hello"}, headers=headers(origin, key=key))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["conversation_token"])


async def test_a_token_works_only_where_its_conversation_was_begun(pages: httpx.AsyncClient) -> None:
    tokens = {origin: await begin(pages, origin) for origin in (SHOP, None, OURS)}
    for begun, origin in product(tokens, (SHOP, OTHER, STRANGER, "null", None, OURS)):
        token = tokens[begun]
        same = origin == begun or {origin, begun} <= {None, OURS}
        read = await pages.get("/v1/web/messages", headers=headers(origin, token))
        assert read.status_code == (200 if same else 404), origin
        written = await pages.post("/v1/web/messages", json={"text": "again"}, headers=headers(origin, token))
        assert written.status_code == (202 if same else 404), origin
        if not same:
            stream = await pages.get("/v1/web/events", headers=headers(origin, token))
            assert stream.status_code == 404
            assert read.json() == (await pages.get("/v1/web/messages", headers=headers(SHOP, "ct_none"))).json()


async def test_the_key_of_a_first_message_leads_to_no_conversation_of_another_site(pages: httpx.AsyncClient) -> None:
    key = str(uuid4())
    tokens = [await begin(pages, origin, key) for origin in (SHOP, OTHER, None, SHOP)]
    assert tokens[0] == tokens[3]
    assert len(set(tokens)) == 3


async def test_a_site_that_is_not_listed_begins_nothing(pages: httpx.AsyncClient) -> None:
    for origin in (STRANGER, "null", "http://shop.example", f"{SHOP}.evil.example", f"{SHOP}:8443"):
        answer = await pages.post("/v1/web/messages", json={"text": "hello"}, headers=headers(origin))
        assert answer.status_code == 403, origin
        assert answer.json()["detail"] == "this site may not embed the chat"
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_listed_sites_scripts_may_read_answers_and_errors_alike(pages: httpx.AsyncClient) -> None:
    token = await begin(pages, SHOP)
    for path, token_given, status in (("messages", token, 200), ("messages", "ct_none", 404), ("messages", None, 401)):
        answer = await pages.get(f"/v1/web/{path}", headers=headers(SHOP, token_given))
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


async def test_nobody_elses_scripts_may_read_anything(pages: httpx.AsyncClient) -> None:
    for origin in (STRANGER, "null", OURS, None):
        answer = await pages.get("/v1/web/messages", headers=headers(origin))
        assert not any(name.startswith("access-control") for name in answer.headers), origin
        assert answer.headers["Vary"] == "Origin"


async def test_a_preflight_is_answered_for_listed_sites_and_remembered(pages: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = await pages.options("/v1/web/messages", headers={"Origin": SHOP} | asked)
    refused = await pages.options("/v1/web/messages", headers={"Origin": STRANGER} | asked)

    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == SHOP
    assert allowed.headers["Access-Control-Max-Age"] == "7200"
    assert {"Authorization", "Idempotency-Key", "Last-Event-ID"} <= set(
        allowed.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


async def test_only_the_chats_paths_are_opened(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/elsewhere", headers={"Origin": SHOP})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_whoever_asks_for_a_person_gets_one(service: Service) -> None:
    answer = await service.customer.post("/v1/web/messages", json={"text": "a person, please", "wants_person": True})
    assert answer.status_code == 202
    async with service.services.database.connection() as connection:
        cursor = await connection.execute("select for_person from messages")
        assert [row["for_person"] for row in await cursor.fetchall()] == ["asked"]


async def test_the_running_service_opens_nothing_to_other_sites_unless_it_is_told_to(service: Service) -> None:
    answer = await service.customer.post("/v1/web/messages", json={"text": "hello"}, headers={"Origin": SHOP})
    assert answer.status_code == 403
    own = await service.customer.post("/v1/web/messages", json={"text": "hello"}, headers={"Origin": service.url})
    assert own.status_code == 202
