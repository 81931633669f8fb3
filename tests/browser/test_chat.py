"""The customer's chat: a question, its answer, and what is kept of both."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from skills.errors import InvalidMessageError
from tests.browser.conftest import OpenPage
from tests.browser.server import PageServer
from tests.browser.talk import ANSWER, QUESTION, send, start, states, texts

pytestmark = pytest.mark.browser


async def test_a_question_gets_its_answer_through_the_event_stream(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    await expect(page.get_by_role("heading", name="How can we help?")).to_be_visible()

    await start(page)
    await expect(page.get_by_text("The assistant is writing…")).to_be_visible()
    await expect(page.get_by_text("How can we help?")).to_be_hidden()
    # An answer that is there before the stream opens comes with the history instead.
    await server.chat.until_streaming()
    server.chat.say(ANSWER)

    answer = page.get_by_role("article").filter(has_text="60 days")
    await expect(answer.locator(".author")).to_have_text("Assistant (AI)")
    await expect(page.get_by_text("The assistant is writing…")).to_be_hidden()
    await expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    time = answer.locator("time")
    assert re.fullmatch(r"\d\d:\d\d", await time.inner_text())
    assert "GMT" in (await time.get_attribute("title") or "") or "UTC" in (await time.get_attribute("title") or "")
    link = answer.get_by_role("link")
    assert await link.get_attribute("href") == "https://help.thimblewick.example/articles/returns"
    assert await link.get_attribute("rel") == "noopener nofollow"
    assert server.chat.streams_from == [1]


async def test_name_and_email_go_with_the_first_message_only(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    await page.get_by_text("Your name and email address").click()
    await page.get_by_label("Name", exact=True).fill("Ana")
    await page.get_by_label("Email address").fill("ana@home")
    await send(page, QUESTION)
    await expect(page.get_by_text("Enter an email address like name@example.com")).to_be_visible()
    assert server.chat.posted == []

    await page.get_by_label("Email address").fill("ana@example.org")
    await page.get_by_label("Your message").press("Enter")
    await expect(states(page)).to_have_text("Sent")
    await expect(page.get_by_label("Email address")).to_be_hidden()
    await send(page, "and one more")
    await expect(states(page)).to_have_text(["Sent", "Sent"])

    first, second = server.chat.posted
    assert (first.message.name, first.message.email, first.token) == ("Ana", "ana@example.org", None)
    assert (second.message.name, second.message.email, second.token) == (None, None, server.chat.talk.token)


async def test_messages_written_at_once_arrive_in_order_in_one_conversation(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/chat")
    for text in ("one", "two", "three"):
        await send(page, text)

    await expect(states(page)).to_have_text(["Sent"] * 3)
    await expect(texts(page)).to_have_text(["one", "two", "three"])
    assert [message["text"] for message in server.chat.talk.messages] == ["one", "two", "three"]
    assert len({UUID(posted.key) for posted in server.chat.posted}) == 3


async def test_markup_and_dangerous_addresses_stay_text(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    await start(page)
    said = (
        "<img src=x onerror=alert(1)> javascript:alert(1) https://bank.example@evil.example/ data:text/html,x "
        "(see https://a.example/b_(c)?d=1&e=2), HTTPS://B.example."
    )
    server.chat.say(said)

    answer = page.get_by_role("article").filter(has_text="onerror")
    await expect(answer).to_be_visible()
    assert await answer.locator("img").count() == 0
    links = await answer.get_by_role("link").evaluate_all("links => links.map(link => link.href)")
    assert links == ["https://a.example/b_(c)?d=1&e=2", "https://b.example/"]
    shown = await answer.locator(".text").evaluate(
        "node => { node.querySelectorAll('.unseen').forEach(hint => hint.remove()); return node.textContent }"
    )
    assert shown == said


async def test_the_conversation_is_here_after_a_reload_until_it_is_forgotten(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/chat")
    await start(page)
    for number in range(7):
        server.chat.say(f"answer {number}")
    await expect(texts(page)).to_have_count(8)
    await page.get_by_label("Your message").fill("half a thou")
    await page.reload()
    await expect(texts(page)).to_have_count(8)
    await expect(page.get_by_label("Your message")).to_have_value("half a thou")

    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_role("button", name="Forget it and start anew").click()

    await expect(texts(page)).to_have_count(0)
    await expect(page.get_by_text("How can we help?")).to_be_visible()
    await expect(page.get_by_label("Your message")).to_have_value("half a thou")
    assert server.chat.talk.token not in json.dumps(await page.evaluate("({...localStorage, ...sessionStorage})"))


async def test_a_reply_while_nobody_looks_shows_in_the_title(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    await start(page)
    server.chat.say("zero")  # in view, so not new
    await expect(page.get_by_text("zero")).to_be_visible()
    server.chat.set_activity("working")  # then it is asked for every other second by a page that nobody sees
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    server.chat.say("one", activity="working")
    server.chat.say("two", activity="working")
    await expect(page).to_have_title("(2) 2 new replies \u2013 Customer support")

    await page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page).to_have_title("Customer support")


async def test_a_colleague_is_announced_and_named_without_a_name(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    await start(page)
    server.chat.say("A person looks at this.", author="system", activity="person")
    await expect(page.get_by_text("A colleague is looking at this.")).to_be_visible()
    server.chat.say("Hello!", author="human", activity="person")

    await expect(page.locator("#log .author")).to_have_text(["You", "Note", "Colleague"])


async def test_shift_and_enter_start_a_new_line_and_the_limit_is_shown_when_it_is_near(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/chat")
    field = page.get_by_label("Your message")
    await field.press_sequentially("one")
    await field.press("Shift+Enter")
    await field.press_sequentially("two")
    await expect(field).to_have_value("one\ntwo")
    await expect(page.locator("#counter")).to_be_hidden()

    await field.fill("🌱" * 19_990)
    await expect(page.locator("#counter")).to_have_text("10 characters left")
    await field.fill("🌱" * 20_001)
    await field.press("Enter")
    await expect(page.locator("#text-error")).to_have_text("Error: Shorten the message by 1 character")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await field.fill("")
    await field.press("Enter")
    await expect(page.get_by_text("Write a message first")).to_be_visible()
    assert server.chat.posted == []


async def test_without_script_the_page_says_what_to_do(open_page: OpenPage) -> None:
    page = await open_page("/chat", java_script_enabled=False)

    # Playwright switches scripts off after parsing, so Chromium does not draw the noscript element in this mode.
    assert "This chat needs JavaScript." in (await page.locator("noscript").text_content() or "")
    await expect(page.locator("csagent-chat")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_wrong_with_the_chat(
    open_page: OpenPage, server: PageServer, violations: Callable[[Page], Awaitable[str]], scheme: str
) -> None:
    page = await open_page("/chat", color_scheme=scheme)
    assert await violations(page) == ""

    await start(page)
    server.chat.say(ANSWER)
    server.chat.say("A person looks at this.", author="system", activity="person")
    server.chat.say("Hello!", author="human", activity="person")
    server.chat.refuse = [InvalidMessageError("it can't be stored")]
    await send(page, "odd text")
    await expect(page.get_by_role("button", name="Change it")).to_be_visible()
    await page.get_by_label("Your message").press("Enter")
    assert await violations(page) == ""

    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await page.get_by_role("button", name="New conversation").click()
    assert await violations(page) == ""


@pytest.mark.parametrize("width", [360, 768, 2560])
async def test_the_chat_never_scrolls_sideways(open_page: OpenPage, server: PageServer, width: int) -> None:
    page = await open_page("/chat", viewport={"width": width, "height": 740})
    await start(page, "W" * 300)
    server.chat.say("https://help.thimblewick.example/" + "a" * 300, activity="person")
    await expect(page.get_by_role("link")).to_be_visible()

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.locator("#log").evaluate("log => log.scrollWidth <= log.clientWidth")
