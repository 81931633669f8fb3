"""How long after a reviewer's decision the customer's open chat has the answer, with worker and sender in between."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any
from uuid import uuid4

import httpx

from tests.bench.desk import OURS

_PATIENCE = 30.0


async def bench_decisions(desk: httpx.AsyncClient, chat: httpx.AsyncClient, *, times: int) -> dict[str, float]:
    """Milliseconds, one decision after the other.

    Args:
        desk: of a reviewer who is signed in.
        chat: of customers.
        times: how many.
    """
    took = [await _decide_and_watch(desk, chat, f"This is answer {number}.") for number in range(times)]
    return {
        "decision_to_chat_p50_ms": round(statistics.median(took), 1),
        "decision_to_chat_p95_ms": round(statistics.quantiles(took, n=20)[18], 1),
    }


async def _decide_and_watch(desk: httpx.AsyncClient, chat: httpx.AsyncClient, text: str) -> float:
    headers = {"Idempotency-Key": str(uuid4())}
    taken = _json(await chat.post("/v1/web/messages", json={"text": "a person please"}, headers=headers))
    escalation = f"/v1/review/escalations/{await _escalation(desk, taken['case_id'])}"
    version = _json(await desk.get(escalation))["version"]
    key = {"Authorization": f"Bearer {taken['conversation_token']}", "Accept": "text/event-stream"}
    async with asyncio.timeout(_PATIENCE), chat.stream("GET", "/v1/web/events", headers=key) as events:
        lines = events.aiter_lines()
        while "a person please" not in await anext(lines):
            pass
        began = time.perf_counter()
        decision = {"action": "answer", "version": version, "text": text}
        deciding = asyncio.create_task(desk.post(f"{escalation}/decision", json=decision, headers=OURS))
        while text not in await anext(lines):
            pass
        seconds = time.perf_counter() - began
    _json(await deciding)
    return seconds * 1000


async def _escalation(desk: httpx.AsyncClient, case_id: str) -> str:
    async with asyncio.timeout(_PATIENCE):
        while True:
            found = _json(await desk.get(f"/v1/review/cases/{case_id}"))["escalation_id"]
            if found is not None:
                return str(found)
            await asyncio.sleep(0.05)


def _json(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise RuntimeError(f"{answer.url}: {answer.status_code} {answer.text[:500]}")
    found: dict[str, Any] = answer.json()
    return found
