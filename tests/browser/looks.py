"""Looks at a page as its visitors do, light and dark, narrow and wide: axe finds nothing, nothing scrolls sideways.

With CSAGENT_SCREENSHOTS=docs/images the pictures of the documents are made again, where a test says that it has one.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Literal
from urllib.parse import urldefrag

from playwright.async_api import Page, ViewportSize

Scheme = Literal["light", "dark"]
Violations = Callable[[Page], Awaitable[str]]

NARROW, WIDE = (360, 740), (1280, 800)
SOME: dict[tuple[int, int], Scheme] = {NARROW: "dark", WIDE: "light"}
FRAME: ViewportSize = {"width": 860, "height": 800}
"""How much of a wide page is on a picture: enough, and few bytes."""
Picture = tuple[str, Scheme, tuple[int, int], str]
"""Its name, the look in which it is taken, and what is in its middle."""
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


async def look(page: Page, violations: Violations, *, every: bool = True, pictures: Collection[Picture] = ()) -> None:
    """Check the page as it is in every look.

    Args:
        page: which; it is wide and light afterwards.
        violations: what axe finds.
        every: in all four looks; else in two, for a page that was seen in all with nearly the same on it.
        pictures: those that are taken of it.
    """
    for size in (NARROW, WIDE):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        for scheme in SCHEMES if every else (SOME[size],):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert await violations(page) == "", (page.url, scheme, size)
            assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
            for name, wanted_scheme, wanted_size, middle in pictures:
                if (wanted_scheme, wanted_size) == (scheme, size):
                    await _take(page, name, middle)
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")


async def mirror(page: Page, viewer: Page) -> Page:
    """The page as it is, in a browser that runs scripts: without them axe can't look at anything."""
    html, address = await page.content(), urldefrag(page.url).url
    await viewer.route(lambda url: url == address, lambda route: route.fulfill(body=html, content_type="text/html"))
    await viewer.goto(address)
    await viewer.unroute_all()
    return viewer


async def take(page: Page, name: str) -> None:
    """Take a picture of the page as it is, where pictures are asked for."""
    folder = os.environ.get("CSAGENT_SCREENSHOTS")
    if folder is not None:
        await page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled", caret="hide")


async def _take(page: Page, name: str, middle: str) -> None:
    if "CSAGENT_SCREENSHOTS" not in os.environ:
        return
    size = page.viewport_size
    if size is not None and size["width"] > FRAME["width"]:
        await page.set_viewport_size(FRAME)
    await page.locator(middle).evaluate("node => node.scrollIntoView({ block: 'center' })")
    await take(page, name)
    if size is not None:
        await page.set_viewport_size(size)
