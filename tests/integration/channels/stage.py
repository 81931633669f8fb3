"""The product with the channels that a bench brings, and a way to look into it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from api.channels.channel import Channel
from api.wiring import Services
from infra.settings import Settings
from tests.integration.serving import serving


@dataclass(frozen=True, slots=True)
class Stage:
    """A product that runs."""

    url: str
    services: Services
    http: httpx.AsyncClient
    """Speaks to it from outside."""

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.services.database.connection() as connection:
            return await (await connection.execute(statement, values)).fetchall()

    async def stored(self) -> int:
        """How many messages came in so far."""
        return int((await self.rows("select count(*) as n from messages where author = 'customer'"))[0]["n"])


@asynccontextmanager
async def staged(settings: Settings, channels: Sequence[Channel]) -> AsyncIterator[Stage]:
    """The API, a worker and a sender, with these channels and no others."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with (
        serving(settings, channels) as served,
        httpx.AsyncClient(base_url=served.url, timeout=30, verify=tls) as http,
    ):
        yield Stage(served.url, served.services, http)
