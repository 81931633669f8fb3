"""Finding one's way on the customer's page."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

QUESTION = "How long have I got to send a planter back?"
ANSWER = "You can return it within 60 days. More: https://help.thimblewick.example/articles/returns."


def texts(page: Page) -> Locator:
    return page.locator("#log .message .text")


def states(page: Page) -> Locator:
    return page.locator("#log .message .state")


async def send(page: Page, text: str) -> None:
    await page.get_by_label("Your message").fill(text)
    await page.keyboard.press("Enter")


async def start(page: Page, text: str = QUESTION) -> None:
    await send(page, text)
    await expect(states(page)).to_have_text("Sent")
