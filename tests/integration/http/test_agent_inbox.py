"""LangGraph's API over the review desk, as LangGraph's own client speaks it (``langgraph_sdk``).

The requests of Agent Inbox itself are in ``test_agent_inbox_recorded.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from tests.integration.http.conftest import Service, caller
from tests.integration.http.test_web import read, write

SUPPORT, HITL = "support", "support_hitl"


async def escalated(service: Service) -> tuple[str, dict[str, Any]]:
    """A customer who waits for a person: their token, and the escalation as the console reads it."""
    taken = await write(service, "a person please")
    async with asyncio.timeout(30):
        while not (items := (await service.kim.get("/v1/review/escalations")).json()["items"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return taken["conversation_token"], (await service.kim.get(f"/v1/review/escalations/{items[0]['id']}")).json()


async def last_said(service: Service, token: str, *, count: int) -> str:
    """The last of so many messages that the customer sees."""
    async with asyncio.timeout(30):
        while len(messages := (await read(service, token))["messages"]) < count:  # noqa: ASYNC110 - a sender's
            await asyncio.sleep(0.02)
    return f"{messages[-1]['author']}: {messages[-1]['text']}"


@pytest.fixture
async def client(service: Service) -> AsyncIterator[LangGraphClient]:
    """LangGraph's own, with kim's key."""
    async with get_client(url=f"{service.url}/langgraph", api_key="kim-key") as opened:
        yield opened


async def waiting(client: LangGraphClient, graph: str = SUPPORT) -> dict[str, Any]:
    (thread,) = await client.threads.search(metadata={"graph_id": graph}, status="interrupted")
    return dict(thread)


def asked(thread: dict[str, Any]) -> dict[str, Any]:
    ((interrupt,),) = thread["interrupts"].values()
    return dict(interrupt["value"])


async def resume(client: LangGraphClient, thread: dict[str, Any], answer: object, graph: str = SUPPORT) -> object:
    return await client.runs.wait(thread["thread_id"], graph, command={"resume": answer})


async def refused(attempt: Any) -> httpx.Response:
    with pytest.raises(httpx.HTTPStatusError) as raised:
        await attempt
    return raised.value.response


async def test_what_waits_is_listed_in_both_shapes(service: Service, client: LangGraphClient) -> None:
    _, escalation = await escalated(service)
    first = await waiting(client)
    assert (first["status"], first["values"]["case_id"]) == ("interrupted", escalation["case_id"])
    request = asked(first)
    assert request["action_request"] == {"action": "P2: reply by chat", "args": {"text": "echo: a person please"}}
    assert request["config"] == dict.fromkeys(("allow_accept", "allow_edit", "allow_respond", "allow_ignore"), True)
    assert request["description"].startswith("a person please")
    assert "asked\\_for\\_human, P2). Greet them" in request["description"]
    second = asked(await waiting(client, HITL))
    (action,) = second["action_requests"]
    assert (action["name"], action["args"]) == ("send_reply", {"text": "echo: a person please"})
    assert second["review_configs"] == [
        {"action_name": "send_reply", "allowed_decisions": ["approve", "edit", "reject", "respond"]}
    ]
    assert await client.threads.search(status="idle") == []


async def test_a_thread_its_state_and_its_history_tell_the_same(service: Service, client: LangGraphClient) -> None:
    await escalated(service)
    listed = await waiting(client, HITL)
    thread = await client.threads.get(listed["thread_id"])
    state = await client.threads.get_state(listed["thread_id"])
    assert thread == listed
    assert [state["interrupts"]] == list(listed["interrupts"].values())
    assert state["tasks"][0]["interrupts"] == state["interrupts"]
    assert await client.threads.get_history(listed["thread_id"]) == [state]
    assert [one["graph_id"] for one in await client.assistants.search()] == [SUPPORT, HITL]


@pytest.mark.parametrize(
    ("answer", "graph", "customer_reads"),
    [
        ([{"type": "accept", "args": None}], SUPPORT, "agent: echo: a person please"),
        ([{"type": "edit", "args": {"action": "x", "args": {"text": "My words."}}}], SUPPORT, "human: My words."),
        ({"decisions": [{"type": "approve"}]}, HITL, "agent: echo: a person please"),
        (
            {"decisions": [{"type": "edit", "edited_action": {"name": "send_reply", "args": {"text": "So."}}}]},
            HITL,
            "human: So.",
        ),
        ({"decisions": [{"type": "respond", "message": "Myself."}]}, HITL, "human: Myself."),
    ],
)
async def test_an_answer_in_either_shape_reaches_the_customer(
    service: Service, client: LangGraphClient, answer: object, graph: str, customer_reads: str
) -> None:
    token, _ = await escalated(service)
    thread = await waiting(client, graph)
    assert await resume(client, thread, answer, graph) == {
        "escalation_id": thread["values"]["escalation_id"],
        "status": "closed",
    }
    assert await last_said(service, token, count=3) == customer_reads
    assert (await client.threads.get(thread["thread_id"]))["status"] == "idle"


@pytest.mark.parametrize(
    "answer", [[{"type": "response", "args": "too curt"}], {"decisions": [{"type": "reject", "message": "too curt"}]}]
)
async def test_a_response_goes_to_the_agent_which_drafts_again(
    service: Service, client: LangGraphClient, answer: object
) -> None:
    await escalated(service)
    thread = await waiting(client)
    await resume(client, thread, answer)
    again = await client.threads.get(thread["thread_id"])
    assert again["status"] == "interrupted"
    assert asked(dict(again))["action_request"]["args"] == {"text": "echo: a person please (again 1)"}
    assert again["thread_id"] != thread["thread_id"]
    # What was answered is not answered twice, however the second draft came about.
    assert (await refused(resume(client, thread, answer))).status_code == 409


async def test_where_the_agent_proposes_nothing_more_an_edit_is_the_answer(
    service: Service, client: LangGraphClient
) -> None:
    token, _ = await escalated(service)
    for _ in range(2):
        await resume(client, await waiting(client), [{"type": "response", "args": "no"}])
    thread = await waiting(client)
    assert asked(thread)["config"] == {
        "allow_accept": False,
        "allow_edit": True,
        "allow_respond": False,
        "allow_ignore": True,
    }
    await resume(client, thread, [{"type": "edit", "args": {"action": "x", "args": {"text": "Mine."}}}])
    assert await last_said(service, token, count=3) == "human: Mine."


async def test_ignored_is_taken_over_and_resolved_is_taken_over_and_resolved(
    service: Service, client: LangGraphClient
) -> None:
    _, escalation = await escalated(service)
    await client.runs.wait(
        (await waiting(client))["thread_id"], SUPPORT, command={"resume": [{"type": "ignore", "args": None}]}
    )
    (owned,) = (await service.kim.get("/v1/review/cases")).json()["items"]
    assert (owned["id"], owned["owner_name"]) == (escalation["case_id"], "kim")
    await escalated(service)
    thread = await waiting(client)
    await client.threads.update_state(thread["thread_id"], None, as_node="__end__")
    case = (await service.kim.get(f"/v1/review/cases/{thread['values']['case_id']}")).json()
    assert (case["status"], case["resolved_by_name"], case["turns"][-1]["outcome"]) == ("resolved", "kim", "taken_over")


async def test_what_changed_since_it_was_listed_is_not_answered(service: Service, client: LangGraphClient) -> None:
    token, _ = await escalated(service)
    thread = await waiting(client)
    ((interrupt,),) = thread["interrupts"].values()
    await write(service, "wait, something else", token=token)
    accept = [{"type": "accept", "args": None}]
    for attempt in (
        resume(client, thread, accept),
        resume(client, thread, {interrupt["id"]: accept}),
        client.threads.update_state(thread["thread_id"], None, as_node="__end__"),
    ):
        answer = await refused(attempt)
        assert answer.status_code == 409
        assert answer.json()["changes"]["new_messages"] == ["wait, something else"]
    now = await waiting(client)
    assert "> wait, something else" in asked(now)["description"]
    await resume(client, now, accept)


async def test_a_case_is_answered_by_its_plain_id_where_the_interrupt_is_named(
    service: Service, client: LangGraphClient
) -> None:
    token, escalation = await escalated(service)
    thread = await client.threads.get(escalation["case_id"])
    ((interrupt,),) = thread["interrupts"].values()
    plain = {"thread_id": escalation["case_id"]}
    assert (await refused(resume(client, plain, [{"type": "accept"}]))).status_code == 422
    await resume(client, plain, {interrupt["id"]: {"decisions": [{"type": "approve"}]}})
    assert await last_said(service, token, count=3) == "agent: echo: a person please"


async def test_what_somebody_else_is_at_is_theirs(service: Service, client: LangGraphClient) -> None:
    _, escalation = await escalated(service)
    await service.lee.post(f"/v1/review/escalations/{escalation['id']}/claim")
    thread = await waiting(client)
    assert "**lee is at it.**" in asked(thread)["description"]
    assert (await refused(resume(client, thread, [{"type": "accept"}]))).json()["changes"]["claimed_by"] == "lee"


NONSENSE: tuple[object, ...] = (
    None,
    [],
    "yes",
    [{"type": "accept"}, {"type": "accept"}],
    [{"type": "nonsense"}],
    [{"type": "accept", "args": {"action": "x", "args": {"text": "something else"}}}],
    [{"type": "edit", "args": {"action": "x", "args": {"other": "y"}}}],
    [{"type": "edit", "args": {"action": "x", "args": {"text": "a\x00b"}}}],
    [{"type": "response", "args": ""}],
    {"decisions": []},
    {"decisions": [{"type": "reject"}]},
    {"decisions": [{"type": "edit", "edited_action": {"name": "delete_all", "args": {"text": "x"}}}]},
)


async def test_an_answer_that_makes_no_sense_is_422_and_decides_nothing(
    service: Service, client: LangGraphClient
) -> None:
    await escalated(service)
    thread = await waiting(client)
    for answer in NONSENSE:
        assert (await refused(resume(client, thread, answer))).status_code == 422, answer
    assert await waiting(client) == thread


async def test_what_is_not_here_says_what_is(service: Service) -> None:
    _, escalation = await escalated(service)
    case = escalation["case_id"]
    async with caller(f"{service.url}/langgraph") as client:
        assert (await client.get("/info")).json()["flags"]["assistants"] is True
        assert (await client.get("/ok")).json() == {"ok": True}
        client.headers["x-api-key"] = "kim-key"
        for method, path in (("POST", "/threads"), ("DELETE", f"/threads/{case}"), ("POST", "/store/items/search")):
            answer = await client.request(method, path, json={})
            assert (answer.status_code, answer.headers["content-type"]) == (501, "application/problem+json")
            assert "threads/search" in answer.json()["hint"]
        for path in ("/threads/nonsense", f"/threads/{escalation['id']}", "/assistants/other"):
            assert (await client.get(path)).status_code == 404
        assert (await client.post("/threads/search", json={"values": {"a": 1}})).status_code == 422
        assert (await client.post("/threads/search", json={"metadata": {"a": 1}})).status_code == 422
        begun = await client.post(f"/threads/{case}/runs", json={"assistant_id": SUPPORT, "input": {"text": "hi"}})
        assert begun.status_code == 422
        written = await client.post(f"/threads/{case}/state", json={"values": {"text": "hi"}, "as_node": "review"})
        assert written.status_code == 422
        other = await client.post(f"/threads/{case}/runs", json={"assistant_id": "other", "command": {"resume": []}})
        assert (other.status_code, "Invalid assistant ID" in other.text) == (404, True)


async def test_only_a_staff_key_opens_it_and_every_thread_that_is_listed_is_written_down(
    service: Service, client: LangGraphClient
) -> None:
    await escalated(service)
    async with caller(f"{service.url}/langgraph") as stranger:
        for headers in ({}, {"x-api-key": "wrong"}):
            assert (await stranger.post("/threads/search", json={}, headers=headers)).status_code == 401
    before = await looks(service)
    await waiting(client)
    assert await looks(service) == before + 1


async def looks(service: Service) -> int:
    async with service.services.database.connection() as connection:
        cursor = await connection.execute(
            "select count(*) as n from events where actor = 'kim' and kind = 'escalation.read'"
        )
        row = await cursor.fetchone()
    return 0 if row is None else int(row["n"])
