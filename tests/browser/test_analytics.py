"""The figures, brought by a page that carries the staff key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from api.pages.analytics.render import figures_page
from tests.browser.conftest import OpenPage
from tests.unit.analytics.reports import EVIL, a_report

pytestmark = pytest.mark.browser


async def test_figures_are_shown_asked_for_again_and_taken_away_as_a_file(
    open_page: OpenPage, violations: Callable[[Page], Awaitable[str]]
) -> None:
    page = await open_page("/analytics?metric=csat")
    asked: list[tuple[str, str]] = []

    async def figures(route: Route) -> None:
        asked.append((route.request.url.partition("?")[2], route.request.headers["authorization"]))
        body = bytes(figures_page(a_report(), "csat").body)
        await route.fulfill(body=body, content_type="text/html; charset=utf-8")

    async def file(route: Route) -> None:
        head = {"Content-Disposition": 'attachment; filename="figures.csv"'}
        await route.fulfill(body=b"metric\r\n", content_type="text/csv", headers=head)

    await page.route("**/v1/review/escalations*", lambda route: route.fulfill(json={"items": []}))
    await page.route("**/analytics/page*", figures)
    await page.route("**/v1/analytics/export*", file)
    await page.get_by_label("Staff key").fill("key-of-mira")
    await page.keyboard.press("Enter")
    finding = "Customer satisfaction (CSAT): 90.0 %, up from 70.0 %"
    await expect(page.get_by_role("heading", name=finding)).to_be_visible()
    await expect(page.get_by_role("img", name=finding)).to_be_visible()
    await expect(page.locator("#figures")).to_contain_text(EVIL)
    assert asked == [("metric=csat", "Bearer key-of-mira")]
    assert await violations(page) == ""
    await page.get_by_label("Channel", exact=True).select_option("chat")
    await page.get_by_role("button", name="Show").click()
    await expect(page).to_have_url("/analytics?from=2026-03-02&to=2026-03-08&step=day&channel=chat&metric=csat")
    await page.get_by_role("link", name="Reopen rate", exact=True).click()
    await expect(page).to_have_url("/analytics?from=2026-03-02&to=2026-03-08&step=day&metric=reopen")
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="CSV").click()
    assert (await saved.value).suggested_filename == "figures.csv"
    await page.go_back()
    await expect(page).to_have_url("/analytics?from=2026-03-02&to=2026-03-08&step=day&channel=chat&metric=csat")
