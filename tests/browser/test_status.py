"""The public status page and the staff's, as people see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from infra.postgres.incidents import Written
from infra.status.checks import Verdict
from infra.status.snapshot import utc_now
from tests.browser.conftest import OpenPage
from tests.browser.looks import NARROW, WIDE, Picture, Violations, look
from tests.integration.http.console import PASSWORD
from tests.integration.serving import Served, serving, settings_on

pytestmark = pytest.mark.browser


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Four weeks of records, an outage that is over, one that goes on, planned work, and a draft."""
    settings = settings_on(database_url)
    settings.company.name = "Example Shop"
    async with serving(settings, parts=()) as running:
        await running.services.staff.accounts.add_first("ada", PASSWORD)
        desk, now = running.services.status, utc_now()
        components = [one.id for one in desk.rules.components]
        began = now - timedelta(days=28)
        await desk.board.record([Verdict(one, "operational") for one in components], began)
        async with running.services.database.connection() as connection:
            await connection.execute("update status_intervals set seen_at = %s", [now])
            await connection.execute("update status_components set checked_at = %s", [now])
        incidents = desk.incidents
        for title, days, minutes, part, impact in (
            ("Chat did not open", 12, 42, "chat", "down"),
            ("Mails went out late", 5, 190, "form", "degraded"),
        ):
            started = now - timedelta(days=days)
            over = Written(title, "P2", impact, (part,), started)  # type: ignore[arg-type] # one of the two
            known = await incidents.open(over, by="ada", now=now)
            await incidents.update(known, "investigating", "We look into it.", by="ada", now=started)
            ended = started + timedelta(minutes=minutes)
            await incidents.update(known, "resolved", "It works again.", by="ada", now=ended)
        slow = Written("Answers by people take longer", "P3", "degraded", ("people",), now - timedelta(minutes=50))
        known = await incidents.open(slow, by="ada", now=now)
        text = "More requests than usual came in.\nWe answer in the order in which they came."
        await incidents.update(known, "identified", text, by="ada", now=now - timedelta(minutes=40))
        began, ended = now + timedelta(days=2), now + timedelta(days=2, hours=1)
        await incidents.plan(
            "New servers", "Chat pauses for minutes.", ["chat", "form"], began, ended, by="ada", now=now
        )
        draft = Written("Trouble with Chat", "P1", "down", ("chat",), now - timedelta(minutes=31))
        await incidents.open(draft, by="checks", now=now)
        await desk.publish()
        yield running


@pytest.fixture
async def page(open_page: OpenPage, served: Served) -> Page:
    return await open_page("/sign-in", base_url=served.url)


async def test_the_public_page_stands_every_look(page: Page, violations: Violations) -> None:
    await page.goto("/status")
    await expect(page.locator(".overall")).to_have_text("Answers by people works with limits now.")
    await expect(page.get_by_text("Trouble with Chat")).to_have_count(0)
    await page.get_by_text("Days with trouble (1) of Chat").click()
    await expect(page.get_by_role("cell", name="42 min")).to_be_visible()
    pictures: list[Picture] = [("status", "light", WIDE, ".parts"), ("status-phone", "dark", NARROW, ".overall")]
    await look(page, violations, pictures=pictures)
    await page.set_viewport_size({"width": 2560, "height": 1200})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 2560


async def test_a_lead_publishes_a_draft_that_is_late(page: Page, violations: Violations) -> None:
    await page.goto("/status/manage")
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("A public notice is late")).to_be_visible()
    await look(page, violations, pictures=[("status-manage", "light", WIDE, "h1")])
    await page.get_by_label("First update, which publishes it").fill("Chat does not open. We look into it.")
    await page.get_by_role("button", name="Publish an update of Trouble with Chat").click()
    await expect(page.get_by_role("status")).to_have_text("It is on the public page.")
    await expect(page.get_by_text("A public notice is late")).to_have_count(0)
    await page.get_by_role("link", name="the status page").click()
    await expect(page.locator(".overall")).to_have_text("Chat does not work now.")
