"""The contact form in a browser, with and without scripts, on the real service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.integration.http.conftest import Service
from tests.integration.http.conftest import service as service  # noqa: PLC0414 - a fixture of theirs, used here too

PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
QUESTION = "My planter leaks since yesterday. What can I do?"

pytestmark = pytest.mark.browser

Open = Callable[..., Awaitable[Page]]


@pytest.fixture
async def visit(browser: Browser, service: Service) -> AsyncIterator[Open]:
    """Opens pages of the service that run without an error, ask no other host and set no cookie."""
    troubles: list[str] = []
    service.services.settings.form.fastest_seconds = 0
    async with AsyncExitStack() as stack:

        async def visit(path: str = "/contact", **options: Any) -> Page:
            context = await browser.new_context(
                **{"base_url": service.url, "viewport": {"width": 1280, "height": 800}, "locale": "en-GB"} | options
            )
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on(
                "console", lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None
            )
            page.on(
                "request",
                lambda request: troubles.append(request.url) if not request.url.startswith(service.url) else None,
            )
            await page.goto(path)
            return page

        yield visit
        assert troubles == []


async def fill(page: Page, message: str = QUESTION) -> None:
    await page.get_by_label("How can we help?").fill(message)
    await page.get_by_label("Your email address").fill("mira@example.com")


async def send(page: Page, message: str = QUESTION) -> None:
    await fill(page, message)
    await page.get_by_role("button", name="Send message").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your conversation with us")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
async def test_from_question_to_answer_to_a_person_and_back(service: Service, visit: Open, script: bool) -> None:
    page = await visit(java_script_enabled=script)
    await fill(page)
    files: list[FilePayload] = [
        {"name": "receipt.pdf", "mimeType": "application/pdf", "buffer": PDF},
        {"name": "setup.exe", "mimeType": "application/pdf", "buffer": b"MZ\x90\0" + bytes(9)},
    ]
    await page.get_by_label("Add files").set_input_files(files)
    await page.get_by_role("button", name="Send message").click()
    await expect(page.get_by_text("We have your message")).to_be_visible()
    await expect(page.locator(".from-agent .text")).to_have_text(f"echo: {QUESTION}")
    await expect(page.get_by_role("link", name="receipt.pdf")).to_be_visible()
    await expect(page.locator(".refused")).to_contain_text("setup.exe")
    await expect(page.get_by_role("heading", name="Answered")).to_be_visible()

    await page.get_by_label("Write back").fill("I want a person")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_role("heading", name="With a colleague")).to_be_visible()

    (item,) = (await service.kim.get("/v1/review/escalations")).json()["items"]
    path = f"/v1/review/escalations/{item['id']}"
    version = (await service.kim.get(path)).json()["version"]
    answer = {"action": "answer", "version": version, "text": "I am Kim, and here is what you do."}
    assert (await service.kim.post(f"{path}/decision", json=answer)).status_code == 202
    if script:
        await expect(page.get_by_text("There is something new.")).to_be_visible()
        await page.get_by_role("button", name="Show it").click()
    else:
        while await page.locator(".from-human").count() == 0:  # it never says that it is answered, and shows no answer
            await expect(page.get_by_role("heading", name="Answered")).to_have_count(0)
            await page.get_by_role("button", name="Check for an answer").click()
    await expect(page.locator(".from-human .text")).to_have_text("I am Kim, and here is what you do.")


async def test_pressing_the_button_again_and_reloading_send_nothing_twice(service: Service, visit: Open) -> None:
    page = await visit()
    await fill(page)
    await page.get_by_role("button", name="Send message").dblclick()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your conversation with us")
    await page.reload()
    await page.go_back()
    await page.go_forward()
    await expect(page.locator(".from-customer")).to_have_count(1)
    async with service.services.database.connection() as connection:
        rows = await (await connection.execute("select 1 from messages where direction = 'in'")).fetchall()
    assert len(rows) == 1


async def test_the_keyboard_alone_is_enough_and_errors_get_the_focus(visit: Open) -> None:
    page = await visit(java_script_enabled=False)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.get_by_label("Your email address").focus()
    await page.keyboard.press("Enter")
    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("How can we help?")).to_be_focused()
    await expect(page.get_by_label("How can we help?")).to_have_accessible_description(
        "Error: Enter your message Please don’t send passwords or card numbers."  # noqa: RUF001 - as it is shown
    )
    await page.keyboard.type(QUESTION)
    for _ in range(2):
        await page.keyboard.press("Tab")
    await page.keyboard.type("mira@example.com")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your conversation with us")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 320), ("light", 1280)])
async def test_no_page_breaks_a_rule_or_scrolls_sideways(
    visit: Open, violations: Callable[[Page], Awaitable[str]], scheme: str, width: int
) -> None:
    page = await visit(color_scheme=scheme, viewport={"width": width, "height": 640})

    async def check() -> None:
        assert await violations(page) == ""
        assert await page.evaluate("document.documentElement.scrollWidth") <= width

    await check()
    await page.get_by_role("button", name="Send message").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await check()
    await send(page, "x" * 300)
    await check()
    await page.get_by_role("button", name="Talk to a person").click()
    await expect(page.locator("#standing")).to_be_visible()
    await check()
    await page.goto("/contact/nothing")
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page does not exist")
    await check()
