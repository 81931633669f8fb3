"""The requests of the real Agent Inbox, as it sent them from a browser, sent again to the real service.

``tests/fixtures/agent_inbox/README.md`` says which Agent Inbox, and how they were recorded.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api.app import create_app
from infra.settings import Settings
from infra.staff_settings import StaffSettings
from tests.fixtures.agent_inbox import THREAD, Recording, recordings
from tests.integration.http.conftest import Service, caller
from tests.integration.http.test_agent_inbox import asked, escalated, last_said

INBOX = "https://inbox.example"
BECOMES = {
    "accept": "agent: echo: a person please",
    "edit": "human: In my words.",
    "hitl-accept": "agent: echo: a person please",
    "hitl-edit": "human: In my words.",
}
"""What the customer reads then; of the rest they read nothing."""
DRAFTED_AGAIN = ("respond", "hitl-respond")


@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
async def test_what_a_person_does_in_agent_inbox_is_done_here(service: Service, recording: Recording) -> None:
    token, escalation = await escalated(service)
    thread: dict[str, Any] = {}
    async with caller(f"{service.url}/langgraph") as inbox:
        for one in recording.requests:
            path = one.path.replace(THREAD, str(thread.get("thread_id")))
            answer = await inbox.request(one.method, path, headers=one.headers | {"Origin": INBOX}, json=one.body)
            assert answer.status_code == one.status, (one.path, answer.text)
            if one.path == "/threads/search" and answer.json() and not thread:
                (thread,) = answer.json()
    request = asked(thread)
    assert ("action_requests" in request) == (recording.graph == "support_hitl")
    if recording.name in BECOMES:
        assert await last_said(service, token, count=3) == BECOMES[recording.name]
    elif recording.name in DRAFTED_AGAIN:
        (again,) = (await service.kim.get("/v1/review/escalations")).json()["items"]
        read = (await service.kim.get(f"/v1/review/escalations/{again['id']}")).json()
        assert read["request"]["rejected"] == [{"draft": "echo: a person please", "reason": "too curt"}]
    else:
        became = {"ignore": ("open", "human", "kim"), "resolve": ("resolved", "agent", None)}
        async with asyncio.timeout(30):
            while (now := await case_of(service, escalation)) != became[recording.name]:
                assert now == ("open", "agent", None), "it became something else"
                await asyncio.sleep(0.02)


async def case_of(service: Service, escalation: dict[str, Any]) -> tuple[str, str, str | None]:
    case = (await service.kim.get(f"/v1/review/cases/{escalation['case_id']}")).json()
    return case["status"], case["owner"], case["owner_name"]


def test_every_button_was_recorded() -> None:
    assert {recording.name for recording in recordings()} == {*BECOMES, *DRAFTED_AGAIN, "ignore", "resolve"}


ASKING = {
    "Origin": INBOX,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,x-api-key",
}
"""What a browser asks before it sends one of the recorded requests from another site."""


async def test_where_the_operator_named_no_site_none_may_read(service: Service) -> None:
    refused = await service.customer.options("/langgraph/threads/search", headers=ASKING)
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)
    assert "CSAGENT_STAFF__INBOX_ORIGINS" in refused.json()["hint"]


async def test_a_site_that_the_operator_named_may_send_what_agent_inbox_sends() -> None:
    settings = Settings(_env_file=None, staff=StaffSettings.model_validate({"inbox_origins": f"{INBOX}/, "}))
    transport = httpx.ASGITransport(create_app(settings))  # not started: a preflight needs nothing behind it
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as browser:
        may = await browser.options("/langgraph/threads/search", headers=ASKING)
        sent = {name for recording in recordings() for one in recording.requests for name in one.headers}
        allowed = {name.strip().lower() for name in may.headers["access-control-allow-headers"].split(",")}
        assert (may.status_code, may.headers["access-control-allow-origin"]) == (204, INBOX)
        assert sent - {"accept"} <= allowed
        assert "access-control-allow-credentials" not in may.headers
        other = await browser.options("/langgraph/threads/search", headers=ASKING | {"Origin": "https://evil.example"})
        assert (other.status_code, "access-control-allow-origin" in other.headers) == (403, False)
        elsewhere = await browser.options("/v1/review/escalations", headers=ASKING)
        assert "access-control-allow-origin" not in elsewhere.headers
