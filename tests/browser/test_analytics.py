"""The figures of a month, on the real service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looks import NARROW, WIDE, Violations, look
from tests.integration.analytics.test_by_hand import a_month
from tests.integration.http.console import PASSWORD
from tests.integration.serving import Served, serving, settings_on

pytestmark = pytest.mark.browser
MARCH = "from=2026-03-01&to=2026-03-31&step=week"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(settings_on(database_url), parts=()) as running:
        await running.services.staff.accounts.add_first("ada", PASSWORD)
        await a_month().write(running.services.database)
        await running.services.analytics_rows.refresh()
        yield running


@pytest.fixture
async def page(open_page: OpenPage, served: Served) -> Page:
    page = await open_page(f"/analytics?{MARCH}", base_url=served.url)
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    return page


async def test_figures_are_shown_asked_for_again_and_taken_away_as_a_file(page: Page, violations: Violations) -> None:
    await expect(page.get_by_role("heading", name="Customer satisfaction (CSAT): 50.0 %")).to_be_visible()
    pictures = [("console-analytics", "light", WIDE, "#all"), ("console-analytics-phone", "dark", NARROW, "#closer")]
    await look(page, violations, pictures=pictures)  # type: ignore[arg-type] # the looks are literals
    await page.get_by_label("Channel", exact=True).select_option("email")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_label("Channel", exact=True)).to_have_value("email")
    await page.get_by_role("link", name="Reopen rate", exact=True).click()
    await expect(page).to_have_url(f"/analytics?{MARCH}&channel=email&metric=reopen")
    await expect(page.get_by_role("heading", name="Reopen rate")).to_be_visible()
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="CSV").click()
    assert (await saved.value).suggested_filename == "csagent-figures-2026-03-01-2026-03-31.csv"
    await page.get_by_label("To", exact=True).fill("2026-02-01")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("The period ends before it begins.")
    await look(page, violations, every=False)
    await page.go_back()
    await expect(page.get_by_label("To", exact=True)).to_have_value("2026-03-31")
