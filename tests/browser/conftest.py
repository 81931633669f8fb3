"""A browser for the whole run; a server, a fresh profile and a page that complains for every test."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.desk import sign_in
from tests.browser.review_api import COOKIE
from tests.browser.server import PageServer

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""The first found. The shell alone is the same engine without what draws a browser's own windows: half the work."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=20_000)
"""Milliseconds until a page counts as wrong: how quick pages are is for benches, which have the machine alone."""

FASTER = "const every = setInterval; setInterval = (act, wait) => every(act, Math.min(wait, 400))"
"""Lets the reviewer's page refresh its lists without a test waiting for seconds."""

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The Chromium of this machine."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        message = "no Chromium on the PATH: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield launched
        await launched.close()


@pytest.fixture
def server() -> Iterator[PageServer]:
    """The pages with an API of their own."""
    with PageServer() as running:
        yield running


@pytest.fixture
async def open_page(browser: Browser, server: PageServer) -> AsyncIterator[OpenPage]:
    """Opens pages that may ask this one host only, set no cookie but the staff's, and run without an error."""
    async with AsyncExitStack() as stack:
        contexts: list[BrowserContext] = []
        troubles: list[str] = []

        async def open_page(path: str, **options: Any) -> Page:
            ours = {server.url, server.site, options.get("base_url", server.url)}
            context = await browser.new_context(
                **{"base_url": server.url, "viewport": {"width": 1280, "height": 800}, "locale": "en-GB"} | options
            )
            stack.push_async_callback(context.close)
            contexts.append(context)
            page = await context.new_page()
            page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
            page.on(
                "console",
                lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None,
            )
            page.on("request", lambda request: troubles.extend(_foreign(request.url, ours)))
            await page.goto(path)
            return page

        yield open_page
        for context in contexts:
            assert {cookie.get("name") for cookie in await context.cookies()} <= {COOKIE}
        assert troubles == []


@pytest.fixture
async def desk(open_page: OpenPage) -> Page:
    """The reviewer's page, signed in as Mira."""
    page = await open_page("/sign-in")
    await page.context.add_init_script(FASTER)
    await sign_in(page)
    return page


@pytest.fixture
def violations() -> Callable[[Page], Awaitable[str]]:
    """What axe finds wrong on a page, as a report; empty when nothing is."""
    axe = Axe()

    async def check(page: Page) -> str:
        results = await axe.run(page, options={"resultTypes": ["violations"]})
        return "\n".join(
            f"{found['id']}: {found['help']}: {node['html']} {node.get('failureSummary')}"
            for found in results.response["violations"]
            for node in found["nodes"]
        )

    return check


def _foreign(url: str, ours: set[str]) -> list[str]:
    parts = urlsplit(url)
    local = parts.scheme in {"data", "blob"} or f"{parts.scheme}://{parts.netloc}" in ours
    return [] if local else [f"asked another host: {url}"]
