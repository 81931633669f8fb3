"""What a customer does on any channel: write, and read what comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import httpx

PATIENCE = 30.0
"""Seconds until a customer gives up waiting."""


FindCase = Callable[[str], Awaitable[str]]
"""The id of the newest case of whoever has this address."""


class Talk(Protocol):
    """One customer's talk on one channel."""

    async def write(self, text: str) -> None:
        """Send a message."""
        ...

    async def wait(self) -> list[str]:
        """What came back since the last wait, once something has; empty when nothing did."""
        ...

    async def case(self) -> str:
        """The id of the case that the newest message belongs to."""
        ...


async def ok(asked: Awaitable[httpx.Response]) -> httpx.Response:
    """An answer that is none of the errors."""
    response = await asked
    if response.is_error:
        response.raise_for_status()
    return response


async def until(look: Callable[[], Awaitable[list[str]]], *, pause: float = 0.1) -> list[str]:
    """Look again and again until there is something, or nobody would wait any longer."""
    deadline = time.monotonic() + PATIENCE
    while not (found := await look()) and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody tells a customer
        await asyncio.sleep(pause)
    return found
