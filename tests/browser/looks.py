"""Looks at a page as its visitors do, light and dark, narrow and wide: axe finds nothing, nothing scrolls sideways.

With CSAGENT_SCREENSHOTS=docs/images the pictures of the documents are made again, where a test says that it has one.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Literal

from playwright.async_api import Page

Scheme = Literal["light", "dark"]
Violations = Callable[[Page], Awaitable[str]]

NARROW, WIDE = (360, 740), (1280, 800)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


async def look(
    page: Page, violations: Violations, *, pictures: Collection[tuple[str, Scheme, tuple[int, int]]] = ()
) -> None:
    """Check the page as it is in every look.

    Args:
        page: which; it is wide and light afterwards.
        violations: what axe finds.
        pictures: the name of a picture, and in which look it is taken.
    """
    for size in (NARROW, WIDE):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert await violations(page) == "", (page.url, scheme, size)
            assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
            for name, wanted_scheme, wanted_size in pictures:
                if (wanted_scheme, wanted_size) == (scheme, size):
                    await _take(page, name)
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")


async def _take(page: Page, name: str) -> None:
    folder = os.environ.get("CSAGENT_SCREENSHOTS")
    if folder is None:
        return
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=place / f"{name}.png", animations="disabled", caret="hide")
