"""The product's processes with somebody who is signed in to the console."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

NAME, PASSWORD = "bench", "three words apart"
OURS = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a request that one of our pages makes."""


@asynccontextmanager
async def service(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[None]:
    """One process, from here on until the end: ``api PORT``, ``worker`` or ``sender``."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.service", *arguments),
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def until_up(client: httpx.AsyncClient) -> None:
    """Wait until it answers."""
    for _ in range(600):
        try:
            await client.get("/health/live")
        except httpx.TransportError:
            await asyncio.sleep(0.1)
        else:
            return
    raise RuntimeError("the API did not come up")


async def sign_in(client: httpx.AsyncClient) -> None:
    """Into the only account."""
    answer = await client.post("/sign-in", data={"name": NAME, "password": PASSWORD}, headers=OURS)
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"nobody could sign in: {answer.status_code} {answer.text[:500]}")
