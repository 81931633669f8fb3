"""Conversations over HTTP: found, read over all channels, and customers joined with a reason and parted again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from channels.addresses import EMAIL
from channels.envelope import Envelope
from tests.core import NOW
from tests.integration.http.conftest import caller
from tests.integration.http.console import PASSWORD, add, browser
from tests.integration.serving import Served, serving, settings_on


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    settings = settings_on(database_url)
    settings.staff_keys |= {"ina": SecretStr("ina-key")}
    settings.staff.key_roles = {"ina": "auditor"}
    async with serving(settings, parts=()) as running:
        yield running


@pytest.fixture
async def kim(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(served.url, key="kim-key") as client:
        yield client


async def mail(served: Served, address: str, text: str, name: str | None = None) -> str:
    envelope = Envelope(EMAIL, uuid4().hex, uuid4().hex, address, text, verified=True, name=name)
    return str((await served.services.inbox.receive(envelope, settle=NOW)).case_id)


async def ok(answering: Any) -> dict[str, Any]:
    answer = await answering
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_staff_search_list_and_read_over_all_channels(served: Served, kim: httpx.AsyncClient) -> None:
    broken = await mail(served, "dana@example.com", "The lid arrived broken", "Dana Holm")
    late = await mail(served, "dana@example.com", "And it was late")
    await served.services.words.write()
    found: dict[str, Any] = {}
    for text, kind, cases in (
        ("broken lid", "words", [broken]),
        ("dana holm", "words", [late, broken]),
        ("DANA@example.com", "address", [late, broken]),
        (broken, "id", [broken]),
    ):
        found = await ok(kim.post("/v1/conversations/search", json={"text": text}))
        assert (found["kind"], [item["case_id"] for item in found["items"]]) == (kind, cases), text
        assert found["items"][-1]["line"] == "The lid arrived broken", text
    listed = await ok(kim.get("/v1/conversations", params={"state": "open", "channel": "email", "limit": 1}))
    assert [item["case_id"] for item in listed["items"]] == [late]
    rest = await ok(kim.get("/v1/conversations", params={"state": "open", "after": listed["after"]}))
    assert ([item["case_id"] for item in rest["items"]], rest["after"]) == ([broken], None)
    customer = listed["items"][0]["customer_id"]
    said = await ok(kim.get(f"/v1/review/customers/{customer}/messages"))
    assert [(line["case_id"], line["text"]) for line in said["items"]] == [
        (broken, "The lid arrived broken"),
        (late, "And it was late"),
    ]
    history = await ok(kim.get(f"/v1/conversations/{broken}/history"))
    assert [event["kind"] for event in history["events"]] == ["message.received"]
    assert (await ok(kim.get("/v1/conversations/topics"))) == {"items": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "   "},
        {"text": "a\u0000b"},
        {"text": "x", "by": "address"},
        {"text": "x", "after": "nonsense"},
        {"text": "x", "since": "2026-11-28T10:00:00"},
        {"text": "x", "channel": "a\u0000"},
        {"text": "x", "query": "more"},
    ],
)
async def test_what_can_not_be_searched_for_is_refused(kim: httpx.AsyncClient, body: dict[str, str]) -> None:
    answer = await kim.post("/v1/conversations/search", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_two_customers_are_joined_with_a_reason_that_is_kept_sealed_and_parted_again(
    served: Served, kim: httpx.AsyncClient
) -> None:
    await mail(served, "dana@example.com", "hello", "Dana")
    await mail(served, "holm@example.com", "hello", "D. Holm")
    listed = (await ok(kim.get("/v1/conversations")))["items"]
    into, source = (item["customer_id"] for item in listed)
    preview = await ok(kim.get(f"/v1/review/customers/{source}/merge", params={"into": into}))
    assert (preview["source"]["conversations"], preview["undo_days"]) == (1, 30)
    body = {"into": into, "reason": "She said so on the phone"}
    await ok(kim.post(f"/v1/review/customers/{source}/merge", json=body))
    (merge,) = (await ok(kim.get(f"/v1/review/customers/{into}")))["merges"]
    assert (merge["reason"], merge["conversations"], merge["identities"]) == ("She said so on the phone", 1, 1)
    assert merge["undoable_until"] > merge["merged_at"]
    await ok(kim.post(f"/v1/review/customers/{source}/unmerge", json={"reason": "It was her sister"}))
    (merge,) = (await ok(kim.get(f"/v1/review/customers/{source}")))["merges"]
    assert (merge["undone_reason"], merge["undoable"]) == ("It was her sister", False)
    async with served.services.database.connection() as connection:
        rows = await (await connection.execute("select reason_sealed, undone_reason_sealed from merges")).fetchall()
        events = await (await connection.execute("select data from events")).fetchall()
    assert b"phone" not in bytes(rows[0]["reason_sealed"])
    assert "sister" not in str(events)


async def test_an_auditor_reads_and_changes_nothing(served: Served) -> None:
    case = await mail(served, "dana@example.com", "hello")
    async with caller(served.url, key="ina-key") as ina:
        found = await ok(ina.post("/v1/conversations/search", json={"text": "dana@example.com"}))
        customer = found["items"][0]["customer_id"]
        for path in (f"cases/{case}/resolve", f"cases/{case}/take-over", f"customers/{customer}/merge"):
            assert (await ina.post(f"/v1/review/{path}", json={"into": customer})).status_code == 403


async def test_the_pages_are_for_whoever_may_read_customers(served: Served) -> None:
    case = await mail(served, "dana@example.com", "hello")
    await add(served, "lena", "auditor")
    await add(served, "ana", "analyst")
    for name, status in (("lena", 200), ("ana", 403)):
        async with browser(served.url) as somebody:
            await somebody.sign_in(name, PASSWORD)
            for path in ("/conversations", f"/conversations/{case}", f"/customers/{case}"):
                assert (await somebody.client.get(path)).status_code == status
    async with browser(served.url) as nobody:
        assert (await nobody.client.get("/conversations")).headers["location"] == "/sign-in?next=/conversations"
