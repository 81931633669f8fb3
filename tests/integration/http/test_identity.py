"""Proving an address over HTTP, with the sender's own lane; and customers as staff see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.channels import CHANNELS
from api.channels.channel import Channel
from api.wiring import Services
from channels.addresses import EMAIL, AddressKind
from channels.envelope import Accepted, Delivery, Envelope, SendResult
from channels.protocol import OutboundChannel
from infra.settings import IdentitySettings
from skills.turn import ChannelName, Language
from tests.core import NOW
from tests.integration.core.identity import Mailbox
from tests.integration.http.conftest import Service, running, settings_on

DANA = "dana@example.com"
CANARY = "quokka-marmalade"


class Letters(Mailbox):
    """A mailbox that one can wait at."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: asyncio.Queue[Delivery] = asyncio.Queue()

    async def send(self, delivery: Delivery) -> SendResult:
        if delivery.kind == "code":
            self.taken.append(delivery)
            self.arrived.put_nowait(delivery)
        return Accepted()

    async def next_code(self) -> str:
        await self.arrived.get()
        return self.code()


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
async def serving(database_url: str, redis_url: str, letters: Letters) -> AsyncIterator[Service]:
    """The service with an e-mail channel that can send codes."""

    @asynccontextmanager
    async def outbound(_services: Services) -> AsyncIterator[Sequence[OutboundChannel]]:
        yield (letters,)

    def codes(_services: Services) -> Mapping[AddressKind, ChannelName]:
        return {"email": EMAIL}

    settings = settings_on(database_url, redis_url).model_copy(
        update={"identity": IdentitySettings(site="Example Shop", codes_an_hour_from_talk=3)}
    )
    async with running(settings, (*CHANNELS, Channel(outbound=outbound, codes=codes))) as service:
        yield service


async def begin(service: Service, **message: str) -> dict[str, str]:
    """A visitor's talk; the headers of whoever holds its token."""
    answer = await service.customer.post("/v1/web/messages", json={"text": "hello", **message})
    assert answer.status_code == 202, answer.text
    return {"Authorization": f"Bearer {answer.json()['conversation_token']}"}


async def mail(service: Service, text: str, address: str = DANA) -> str:
    """A mail that came in; its customer's id."""
    receipt = await service.services.inbox.receive(
        Envelope(EMAIL, uuid4().hex, uuid4().hex, address, text, verified=True, language=Language("de")), settle=NOW
    )
    async with service.services.database.connection() as connection:
        cursor = await connection.execute("select customer_id from cases where id = %s", [receipt.case_id])
        row = await cursor.fetchone()
    assert row is not None
    return str(row["customer_id"])


async def prove(service: Service, letters: Letters, visitor: dict[str, str], address: str = DANA) -> httpx.Response:
    asked = await service.customer.post("/v1/web/identity/codes", json={"email": address}, headers=visitor)
    assert asked.status_code == 202, asked.text
    code = await letters.next_code()
    return await service.customer.post("/v1/web/identity/proof", json={"code": code}, headers=visitor)


async def test_a_visitor_proves_an_address_and_reads_the_earlier_mails(serving: Service, letters: Letters) -> None:
    await mail(serving, f"about my {CANARY}")
    visitor = await begin(serving, email=DANA, language="de")
    before = (await serving.customer.get("/v1/web/identity", headers=visitor)).json()
    assert before == {"proven": False, "until": None, "can_prove": ["email"], "mentioned": ["email"]}
    refused = await serving.customer.get("/v1/web/conversations", headers=visitor)
    assert (refused.status_code, refused.json()["title"]) == (403, "Prove who you are first")

    proven = await prove(serving, letters, visitor, "Dana@Example.com")
    assert proven.status_code == 200
    assert proven.json()["linked"] is True
    (letter,) = letters.taken
    assert (letter.address, letter.kind) == (DANA, "code")
    assert "Example Shop" in letter.text
    assert "Ihr Code" in letter.text
    listed = (await serving.customer.get("/v1/web/conversations", headers=visitor)).json()["items"]
    assert [(talk["channel"], talk["here"]) for talk in listed] == [("chat", True), ("email", False)]
    path = f"/v1/web/conversations/{listed[1]['id']}/messages"
    said = (await serving.customer.get(path, headers=visitor)).json()
    assert said["messages"][0]["text"] == f"about my {CANARY}"
    assert (await serving.customer.get(path, headers=visitor, params={"after": said["cursor"]})).status_code == 200

    assert (await serving.customer.delete("/v1/web/identity", headers=visitor)).status_code == 204
    assert (await serving.customer.get(path, headers=visitor)).status_code == 403
    assert (await serving.customer.get("/v1/web/messages", headers=visitor)).status_code == 200


async def test_nothing_tells_a_known_address_from_another(serving: Service, letters: Letters) -> None:
    await mail(serving, f"about my {CANARY}")
    answers = []
    for address in (DANA, "nobody@example.com"):
        visitor = await begin(serving, email=address)
        asked = await serving.customer.post("/v1/web/identity/codes", json={"email": address}, headers=visitor)
        await letters.next_code()
        wrong = await serving.customer.post("/v1/web/identity/proof", json={"code": "no code"}, headers=visitor)
        standing = await serving.customer.get("/v1/web/identity", headers=visitor)
        talks = await serving.customer.get("/v1/web/conversations", headers=visitor)
        answers.append([(one.status_code, one.json()) for one in (asked, wrong, standing, talks)])
        assert CANARY not in str(answers)
    assert answers[0] == answers[1]
    assert [status for status, _ in answers[0]] == [202, 422, 200, 403]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": DANA, "phone": "+4915112345678"},
        {"email": "dana@example.com\r\nBcc: eli@example.com"},
        {"email": "dana@localhost"},
        {"email": "d\u00e4na@example.com"},
        {"email": "a@b@example.com"},
        {"email": f"{'a' * 65}@example.com"},
    ],
)
async def test_what_is_no_address_gets_no_code(serving: Service, letters: Letters, body: dict[str, str]) -> None:
    visitor = await begin(serving)
    answer = await serving.customer.post("/v1/web/identity/codes", json=body, headers=visitor)
    assert answer.status_code == 422
    assert "eli@" not in answer.text
    assert letters.taken == []


async def test_codes_are_limited_and_the_answer_says_when_to_come_again(serving: Service, letters: Letters) -> None:
    visitor = await begin(serving)
    for number in range(3):
        body = {"email": f"{number}@example.com"}
        answer = await serving.customer.post("/v1/web/identity/codes", json=body, headers=visitor)
        assert answer.status_code == 202
        await letters.next_code()
    answer = await serving.customer.post("/v1/web/identity/codes", json={"email": DANA}, headers=visitor)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "600")


async def test_a_code_needs_a_channel_and_a_token(serving: Service, service: Service) -> None:
    visitor = await begin(serving)
    phone = await serving.customer.post("/v1/web/identity/codes", json={"phone": "+4915112345678"}, headers=visitor)
    assert (phone.status_code, "no such channel" in phone.json()["detail"]) == (404, True)
    assert (await serving.customer.post("/v1/web/identity/codes", json={"email": DANA})).status_code == 401
    other = await begin(service)  # here there is no e-mail at all
    answer = await service.customer.post("/v1/web/identity/codes", json={"email": DANA}, headers=other)
    assert answer.status_code == 404
    assert (await service.customer.get("/v1/web/identity", headers=other)).json()["can_prove"] == []


async def test_staff_find_read_join_and_part_customers(serving: Service) -> None:
    dana, eli = await mail(serving, CANARY), await mail(serving, "hello", "eli@example.com")
    found = await serving.kim.get("/v1/review/customers", params={"address": " DANA@example.com"})
    assert found.json()["items"] == [{"id": dana, "proven": True, "channels": ["email"]}]
    preview = (await serving.kim.get(f"/v1/review/customers/{dana}/merge", params={"into": eli})).json()
    assert [preview[side]["addresses"][0]["address"] for side in ("source", "into")] == [DANA, "eli@example.com"]
    assert CANARY not in str(preview)

    merged = await serving.kim.post(f"/v1/review/customers/{dana}/merge", json={"into": eli})
    assert (merged.status_code, merged.json()["customer_id"]) == (200, eli)
    page = (await serving.kim.get(f"/v1/review/customers/{eli}")).json()
    assert (page["conversations"], len(page["cases"]), len(page["addresses"])) == (2, 2, 2)
    again = await serving.lee.post(f"/v1/review/customers/{dana}/merge", json={"into": eli})
    assert (again.status_code, again.json()["changes"]["merged_into"]) == (409, eli)
    parted = await serving.lee.post(f"/v1/review/customers/{dana}/unmerge")
    assert (parted.status_code, parted.json()) == (200, {"parted_from": eli})
    async with serving.services.database.connection() as connection:
        cursor = await connection.execute(
            "select kind, actor, data from events where kind like 'customer.%' order by at"
        )
        events: list[dict[str, Any]] = await cursor.fetchall()
    assert [(event["kind"], event["actor"]) for event in events] == [
        ("customer.searched", "kim"),
        ("customer.read", "kim"),
        ("customer.read", "kim"),
        ("customer.merged", "kim"),
        ("customer.read", "kim"),
        ("customer.unmerged", "lee"),
    ]
    assert "example.com" not in str(events)


async def test_customers_are_for_staff_only_and_bad_questions_are_refused(serving: Service) -> None:
    dana = await mail(serving, CANARY)
    visitor = await begin(serving)
    for path in ("", f"/{dana}", f"/{dana}/merge"):
        asked = {"address": DANA, "into": dana}
        assert (await serving.customer.get(f"/v1/review/customers{path}", params=asked)).status_code == 401
        answer = await serving.customer.get(f"/v1/review/customers{path}", params=asked, headers=visitor)
        assert answer.status_code == 401
    assert (await serving.customer.post(f"/v1/review/customers/{dana}/merge", json={"into": dana})).status_code == 401
    assert (await serving.kim.get("/v1/review/customers", params={"address": "\u0007\u0007\u0007"})).status_code == 422
    assert (await serving.kim.get(f"/v1/review/customers/{uuid4()}")).status_code == 404
    assert (await serving.kim.post(f"/v1/review/customers/{dana}/merge", json={"into": dana})).status_code == 409
    assert (await serving.kim.post(f"/v1/review/customers/{dana}/unmerge")).status_code == 404
