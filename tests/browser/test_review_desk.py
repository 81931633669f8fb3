"""A reviewer among colleagues, on the whole product but for its skills: the real service, real Chromium.

One takes the most urgent case by keyboard alone while the customer's chat is open; two collide and neither does harm;
what is late and left lying is taken up by the next.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser, Page, expect

from api.wiring import build_scheduler
from tests.browser.looks import Violations, look
from tests.browser.talk import send, texts
from tests.integration.http.console import PASSWORD, add
from tests.integration.serving import PARTS, Served, serving, settings_on

pytestmark = [pytest.mark.browser, pytest.mark.early]

Visit = Callable[[str], Awaitable[Page]]
EDITED = "Unplug it, please. A new pump is on its way."


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    settings = settings_on(database_url)
    settings.review.undo_seconds = 0
    async with serving(settings, parts=PARTS) as running:
        await add(running, "mira", "lead")
        await add(running, "jonas")
        yield running


@pytest.fixture
async def visit(browser: Browser, served: Served) -> AsyncIterator[Visit]:
    """Opens pages of the service, each in a browser of its own, that run without an error."""
    troubles: list[str] = []
    async with AsyncExitStack() as stack:

        async def visit(path: str) -> Page:
            context = await browser.new_context(
                base_url=served.url, locale="en-GB", viewport={"width": 1280, "height": 800}
            )
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("console", lambda line: troubles.append(line.text) if "Content Security" in line.text else None)
            await page.goto(path)
            return page

        yield visit
        assert troubles == []


async def customer(visit: Visit, question: str) -> Page:
    page = await visit("/chat")
    await send(page, question)
    await expect(texts(page)).to_have_count(2)
    return page


async def at_the_desk(visit: Visit, name: str) -> Page:
    """Somebody signs in, without a mouse."""
    page = await visit("/review")
    await expect(page.get_by_label("Name")).to_be_focused()
    for typed, key in ((name, "Tab"), (PASSWORD, "Enter")):
        await page.keyboard.type(typed)
        await page.keyboard.press(key)
    await expect(page.locator("#rows a")).to_have_count(1)
    return page


async def open_first(page: Page) -> None:
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator(".proposal")).to_be_visible()


async def test_the_most_urgent_case_is_edited_by_keyboard_alone_and_the_open_chat_shows_it(
    visit: Visit, violations: Violations
) -> None:
    chat = await customer(visit, "a person please, the pump smokes")
    desk = await at_the_desk(visit, "mira")
    await open_first(desk)
    await look(desk, violations, every=False)
    await desk.keyboard.press("c")
    await expect(desk.get_by_text("You are at it")).to_be_visible()
    await desk.keyboard.press("e")
    await expect(desk.locator("textarea:focus")).to_have_value(re.compile("."))
    await desk.keyboard.press("Control+a")
    await desk.keyboard.type(EDITED)
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_text("Your text goes out now.")).to_be_visible()
    await expect(texts(chat).last).to_have_text(EDITED)
    await expect(desk.get_by_text("Nothing waits for a decision.")).to_be_visible()


async def test_two_reviewers_collide_and_neither_does_harm(visit: Visit, violations: Violations) -> None:
    chat = await customer(visit, "a person please")
    mira, jonas = await at_the_desk(visit, "mira"), await at_the_desk(visit, "jonas")
    await open_first(mira)
    await open_first(jonas)
    await expect(mira.get_by_text("jonas is looking at this")).to_be_visible()

    await jonas.keyboard.press("n")
    await jonas.get_by_label("Add a note").fill("Do we have pumps?")
    await jonas.get_by_label("Ask").select_option("mira")
    await jonas.get_by_role("button", name="Add note").click()
    await expect(mira.locator("#asked-count")).to_have_text("1")

    await send(chat, "And it hums.")
    for page in (mira, jonas):
        await expect(page.get_by_role("region", name="What changed")).to_contain_text("And it hums.")
    await look(mira, violations, every=False)
    await mira.keyboard.press("a")
    await expect(mira.get_by_text("Nothing was decided.")).to_be_visible()
    await jonas.get_by_role("button", name="I have read it").click()
    await jonas.keyboard.press("r")
    await jonas.keyboard.type(EDITED)
    await jonas.get_by_label("My text also answers the newer message").check()
    await jonas.get_by_label("Answer in your own words").press("Control+Enter")
    await expect(jonas.get_by_text("Your answer goes out now.")).to_be_visible()
    await expect(mira.get_by_role("heading", name="Already decided: answer by jonas")).to_be_visible()
    await mira.keyboard.press("a")
    await expect(texts(chat)).to_have_text(
        ["a person please", "A colleague will look at this.", "And it hums.", EDITED]
    )


async def test_what_was_sent_is_taken_back_before_anybody_has_it(served: Served, visit: Visit) -> None:
    served.services.settings.review.undo_seconds = 60
    chat = await customer(visit, "a person please")
    desk = await at_the_desk(visit, "jonas")
    await open_first(desk)
    await desk.keyboard.press("e")
    await desk.keyboard.press("Control+a")
    await desk.keyboard.type(EDITED)
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_text("Goes out in")).to_be_visible()
    await expect(desk.get_by_text("Nothing waits for a decision.")).to_be_visible()
    await desk.keyboard.press("u")
    await expect(desk.get_by_text("Undone. Nothing was sent.")).to_be_visible()
    await expect(desk.get_by_label("Edit the answer")).to_have_value(EDITED)
    await expect(desk.get_by_text("You are at it")).to_be_visible()
    await expect(texts(chat)).to_have_count(2)


async def test_a_late_case_that_nobody_goes_on_with_moves_on_to_the_next(served: Served, visit: Visit) -> None:
    chat = await customer(visit, "a person please")
    mira, jonas = await at_the_desk(visit, "mira"), await at_the_desk(visit, "jonas")
    await open_first(mira)
    await mira.keyboard.press("c")
    await expect(mira.get_by_text("You are at it")).to_be_visible()
    await expect(jonas.locator("#rows")).to_contain_text("mira is at it")
    async with served.services.database.connection() as connection:
        await connection.execute(
            "update escalations set due_at = now() - interval '1 minute',"
            " claimed_until = claimed_until - interval '12 minutes'"
        )
    stop = asyncio.Event()
    jobs = asyncio.create_task(build_scheduler(served.services, ()).run(stop))
    await expect(jonas.locator("#rows")).to_contain_text("let go by mira")
    stop.set()
    await jobs
    await open_first(jonas)
    await jonas.keyboard.press("c")
    await expect(jonas.get_by_text("You are at it")).to_be_visible()
    await expect(mira.get_by_text("jonas is at it").first).to_be_visible()
    await jonas.keyboard.press("a")
    await expect(texts(chat)).to_have_count(3)
