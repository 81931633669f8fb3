"""A visitor who writes by the contact form and follows the private page."""

from __future__ import annotations

import time
from uuid import uuid4

import httpx

from evals.sample_company.talks.talk import PATIENCE, FindCase, ok


class FormTalk:
    """One message by the form and what comes back; customers of the sample write once by it.

    Args:
        client: of the service.
        find: the case of whoever has an address.
        name: the customer's.
        address: where the customer can be reached; nobody has proven it.
        topic: stands above the message.
    """

    def __init__(self, client: httpx.AsyncClient, find: FindCase, name: str, address: str, topic: str | None) -> None:
        self._client = client
        self._find = find
        self._name = name
        self._address = address
        self._topic = topic
        self._token = ""
        self._cursor = 0

    async def write(self, text: str) -> None:
        """Send the form."""
        body = {"text": text, "name": self._name, "email": self._address, "topic": self._topic}
        headers = {"Idempotency-Key": str(uuid4())}
        taken = await ok(self._client.post("/v1/web/form", json=body, headers=headers))
        self._token = taken.json()["conversation_token"]

    async def wait(self) -> list[str]:
        """The replies since the last wait, as the private page reads them."""
        replies: list[str] = []
        deadline = time.monotonic() + PATIENCE
        headers = {"Authorization": f"Bearer {self._token}"}
        while not replies and time.monotonic() < deadline:
            asked = {"after": self._cursor, "wait": 20}
            page = (await ok(self._client.get("/v1/web/form/messages", params=asked, headers=headers))).json()
            self._cursor = page["cursor"]
            replies = [message["text"] for message in page["messages"] if message["author"] != "customer"]
        return replies

    async def case(self) -> str:
        """Staff find it by the address."""
        return await self._find(self._address)
