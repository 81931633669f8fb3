"""A visitor of the web chat."""

from __future__ import annotations

import time
from uuid import uuid4

import httpx

from evals.sample_company.talks.talk import PATIENCE, ok


class ChatTalk:
    """One conversation over the chat's API.

    Args:
        client: of the service.
        name: what the customer calls themselves.
    """

    def __init__(self, client: httpx.AsyncClient, name: str) -> None:
        self._client = client
        self._name = name
        self._token: str | None = None
        self._cursor = 0
        self._case = ""

    async def write(self, text: str) -> None:
        """Send a message."""
        body = {"text": text, "name": self._name}
        taken = await ok(self._client.post("/v1/web/messages", json=body, headers=self._headers(str(uuid4()))))
        self._token = taken.json()["conversation_token"]
        self._case = str(taken.json()["case_id"])

    async def wait(self) -> list[str]:
        """The replies since the last wait, by a poll that the service holds open."""
        replies: list[str] = []
        deadline = time.monotonic() + PATIENCE
        while not replies and time.monotonic() < deadline:
            asked = {"after": self._cursor, "wait": 20}
            page = (await ok(self._client.get("/v1/web/messages", params=asked, headers=self._headers()))).json()
            self._cursor = page["cursor"]
            replies = [message["text"] for message in page["messages"] if message["author"] != "customer"]
        return replies

    async def case(self) -> str:
        """As the service said when it took the message."""
        return self._case

    def _headers(self, key: str | None = None) -> dict[str, str]:
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        return headers if key is None else {**headers, "Idempotency-Key": key}
