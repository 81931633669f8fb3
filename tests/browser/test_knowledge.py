"""The staff's search over the articles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.review_api import COOKIE
from tests.browser.server import PageServer

pytestmark = pytest.mark.browser

PASSAGE = {
    "id": "1", "article_id": "2", "title": "Returns", "heading": "<b>Shoes</b>", "text": "Thirty days.",
    "url": "https://shop.example/returns", "language": "en", "similarity": 0.71, "score": 0.0328, "place_by_words": 2,
    "source": "help", "slug": "returns.md",
}  # fmt: skip
FINDING = {
    "kind": "broken_link", "article": {"id": "2", "source": "help", "slug": "returns.md", "title": "Returns"},
    "detail": "leads to fee.md, which is not there", "other": None, "at": None,
}  # fmt: skip


async def test_passages_are_shown_with_where_they_come_from_and_the_report_too(
    open_page: OpenPage, violations: Callable[[Page], Awaitable[str]]
) -> None:
    page = await open_page("/sign-in")
    await page.context.add_cookies([{"name": COOKIE, "value": "session-of-mira", "url": page.url}])
    await page.goto("/knowledge")
    asked: list[object] = []

    async def search(route: Route) -> None:
        asked.append(route.request.post_data_json)
        await route.fulfill(json={"items": [PASSAGE]})

    await page.route("**/v1/knowledge/search", search)
    await page.route("**/v1/knowledge/check", lambda route: route.fulfill(json={"findings": [FINDING]}))
    await page.keyboard.press("/")
    await expect(page.get_by_label("Question")).to_be_focused()
    await page.keyboard.type("how long?")
    await page.get_by_label("Search as").select_option("staff")
    await page.get_by_role("button", name="Search").click()
    found = page.locator("#found")
    await expect(found).to_contain_text("Returns: <b>Shoes</b>")
    await expect(found).to_contain_text("similarity 0.71, score 0.0328, number 2 by words")
    await expect(found).to_contain_text("help/returns.md https://shop.example/returns")
    assert asked[-1] == {"text": "how long?", "audience": "staff"}
    assert await violations(page) == ""
    await page.get_by_role("button", name="What is wrong?").click()
    await expect(found).to_contain_text("broken link: Returns")
    await expect(page.get_by_role("status")).to_have_text("1 to look at")


GAP = {
    "id": "7", "version": "v7", "question": "Do you <b>engrave</b>?", "questions": 2, "customers": 2, "answers": 1,
    "first_at": "2026-11-01T10:00:00Z", "last_at": "2026-11-02T10:00:00Z", "earlier_article_id": None,
}  # fmt: skip
WHOLE = {
    **GAP,
    "asked": [{"case_id": "1", "at": "2026-11-01T10:00:00Z", "text": "Do you <b>engrave</b>?", "answer": "Yes, Mira."}],
    "suggestion": {
        "title": "Do you engrave?", "text": "Yes, [name].", "language": "en", "answers": 1, "left_out": [],
        "others": [{"kind": "conflicts", "sentence": "No.", "instead": "Yes, [name]."}],
        "places": [{"kind": "mark", "private": False, "reason": "[name] was taken out", "sentence": "Yes, [name]."}],
    },
}  # fmt: skip


async def test_a_gap_is_read_a_refusal_is_told_and_what_a_person_wrote_is_approved(
    open_page: OpenPage, server: PageServer, violations: Callable[[Page], Awaitable[str]]
) -> None:
    server.review.role = "lead"
    page = await open_page("/sign-in")
    await page.context.add_cookies([{"name": COOKIE, "value": "session-of-mira", "url": page.url}])
    await page.goto("/knowledge")
    sent: list[object] = []
    left = [GAP]

    async def approve(route: Route) -> None:
        sent.append(route.request.post_data_json)
        if len(sent) == 1:
            problem = {"title": "Conflict", "status": 409, "detail": "a place has to be looked at"}
            await route.fulfill(status=409, content_type="application/problem+json", json=problem)
        else:
            left.clear()
            await route.fulfill(status=201, json={"article_id": "9"})

    await page.route("**/v1/knowledge/gaps", lambda route: route.fulfill(json={"items": left}))
    await page.route("**/v1/knowledge/gaps/7", lambda route: route.fulfill(json=WHOLE))
    await page.route("**/v1/knowledge/gaps/7/approve", approve)
    await page.get_by_role("button", name="What is not answered?").click()
    found = page.locator("#found")
    await expect(found).to_contain_text("Do you <b>engrave</b>?")
    await page.get_by_role("button", name="Read").click()
    await expect(found).to_contain_text("Staff: Yes, Mira.")
    await expect(found).to_contain_text("No. (here: Yes, [name].)")
    assert await violations(page) == ""
    await page.get_by_label("Text").fill("Yes, we do.")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("status")).to_have_text("A place has to be looked at.")
    await page.reload()
    await page.get_by_role("button", name="What is not answered?").click()
    await page.get_by_role("button", name="Read").click()
    await expect(page.get_by_label("Text")).to_have_value("Yes, we do.")  # kept in this tab
    await page.get_by_label("Nothing in it is one customer's own").check()
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("status")).to_have_text("The article is live. No question is open.")
    said = {"version": "v7", "title": "Do you engrave?", "text": "Yes, we do.", "audience": "public"}
    assert sent == [{**said, "checked": False}, {**said, "checked": True}]


async def test_only_what_a_role_may_is_offered(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/sign-in")
    await page.context.add_cookies([{"name": COOKIE, "value": "session-of-mira", "url": page.url}])
    await page.route("**/v1/knowledge/gaps", lambda route: route.fulfill(json={"items": [GAP]}))
    await page.route("**/v1/knowledge/gaps/7", lambda route: route.fulfill(json=WHOLE))
    await page.goto("/knowledge")
    await page.get_by_role("button", name="What is not answered?").click()
    await page.get_by_role("button", name="Read").click()
    await expect(page.locator("#found")).to_contain_text("Staff: Yes, Mira.")
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    server.review.role = "analyst"
    await page.goto("/knowledge")
    await expect(page.get_by_role("button", name="What is wrong?")).to_be_visible()
    await expect(page.get_by_role("button", name="What is not answered?")).to_have_count(0)
