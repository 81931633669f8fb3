"""Somebody of the staff at a browser, for tests over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from infra.staff.roles import Role
from tests.integration.http.conftest import NO_CERTIFICATES
from tests.integration.serving import Served

PASSWORD = "three words apart"
HERE = {"Sec-Fetch-Site": "same-origin"}
"""What every browser says of a form on a page of ours."""


@dataclass
class Browser:
    """A browser that keeps cookies and sends forms as browsers do."""

    client: httpx.AsyncClient

    async def sign_in(self, name: str, password: str, *, then: str = "") -> httpx.Response:
        return await self.send("/sign-in", name=name, password=password, next=then)

    async def send(self, path: str, **fields: str) -> httpx.Response:
        return await self.client.post(path, data=fields, headers=HERE)

    async def form_token(self, path: str = "/sign-in") -> str:
        found = re.search(r'name="token" value="([0-9a-f]{64})"', (await self.client.get(path)).text)
        assert found is not None
        return found[1]


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(base_url=url, timeout=30, verify=NO_CERTIFICATES) as client:
        yield Browser(client)


async def add(served: Served, name: str, role: Role = "reviewer", password: str = PASSWORD) -> None:
    """Somebody who has chosen a password of their own."""
    accounts = served.services.staff.accounts
    first = await accounts.add(name, role, by="test")
    async with browser(served.url) as new:
        assert (await new.sign_in(name, first)).status_code == 303
        answer = await new.send("/account/password", old=first, new=password)
        assert answer.headers["location"] == "/account?done=password", answer.text
