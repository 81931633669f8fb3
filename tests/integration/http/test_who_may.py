"""Every route of the staff's: who may use it, and that a look at a customer's data is always written down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr

from api.app import create_app
from api.routes.staff import CustomerReader, StaffRoute, permissions_of
from infra.settings import Settings
from infra.staff.roles import ROLES, WHO_MAY, Permission
from tests.integration.http.conftest import caller
from tests.integration.serving import PARTS, Served, serving, settings_on

OPEN = (
    "/v1/web/", "/v1/files/{token}", "/v1/gmail/push", "/v1/whatsapp/", "/contact", "/feedback/", "/chat", "/assets/",
    "/health/", "/metrics", "/sign-in", "/langgraph/info", "/langgraph/ok", "/status.json", "/status/history.atom",
    "/status/subscri",
)  # fmt: skip
"""Where anybody may go; everything else is the staff's."""
NOBODYS = UUID(int=0)
SEARCHES = ("/langgraph/threads/search",)
"""Looks that are asked for with a body."""


def routes(app: FastAPI) -> Iterator[APIRoute]:
    for included in app.routes:
        inner = getattr(included, "original_router", None)
        yield from (route for route in (inner.routes if inner else [included]) if isinstance(route, APIRoute))


STAFFS = [
    route
    for route in routes(create_app(Settings(_env_file=None)))
    if route.path != "/status" and not route.path.startswith(OPEN)
]


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    settings = settings_on(database_url)
    settings.staff_keys = {role: SecretStr(f"key-of-{role}") for role in ROLES} | {"kim": SecretStr("kim-key")}
    settings.staff.key_roles = {role: role for role in ROLES}
    async with serving(settings, parts=PARTS) as running:
        yield running


def test_every_route_that_is_not_open_is_the_staffs() -> None:
    assert [route.path for route in STAFFS if not isinstance(route, StaffRoute)] == []
    assert len(STAFFS) > 40


def test_a_route_of_the_staffs_that_names_no_permission_can_not_be_made() -> None:
    router = APIRouter(route_class=StaffRoute)

    async def anybody() -> None: ...

    with pytest.raises(TypeError, match="says who may use it"):
        router.add_api_route("/forgotten", anybody)


async def test_an_answer_with_a_customers_data_that_nobody_wrote_down_is_not_given(served: Served) -> None:
    router = APIRouter(route_class=StaffRoute)

    async def careless(staff: CustomerReader) -> str:
        return "what a customer wrote"

    router.add_api_route("/careless", careless)
    app = FastAPI()
    app.include_router(router)
    app.state.services = served.services
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/careless", headers={"Authorization": "Bearer key-of-auditor"})
    assert (answer.status_code, "wrote" in answer.text) == (500, False)


def needed(route: APIRoute) -> set[Permission]:
    return {permission for permission in permissions_of(route.dependant) if permission is not None}


async def test_each_role_may_use_the_routes_of_its_permissions_and_no_other(served: Served) -> None:
    wrong: list[tuple[str, str, str, int]] = []
    async with caller(served.url) as client:
        for role in ROLES:
            for route in STAFFS:
                method = method_of(route)
                path = filled(route.path)
                answer = await client.request(method, path, headers={"Authorization": f"Bearer key-of-{role}"})
                allowed = all(role in WHO_MAY[permission] for permission in needed(route))
                if (answer.status_code == 403) == allowed:
                    wrong.append((role, method, route.path, answer.status_code))
        for route in STAFFS:
            answer = await client.request(method_of(route), filled(route.path))
            if answer.status_code not in {401, 303}:
                wrong.append(("nobody", method_of(route), route.path, answer.status_code))
    assert wrong == []


def method_of(route: APIRoute) -> str:
    assert route.methods is not None
    return min(route.methods - {"HEAD"})


def filled(path: str, **ids: object) -> str:
    known: dict[str, object] = {
        "ordinal": 1,
        "version": 1,
        "name": "nobody",
        "what": "disable",
        "component": "chat",
    } | ids
    for part in path.split("{")[1:]:
        name = part.partition("}")[0]
        path = path.replace(f"{{{name}}}", str(known.get(name, NOBODYS)))
    return path


async def test_every_look_at_a_customers_data_is_written_down_with_who_looked(served: Served) -> None:
    async with caller(served.url) as customer, caller(served.url, key="kim-key") as kim:
        file = {"file": ("note.txt", b"hello", "text/plain")}
        sent = await customer.post(
            "/v1/web/messages", data={"text": "a person please"}, files=file, headers={"Idempotency-Key": str(uuid4())}
        )
        assert sent.status_code == 202, sent.text
        ids = await ids_of(served, kim)
        for route in STAFFS:
            if "customers.read" not in needed(route):
                continue
            before = await looks(served)
            query = {"address": "dana@example.com", "into": str(ids["customer_id"])}
            path = filled(route.path, **ids)
            body = {"text": "person"} if path == "/v1/conversations/search" else {} if path in SEARCHES else None
            answer = await kim.request(method_of(route), path, params=query, json=body)
            assert answer.status_code == 200, (route.path, answer.text)
            again = await looks(served)
            if route.path == "/v1/review/escalations":  # shown and written down when the ids were looked up
                assert (before["escalations.listed"], again) == (1, before)
            elif route.path == "/v1/review/questions":  # the same: of a list every line is written down once
                assert (before["questions.listed"], again) == (1, before)
            else:
                assert sum(again.values()) > sum(before.values()), route.path


async def ids_of(served: Served, kim: httpx.AsyncClient) -> dict[str, object]:
    """What there is to look at: an escalation, its case and customer, a file, a dead letter, a gap."""
    items: list[dict[str, Any]] = []
    while not items:
        items = (await kim.get("/v1/review/escalations")).json()["items"]
    (item,) = items
    read = (await kim.get(f"/v1/review/escalations/{item['id']}")).json()
    async with caller(served.url, key="key-of-reviewer") as colleague:
        asked = {"text": "Do you know Dana?", "asks": "kim"}
        assert (await colleague.post(f"/v1/review/cases/{item['case_id']}/notes", json=asked)).status_code == 201
    assert len((await kim.get("/v1/review/questions")).json()["items"]) == 1
    letter_id = uuid4()
    async with served.services.database.connection() as connection:
        await connection.execute(
            "insert into dead_letters (id, case_id, first_sequence, last_sequence, error) values (%s, %s, 1, 1, 'x')",
            [letter_id, item["case_id"]],
        )
        await connection.execute("update turns set outcome = 'unanswered'")
        await connection.execute("update cases set owner = 'human'")  # so that it stands in the list of cases too
    (gap,) = (await kim.get("/v1/knowledge/gaps")).json()["items"]
    return {
        "escalation_id": item["id"],
        "case_id": item["case_id"],
        "thread_id": item["case_id"],
        "customer_id": read["customer"]["id"],
        "message_id": next(line["id"] for line in read["transcript"] if line["files"]),
        "letter_id": letter_id,
        "gap_id": gap["id"],
    }


async def looks(served: Served) -> dict[str, int]:
    async with served.services.database.connection() as connection:
        cursor = await connection.execute(
            "select kind, count(*) as n from events"
            " where actor = 'kim' and kind ~ '(read|listed|searched)$' group by kind"
        )
        return {row["kind"]: row["n"] for row in await cursor.fetchall()}
