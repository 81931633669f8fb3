"""The reviewer's page on every screen and for every reader."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.desk import LATER, OWN_WORDS, row, rows, sign_in
from tests.browser.examples import CASE, DOUBTED, PARCEL, REFUND, question
from tests.browser.looks import take
from tests.browser.server import PageServer

pytestmark = pytest.mark.browser


async def test_a_phone_shows_one_pane_at_a_time_and_the_decision_at_the_thumb(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/sign-in", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    await sign_in(page)
    await expect(page.locator("#talk")).to_be_hidden()
    await row(page, PARCEL).tap()
    await expect(page.locator(".proposal")).to_be_in_viewport()
    await expect(rows(page).first).to_be_hidden()
    approve = page.get_by_role("button", name="Approve")
    for pane in ("Reasons", "Talk"):
        await page.get_by_role("button", name=pane).tap()
        await expect(approve).to_be_in_viewport(ratio=1)
        box = await approve.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["y"] > 600
    await page.locator(".cited").first.tap()
    await expect(page.locator("#source-1")).to_be_in_viewport()
    await approve.tap()
    await expect(page.get_by_text("Approved.")).to_be_visible()
    assert [decision.action for _, _, decision in server.review.decisions] == ["approve"]


@pytest.mark.parametrize("width", [360, 1024, 2560])
async def test_the_desk_never_scrolls_sideways(open_page: OpenPage, server: PageServer, width: int) -> None:
    server.review.customer_writes(PARCEL, "W" * 400)
    page = await open_page("/sign-in", viewport={"width": width, "height": 740})
    await sign_in(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    for address in (f"e/{PARCEL}", f"e/{REFUND}", f"c/{CASE}"):
        await page.goto(f"/review#{address}")
        await expect(page.locator(".talk-head")).to_be_visible()
        for pane in ("context", "talk"):
            await page.evaluate("pane => { document.body.dataset.pane = pane }", pane)
            if width >= 1024:
                assert await page.evaluate("document.documentElement.scrollHeight") <= 740
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            for box in ("#talk", "#context", ".list-pane", "#bar"):
                assert await page.locator(box).evaluate("node => node.scrollWidth <= node.clientWidth"), (box, address)


@pytest.mark.parametrize(("scheme", "width"), [("dark", 360), ("light", 1280)])
async def test_axe_finds_nothing_wrong_with_the_desk(
    open_page: OpenPage, server: PageServer, violations: Callable[[Page], Awaitable[str]], scheme: str, width: int
) -> None:
    server.review.onlookers = ["jonas"]
    parcel = server.review.escalations[PARCEL]
    parcel["request"]["findings"] = [DOUBTED]
    server.review.notes[parcel["case_id"]] = [question(to="mira")]
    page = await open_page("/sign-in", color_scheme=scheme, viewport={"width": width, "height": 800})
    await sign_in(page)
    assert await violations(page) == ""

    await page.goto(f"/review#e/{PARCEL}")
    await expect(page.locator(".proposal")).to_be_visible()
    await expect(page.locator(".notes li")).to_be_attached()
    assert await violations(page) == ""
    await take(page, f"review-{scheme}")
    server.review.customer_writes(PARCEL, LATER)
    await page.get_by_role("button", name="Answer instead").click()
    await page.get_by_label("Answer in your own words").fill(OWN_WORDS)
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("region", name="What changed")).to_be_visible()
    assert await violations(page) == ""
    await take(page, f"review-changed-{scheme}")
    await page.evaluate("document.body.dataset.pane = 'context'")
    assert await violations(page) == ""

    await page.goto(f"/review#e/{REFUND}")
    await expect(page.get_by_role("heading", name="No proposal")).to_be_attached()
    assert await violations(page) == ""
    await page.goto(f"/review#c/{CASE}")
    await expect(page.get_by_label("Write to the customer")).to_be_visible()
    assert await violations(page) == ""
    await page.locator("#talk").focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", name="Keys")).to_be_in_viewport(ratio=1)
    assert await violations(page) == ""
    assert json.loads(await page.evaluate("JSON.stringify(Object.keys(localStorage))")) == []
