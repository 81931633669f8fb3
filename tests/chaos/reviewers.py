"""Reviewers who decide, sometimes two at once and sometimes twice, and keep what they were told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx

from tests.product import STAFF

AWAY = {500, 502, 503, 504}
ACTIONS = ("approve", "approve", "edit", "answer", "reject", "take_over")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a reviewer was answered. ``status`` 0: nobody answered, so it may or may not have been taken."""

    escalation_id: UUID
    reviewer: str
    action: str
    status: int


@dataclass
class Reviewers:
    """All of them, on one client.

    Args:
        port: of the product's API.
    """

    port: int
    answers: list[Answered] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=15.0, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, method: str, path: str, reviewer: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """One request to the review API; an answer of 599 stands for none."""
        try:
            return await self._client.request(
                method, f"/v1/review{path}", json=body, headers={"Authorization": f"Bearer {STAFF[reviewer]}"}
            )
        except httpx.TransportError:
            return httpx.Response(599)

    async def queue(self) -> list[dict[str, Any]]:
        """What waits for a person; empty while nobody answers."""
        answer = await self.ask("GET", "/escalations?limit=200", "kim")
        return list(answer.json()["items"]) if answer.is_success else []

    async def decide(self, escalation_id: str, reviewer: str, action: str, *, version: str | None = None) -> Answered:
        """Read it, and decide on what was read, or on an older ``version``."""
        if version is None:
            read = await self.ask("GET", f"/escalations/{escalation_id}", reviewer)
            if not read.is_success:
                return self._keep(escalation_id, reviewer, action, read.status_code)
            version = read.json()["version"]
        body = {"action": action, "version": version}
        if action in {"edit", "answer"}:
            body["text"] = "What a person has to say."
        if action == "reject":
            body["reason"] = "try again"
        answer = await self.ask("POST", f"/escalations/{escalation_id}/decision", reviewer, body)
        return self._keep(escalation_id, reviewer, action, answer.status_code)

    @asynccontextmanager
    async def at_work(self, dice: random.Random) -> AsyncIterator[None]:
        """Decide whatever comes while the block runs; now and then both at once."""
        over = asyncio.Event()
        working = asyncio.create_task(self._work(dice, over))
        try:
            yield
        finally:
            # A decision that was begun is waited for: it could be taken after everything was taken for settled.
            over.set()
            await working

    async def _work(self, dice: random.Random, over: asyncio.Event) -> None:
        while not over.is_set():
            for line in await self.queue():
                first = dice.choice(ACTIONS)
                if dice.random() < 0.3:
                    await asyncio.gather(
                        self.decide(line["id"], "kim", first), self.decide(line["id"], "lee", dice.choice(ACTIONS))
                    )
                else:
                    await self.decide(line["id"], "kim", first)
            await asyncio.sleep(0.3)

    def _keep(self, escalation_id: str, reviewer: str, action: str, status: int) -> Answered:
        answered = Answered(UUID(escalation_id), reviewer, action, 0 if status == 599 else status)
        self.answers.append(answered)
        return answered
