"""Finding a conversation, reading it, closing it, and joining two customers: in Chromium, on the real service."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from api.wiring import build_worker
from channels.addresses import EMAIL
from channels.envelope import Envelope, File
from channels.web import CHAT
from skills.turn import CaseId
from tests.browser.conftest import OpenPage
from tests.browser.looks import WIDE, Violations, look
from tests.core import NOW
from tests.integration.http.console import PASSWORD
from tests.integration.serving import Served, serving, settings_on
from tests.trivial import trivial_graph

pytestmark = pytest.mark.browser

PHOTO = File("lid.png", "image/png", 69, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(53))


async def write(served: Served, address: str, text: str, name: str, *files: File, chat: bool = False) -> CaseId:
    """A message of a customer, by mail unless it is said otherwise."""
    channel = CHAT if chat else EMAIL
    envelope = Envelope(
        channel, uuid4().hex, uuid4().hex, address, text, verified=not chat, name=name, attachments=files
    )
    return (await served.services.inbox.receive(envelope, settle=NOW)).case_id


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(settings_on(database_url), parts=()) as running:
        await running.services.staff.accounts.add_first("ada", PASSWORD)
        await write(running, "dana@example.com", "The lid of my planter arrived broken.", "Dana Holm", PHOTO)
        late = await write(running, "dana@example.com", "And the second parcel is late, order 77310.", "Dana Holm")
        await write(running, "visitor", "Do you ship planters to Canada?", "D. Holm", chat=True)
        await running.services.cases.take_over(late, "mira")
        await running.services.words.write()
        yield running


@pytest.fixture
async def page(open_page: OpenPage, served: Served) -> Page:
    page = await open_page("/conversations", base_url=served.url)
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator(".found-row")).to_have_count(3)
    return page


async def test_a_conversation_is_found_read_resolved_and_opened_again_by_keyboard(
    page: Page, violations: Violations
) -> None:
    await look(page, violations, pictures=[("conversations", "light", WIDE, "h1")])
    await page.keyboard.press("/")
    await page.keyboard.type("lid broken")
    await page.keyboard.press("Enter")
    await expect(page.locator(".found-row")).to_have_count(1)
    assert "lid" not in page.url
    await page.keyboard.press("Escape")
    await page.locator("main").focus()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Dana Holm", level=1)).to_be_visible()
    await expect(page.get_by_role("button", name="Download lid.png").first).to_be_visible()
    await page.get_by_role("button", name="All channels").click()
    await expect(page.get_by_text("And the second parcel is late")).to_be_visible()
    await look(page, violations, pictures=[("conversation", "light", WIDE, "h1")])
    await page.get_by_role("button", name="What happened").click()
    await expect(page.locator(".events li").first).to_contain_text("The customer wrote")
    await expect(page.locator(".facts-line")).to_contain_text("Open, with the assistant")
    await page.get_by_role("button", name="Take over and answer").click()
    await expect(page.get_by_label("Write to the customer")).to_be_visible()
    await page.go_back()
    await page.get_by_role("button", name="Resolve").click()
    await page.get_by_role("button", name="Mark as resolved").click()
    await expect(page.get_by_text("It is resolved.")).to_be_visible()
    await expect(page.locator(".aside")).to_contain_text("not confirmed by the customer")
    await page.get_by_role("button", name="Open again").click()
    await expect(page.get_by_text("It is open again")).to_be_visible()
    await page.keyboard.press("b")
    await expect(page.get_by_label("Search")).to_have_value("lid broken")
    await expect(page.locator(".found-row")).to_have_count(1)
    await expect(page.get_by_text("Messages with all of these words.")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("parcel")
    await expect(page.get_by_label("Search")).to_have_value("parcel")


async def test_what_waits_for_a_decision_says_so_and_leads_to_it_by_key(page: Page, served: Served) -> None:
    case = await write(served, "ed@example.com", "a person please", "Ed")
    stop = asyncio.Event()
    working = asyncio.create_task(build_worker(served.services, trivial_graph()).run(stop))
    while not await served.services.reviews.queue():  # noqa: ASYNC110 - the worker tells nobody
        await asyncio.sleep(0.05)
    stop.set()
    await working
    await page.goto(f"/conversations/{case}")
    await expect(page.locator(".facts-line")).to_contain_text("Waits for a decision")
    await page.locator("main").focus()
    await page.keyboard.press("t")
    await expect(page).to_have_url(re.compile(r"/review#e/"))


async def test_what_was_found_says_who_wrote_it_where_it_was_not_the_customer(page: Page, served: Served) -> None:
    case = await write(served, "fay@example.com", "Is it in stock?", "Fay")
    await served.services.cases.take_over(case, "mira")
    await served.services.cases.write(case, "mira", "It is back on Thursday.", intent_id=uuid4())
    await served.services.words.write()
    for text, line in (("thursday", "Colleague: It is back on Thursday."), ("stock", "Is it in stock?")):
        await page.get_by_label("Search").fill(text)
        await page.keyboard.press("Enter")
        await expect(page.locator(".found-row .said")).to_have_text([line])


async def test_two_customers_are_joined_after_a_look_at_both_and_parted_again(
    page: Page, violations: Violations
) -> None:
    await page.get_by_label("Search").fill("holm")
    await page.keyboard.press("Enter")
    dana, visitor = (page.get_by_role("link", name=name, exact=True) for name in ("Dana Holm", "D. Holm"))
    theirs = await dana.get_attribute("href")
    await visitor.click()
    await page.get_by_label("The other customer").fill("somebody")
    await page.get_by_role("button", name="Look at both").click()
    await expect(page.get_by_text("Paste the other customer")).to_be_visible()
    await page.get_by_label("The other customer").fill(f"{page.url} {theirs}".split()[-1])
    await page.get_by_role("button", name="Look at both").click()
    dialog = page.get_by_role("dialog", name="Are these two one person?")
    await expect(dialog.get_by_text("It can be undone for 30 days.")).to_be_visible()
    await look(page, violations, every=False)
    await dialog.get_by_role("button", name="They are one person").click()
    await expect(dialog.get_by_text("Say why")).to_be_visible()
    await dialog.get_by_label("Why?").fill("She said so on the phone")
    await dialog.get_by_role("button", name="They are one person").click()
    await expect(page.get_by_role("heading", name="Dana Holm", level=1)).to_be_visible()
    await page.get_by_role("button", name="Read what was said on all channels").click()
    await expect(page.get_by_text("Do you ship planters to Canada?")).to_be_visible()
    await look(page, violations, every=False, pictures=[("customer", "light", WIDE, "h1")])
    await page.get_by_role("button", name="Part them again").click()
    await page.get_by_label("Why?").fill("It was her sister")
    await page.get_by_role("button", name="Part them", exact=True).click()
    await expect(page.get_by_text("They are two customers again.")).to_be_visible()
    await expect(page.get_by_text("It was her sister")).to_be_visible()
