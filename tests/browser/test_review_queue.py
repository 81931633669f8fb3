"""The lists of the reviewer's page: true, in order, and quiet while somebody works."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.desk import OWN_WORDS, open_parcel, row, rows
from tests.browser.examples import CASE, PARCEL, REFUND, SMOKE
from tests.browser.review_api import COOKIE
from tests.browser.server import PageServer

pytestmark = pytest.mark.browser


async def test_the_queue_shows_what_is_left_the_nearest_deadline_first(desk: Page) -> None:
    await expect(rows(desk)).to_have_count(3)
    first, second, third = await rows(desk).all()
    await expect(first).to_contain_text("P1")
    await expect(first).to_contain_text("3 min late")
    await expect(first).to_contain_text("jonas is at it")
    await expect(second).to_contain_text("12 min left")
    await expect(second).to_contain_text("Web chat")
    await expect(second).to_contain_text("Gerald Okoro My parcel should have been here")
    await expect(second).to_contain_text("Draft ready · Angry customer · Large amount")
    await expect(third).to_contain_text("21 h 4 min left")
    assert await first.locator("time").get_attribute("title")
    await expect(desk).to_have_title("(3) Review")
    await expect(desk.get_by_role("link", name="Decisions 3 some late")).to_be_visible()
    await expect(desk.get_by_role("link", name="With people 1", exact=True)).to_be_visible()


async def test_refreshing_disturbs_neither_focus_nor_text(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("e")
    field = desk.get_by_label("Edit the answer")
    await field.fill(OWN_WORDS)
    server.review.escalations.pop(SMOKE)
    await expect(rows(desk)).to_have_count(2)
    await expect(field).to_be_focused()
    await expect(field).to_have_value(OWN_WORDS)

    await desk.keyboard.press("Escape")
    await desk.keyboard.press("j")
    await expect(row(desk, REFUND)).to_be_focused()
    server.review.escalations[PARCEL]["due_at"] = "2100-01-01T00:00:00+00:00"
    await expect(rows(desk).first).to_have_attribute("data-id", REFUND)
    await expect(row(desk, REFUND)).to_be_focused()
    server.review.somebody_decides(REFUND, "answer", "jonas")
    await expect(rows(desk)).to_have_count(1)
    await expect(row(desk, PARCEL)).to_be_focused()


async def test_the_lists_have_keys_and_the_focus_stays_in_what_is_read(desk: Page, server: PageServer) -> None:
    await desk.keyboard.press("2")
    await expect(desk.get_by_role("heading", name="Cases that people own")).to_be_visible()
    await desk.keyboard.press("3")
    await expect(desk.get_by_role("heading", name="Questions of colleagues to you")).to_be_visible()
    await desk.keyboard.press("1")
    await open_parcel(desk)
    server.review.customer_writes(PARCEL, "Are you there?")
    await expect(desk.get_by_role("heading", name="Written after this proposal")).to_be_visible()
    within = "document.getElementById('talk').contains(document.activeElement)"
    assert await desk.evaluate(within)


async def test_a_queue_of_more_than_it_shows_says_of_how_many(desk: Page, server: PageServer) -> None:
    server.review.beyond = 397
    await expect(desk.locator("#queue-count")).to_contain_text("400")
    await expect(desk).to_have_title("(400) Review")
    await desk.get_by_label("Filter this list").fill("without a draft")
    await expect(rows(desk)).to_have_count(1)
    await expect(row(desk, REFUND)).to_be_visible()
    await expect(desk.locator("#list-nothing")).to_have_text("Only the first 3 of 400 were searched.")
    server.review.beyond = 9996
    await desk.set_viewport_size({"width": 1024, "height": 800})
    await expect(desk.locator("#queue-count")).to_contain_text("9999")
    overlapping = "[...document.querySelectorAll('.lists a')].filter((tab) => tab.scrollWidth > tab.clientWidth).length"
    assert await desk.evaluate(overlapping) == 0


async def test_what_a_customer_writes_before_the_page_first_asks_for_changes_is_shown(
    desk: Page, server: PageServer
) -> None:
    async def write_first(route: Route) -> None:
        if not server.review.escalations[PARCEL]["later_messages"]:
            server.review.customer_writes(PARCEL, "Are you there?")
        await route.continue_()

    await desk.route("**/looking", write_first)
    await open_parcel(desk)
    await expect(desk.get_by_role("heading", name="Written after this proposal")).to_be_visible()
    assert server.review.reads == [PARCEL, PARCEL]


async def test_a_queue_that_can_not_be_read_says_so_and_recovers(desk: Page, server: PageServer) -> None:
    await desk.context.set_offline(True)
    await expect(desk.locator("#stale")).to_contain_text("The connection was lost. This is how it was at")
    await expect(rows(desk)).to_have_count(3)
    await desk.context.set_offline(False)
    await expect(desk.locator("#stale")).to_be_hidden()


async def test_a_broken_queue_is_said_to_be_broken_and_a_case_opens_all_the_same(
    open_page: OpenPage, server: PageServer
) -> None:
    server.review.queue_is_broken = True
    page = await open_page("/sign-in")
    await page.context.add_cookies([{"name": COOKIE, "value": "session-of-mira", "url": page.url}])
    await page.goto(f"/review#c/{CASE}")

    await expect(page.locator("#stale")).to_have_text("The database is away. Trying again every few seconds.")
    await expect(page.get_by_label("Write to the customer")).to_be_visible()


async def test_what_is_marked_is_claimed_together_and_who_was_quicker_is_said(desk: Page, server: PageServer) -> None:
    for _ in range(3):
        await desk.keyboard.press("j")
        await desk.keyboard.press("s")
    await expect(desk.get_by_text("3 marked")).to_be_visible()
    await desk.get_by_role("group", name="With all that are marked").get_by_role("button", name="Claim").click()
    await expect(desk.get_by_text("2 claimed. 1 not: Jonas is at it")).to_be_visible()
    assert [item["claimed_by"] for item in server.review.escalations.values()] == ["mira", "jonas", "mira"]
    await expect(desk.get_by_text("marked")).to_have_count(0)


async def test_the_list_is_filtered_and_empty_states_have_words(desk: Page, server: PageServer) -> None:
    await desk.keyboard.press("/")
    await expect(desk.get_by_label("Filter this list")).to_be_focused()
    await desk.keyboard.type("parcel p2")
    await expect(rows(desk)).to_have_count(1)
    await desk.keyboard.type(" zebra")
    await expect(desk.get_by_text("Nothing here fits the filter.")).to_be_visible()
    await desk.keyboard.press("Escape")
    await expect(rows(desk)).to_have_count(3)
    server.review.escalations.clear()
    await expect(desk.get_by_text("Nothing waits for a decision.")).to_be_visible()
    await expect(desk).to_have_title("Review")
