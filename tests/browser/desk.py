"""Finding one's way on the reviewer's page."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.browser.examples import PARCEL
from tests.browser.review_api import COOKIE

OWN_WORDS = "Hello Gerald, a replacement goes out today."
LATER = "Forget the refund, just send it again."


async def sign_in(page: Page, address: str = "/review", session: str = "session-of-mira") -> None:
    """As somebody who has just signed in, with the list read."""
    await page.context.add_cookies([{"name": COOKIE, "value": session, "url": page.url}])
    await page.goto(address)
    await expect(rows(page).first).to_be_visible()


def rows(page: Page) -> Locator:
    return page.locator("#rows a")


def row(page: Page, item: str) -> Locator:
    return page.locator(f'#rows a[data-id="{item}"]')


async def open_parcel(page: Page) -> None:
    await row(page, PARCEL).click()
    await expect(page.get_by_role("heading", name="Proposed answer")).to_be_visible()
