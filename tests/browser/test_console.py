"""The console's own pages on the real service: signing in by keyboard, and every look of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looks import NARROW, WIDE, Picture, Violations, look
from tests.integration.http.console import PASSWORD
from tests.integration.serving import Served, serving, settings_on

pytestmark = pytest.mark.browser


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    async with serving(settings_on(database_url), parts=()) as running:
        accounts = running.services.staff.accounts
        await accounts.add_first("ada", PASSWORD)
        await accounts.add("lena", "lead", by="ada")
        await accounts.add("mira", "reviewer", by="ada")
        await accounts.disable("mira", by="ada")
        yield running


@pytest.fixture
async def page(open_page: OpenPage, served: Served) -> Page:
    return await open_page("/staff", base_url=served.url)


async def sign_in(page: Page) -> None:
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.keyboard.type("ada")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")


async def test_somebody_signs_in_finds_the_way_and_signs_out_by_keyboard_alone(page: Page) -> None:
    await page.goto("/staff")
    await sign_in(page)
    await expect(page.get_by_role("heading", name="Staff", level=1)).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    pages = ("Review", "Conversations", "Knowledge", "Analytics", "Alerts", "Status", "Staff")
    for name in (*pages, "My account: ada", "Sign out"):
        await page.keyboard.press("Tab")
        await expect(page.locator(":focus")).to_have_text(name)
    await page.wait_for_load_state()  # with its script, which hears the keys
    await page.locator("main").focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.goto("/review")
    await expect(page.get_by_text("Nothing waits for a decision.")).to_be_visible()
    await page.get_by_role("button", name="Sign out").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_menu_of_a_phone_opens_without_a_script(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto("/account")
    await sign_in(page)
    await expect(page.get_by_role("link", name="Knowledge")).to_be_hidden()
    menu = page.get_by_role("button", name="Menu")
    await menu.click()
    await expect(page.get_by_role("link", name="My account: ada")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("link", name="Knowledge")).to_be_hidden()


async def test_every_page_of_the_console_stands_every_look(page: Page, violations: Violations) -> None:
    await page.goto("/staff")
    await look(page, violations, pictures=[("console-sign-in", "light", WIDE, "h1")])
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("The name or the password is not right.")
    await look(page, violations, every=False)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Staff", level=1)).to_be_visible()
    await page.get_by_role("button", name="New password for lena").click()
    await page.locator(".secret").evaluate("node => { node.textContent = 'abcde-fghjk-mnpqr-stuvw' }")
    pictures: list[Picture] = [("console-staff", "light", WIDE, "h1"), ("console-staff-phone", "dark", NARROW, "h1")]
    await look(page, violations, pictures=pictures)
    await page.goto("/account")
    await look(page, violations, every=False, pictures=[("console-account", "light", WIDE, "h1")])
    await page.goto("/knowledge")
    await look(page, violations, every=False)
