"""Plays the sample company's customers through a running service, over HTTP, as browsers and reviewers would.

Each customer writes, waits for what comes back, and is then judged: by the reply that the customer saw, and by what the
review API says of the turn (rules that fired, articles that were cited).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from evals.sample_company.script import Answered, Escalated, SampleCustomer, SampleTurn

_AT_ONCE = 6
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Played:
    """One turn as it went. ``problem`` is ``None`` when it ended as expected."""

    customer: str
    kind: str
    message: str
    outcome: str
    detail: str
    milliseconds: float
    problem: str | None


class Player:
    """Plays customers against one service.

    Args:
        url: where the service is.
        staff_key: for the reviewer's side.
        titles: the articles' titles by slug, because citations carry titles.
    """

    def __init__(self, url: str, staff_key: str, titles: Mapping[str, str]) -> None:
        self._customers = httpx.AsyncClient(base_url=url, timeout=_PATIENCE)
        self._staff = httpx.AsyncClient(
            base_url=url, timeout=_PATIENCE, headers={"Authorization": f"Bearer {staff_key}"}
        )
        self._titles = titles

    async def close(self) -> None:
        """Hang up."""
        await self._customers.aclose()
        await self._staff.aclose()

    async def play(self, customers: Sequence[SampleCustomer], on_turn: Callable[[Played], None]) -> list[Played]:
        """Every customer, a few at once; the turns in the order of the script."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(customer: SampleCustomer) -> list[Played]:
            async with gate:
                played = await self._play_customer(customer)
            for turn in played:
                on_turn(turn)
            return played

        results = await asyncio.gather(*(one(customer) for customer in customers))
        return [turn for turns in results for turn in turns]

    async def _play_customer(self, customer: SampleCustomer) -> list[Played]:
        chat = _Chat(self._customers, customer)
        await self._set_the_scene(chat, customer)
        return [await self._play_turn(chat, customer, turn) for turn in customer.turns]

    async def _set_the_scene(self, chat: _Chat, customer: SampleCustomer) -> None:
        """Earlier cases and the customer's segment, which no customer could bring about by themselves."""
        for _ in range(max(customer.earlier_cases, customer.segment != "standard")):
            case_id = await chat.write("Hello!")
            await chat.wait()
            if customer.segment != "standard":
                await self._put(f"/v1/review/cases/{case_id}/segment", {"segment": customer.segment})
            await _ok(self._staff.post(f"/v1/review/cases/{case_id}/resolve"))

    async def _play_turn(self, chat: _Chat, customer: SampleCustomer, turn: SampleTurn) -> Played:
        began = time.perf_counter()
        case_id = ""
        for message in turn.messages:
            case_id = await chat.write(message)
        replies = await chat.wait()
        milliseconds = (time.perf_counter() - began) * 1000
        case = (await _ok(self._staff.get(f"/v1/review/cases/{case_id}"))).json()
        escalation = None
        if case["escalation_id"]:
            escalation = (await _ok(self._staff.get(f"/v1/review/escalations/{case['escalation_id']}"))).json()
        problem = judge(turn, replies, case, escalation, self._titles)
        outcome = "answered" if escalation is None else f"escalated {escalation['severity']}"
        if escalation is None:
            detail = replies[-1]["text"] if replies else ""
        else:
            detail = "; ".join(reason["explanation"] for reason in escalation["request"]["reasons"])
        message = " / ".join(turn.messages)
        return Played(customer.name, customer.kind, message, outcome, detail, milliseconds, problem)

    async def _put(self, path: str, body: Mapping[str, Any]) -> None:
        await _ok(self._staff.put(path, json=body))


class _Chat:
    """One customer's side of one web conversation."""

    def __init__(self, client: httpx.AsyncClient, customer: SampleCustomer) -> None:
        self._client = client
        self._customer = customer
        self._token: str | None = None
        self._cursor = 0
        self._written = 0

    async def write(self, text: str) -> str:
        """Send a message; the id of its case."""
        body = {"text": text, "name": self._customer.name}
        taken = await _ok(self._client.post("/v1/web/messages", json=body, headers=self._headers(str(uuid4()))))
        self._token = taken.json()["conversation_token"]
        return str(taken.json()["case_id"])

    async def wait(self) -> list[dict[str, Any]]:
        """What came back since the last wait, once something has."""
        replies: list[dict[str, Any]] = []
        deadline = time.monotonic() + _PATIENCE
        while not replies and time.monotonic() < deadline:
            asked = {"after": self._cursor, "wait": 20}
            page = (await _ok(self._client.get("/v1/web/messages", params=asked, headers=self._headers()))).json()
            self._cursor = page["cursor"]
            replies = [message for message in page["messages"] if message["author"] != "customer"]
        return replies

    def _headers(self, key: str | None = None) -> dict[str, str]:
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        return headers if key is None else {**headers, "Idempotency-Key": key}


def judge(
    turn: SampleTurn,
    replies: Sequence[Mapping[str, Any]],
    case: Mapping[str, Any],
    escalation: Mapping[str, Any] | None,
    titles: Mapping[str, str],
) -> str | None:
    """What is wrong with how a turn went; ``None`` when it went as expected."""
    said = "\n".join(reply["text"] for reply in replies).casefold()
    proposed = "" if escalation is None else str(escalation["request"]["proposal"]).casefold()
    if not replies:
        return "nothing came back"
    for word in turn.expect.lacks:
        if word.casefold() in said or word.casefold() in proposed:
            return f"says {word!r}"
    match turn.expect:
        case Answered():
            return _judge_answer(turn.expect, said, replies, case, escalation, titles)
        case Escalated():
            return _judge_escalation(turn.expect, escalation)


def _judge_answer(
    expected: Answered,
    said: str,
    replies: Sequence[Mapping[str, Any]],
    case: Mapping[str, Any],
    escalation: Mapping[str, Any] | None,
    titles: Mapping[str, str],
) -> str | None:
    if escalation is not None:
        rules = [reason["rule"] for reason in escalation["request"]["reasons"]]
        return f"escalated by {', '.join(rules)}; would have said: {escalation['request']['proposal']}"
    if len(replies) != 1:
        return f"{len(replies)} replies"
    cited = set(case["turns"][-1]["cited"])
    wanted = {titles[slug] for slug in expected.cites}
    if not wanted & cited and (wanted or cited):
        return f"cites {sorted(cited)} instead of {sorted(wanted) or 'nothing'}"
    if expected.contains and not any(word.casefold() in said for word in expected.contains):
        return f"has none of {list(expected.contains)}"
    return None


def _judge_escalation(expected: Escalated, escalation: Mapping[str, Any] | None) -> str | None:
    if escalation is None:
        return "was not escalated"
    rules = {reason["rule"] for reason in escalation["request"]["reasons"]}
    if not rules & set(expected.rules):
        return f"escalated by {sorted(rules)} instead of {sorted(expected.rules)}"
    if escalation["severity"] != expected.severity:
        return f"is {escalation['severity']} instead of {expected.severity}"
    return None


async def _ok(asked: Awaitable[httpx.Response]) -> httpx.Response:
    response = await asked
    if response.is_error:
        response.raise_for_status()
    return response
