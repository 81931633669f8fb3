"""The page of alerts on the real service: what was told, what was not, and trying it out by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looks import WIDE, Picture, Violations, look
from tests.integration.http.console import PASSWORD
from tests.integration.serving import Served, serving, settings_on

pytestmark = pytest.mark.browser

HISTORY = """
with people as (
    update staff_accounts set address = name || '@shop.example' returning id, name
), told as (
    insert into alerts (id, kind, subject_id, mark, case_id, severity, channel, due_at, created_at)
    select gen_random_uuid(), kind, gen_random_uuid(), now(), gen_random_uuid(), severity, channel,
        '2026-03-01 12:00+00'::timestamptz + due, '2026-03-01 12:00+00'
    from (values
        ('late', 'P2', 'email', '-4 min'::interval), ('waiting', 'P1', 'whatsapp', '15 min'),
        ('moved_on', 'P3', 'chat', '3 h'), ('dead_letter', null, 'form', null)
    ) as given (kind, severity, channel, due)
    returning id, kind
)
insert into alert_sends (id, alert_id, account_id, endpoint_id, state, attempts, error, settled_at)
select gen_random_uuid(), told.id, people.id, null,
    case told.kind when 'late' then 'failed' when 'waiting' then 'pending' else 'sent' end,
    case told.kind when 'late' then 31 when 'waiting' then 2 else 1 end,
    case told.kind when 'late' then 'timeout' when 'waiting' then 'smtp_450' end,
    case when told.kind <> 'waiting' then now() end
from told, people where told.kind <> 'dead_letter' and people.name = 'ada'
"""


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(settings_on(database_url), parts=()) as running:
        services = running.services
        await services.staff.accounts.add_first("ada", PASSWORD)
        await services.alerts.endpoints.add("pager", "https://hooks.example/csagent", by="ada")
        await services.alerts.endpoints.add("archive", "https://archive.example/in", by="ada")
        await services.alerts.endpoints.disable("archive", by="scheduler", gone=True)
        async with services.database.connection() as connection:
            await connection.execute(HISTORY)
        yield running


@pytest.fixture
async def page(open_page: OpenPage, served: Served) -> Page:
    return await open_page("/alerts", base_url=served.url)


async def test_an_admin_sees_what_failed_tries_telling_out_and_adds_a_webhook_by_keyboard(
    page: Page, violations: Violations
) -> None:
    await page.goto("/alerts")
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("ada")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Alerts", level=1)).to_be_visible()
    await expect(page.get_by_text("1 could not be told")).to_be_visible()
    pictures: list[Picture] = [("console-alerts", "light", WIDE, "h1")]
    await look(page, violations, pictures=pictures)
    await page.get_by_role("button", name="Send a test alert").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("A test goes out.")).to_be_visible()
    await page.get_by_role("textbox", name="Name").focus()
    await page.keyboard.type("Tickets")
    await page.keyboard.press("Tab")
    await page.keyboard.type("https://tickets.example/csagent")
    await page.keyboard.press("Enter")
    await expect(page.locator(".secret")).to_contain_text("whsec_")
    await look(page, violations, every=False)
    await page.goto("/account")
    await expect(page.get_by_label("Your address")).to_have_value("ada@shop.example")
    await look(page, violations, every=False)
