"""The chat on another site: under its strict policy, over its pages and tabs, by keyboard alone, with all it can do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import pytest
from playwright.async_api import Error, FilePayload, Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.server import PageServer
from tests.browser.talk import ANSWER, QUESTION, send, start, states, texts

pytestmark = pytest.mark.browser

NARROW = {"viewport": {"width": 360, "height": 740}}
PNG: FilePayload = {"name": "crack.png", "mimeType": "image/png", "buffer": b"\x89PNG" * 500}


def shop(server: PageServer, options: str = "", page: int = 1) -> str:
    return f"{server.site}/shop/{page}?options={quote(options)}"


def launcher(page: Page) -> Locator:
    return page.locator("button.launcher")


async def reload(page: Page) -> None:
    """Reload, also while the server resets every connection now and then, this page's own among them."""
    for _ in range(9):
        try:
            await page.reload()
        except Error:
            continue
        return
    await page.reload()


async def focused(page: Page) -> str:
    """The name of what has the focus inside of the chat."""
    return str(
        await page.locator("csagent-chat").evaluate(
            "({ shadowRoot: { activeElement: at } }) => at?.getAttribute('aria-label') || at?.textContent"
        )
    )


async def test_a_site_with_the_strictest_policy_embeds_it_with_one_tag(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server))
    before = {"csagent"}
    names = await page.evaluate(
        """() => {
            const frame = document.body.appendChild(document.createElement("iframe"));
            const own = new Set(Object.getOwnPropertyNames(frame.contentWindow));
            frame.remove();
            return Object.getOwnPropertyNames(window).filter((name) => !own.has(name) && !/^\\d+$/.test(name));
        }"""
    )
    assert {name for name in names if not name.startswith("__")} <= before
    assert await page.evaluate("Object.keys(csagent)") == ["open", "close", "identify"]

    await launcher(page).click()
    await expect(page.get_by_text("You are writing with an AI assistant")).to_be_visible()
    await start(page)
    await expect(page.get_by_text("The assistant is writing…")).to_be_visible()
    await server.chat.until_streaming()
    server.chat.say(ANSWER)
    await expect(page.get_by_text("60 days")).to_be_visible()
    assert await page.get_by_text("You are writing with an AI assistant").count() == 1


async def test_a_site_that_is_not_listed_gets_no_answer(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server))
    foreign = await page.evaluate(
        """async (url) => {
            const ask = (path, options) =>
                fetch(url + path, options).then((answer) => answer.status, () => "unreadable");
            const body = JSON.stringify({ text: "hi" });
            const headers = { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
            return [
                await ask("/v1/web/messages", { method: "POST", body, headers }),
                await ask("/v1/dead-letters", {}),
            ];
        }""",
        server.url,
    )
    assert foreign == [202, "unreadable"]


async def test_the_talk_goes_on_over_pages_reloads_and_a_body_that_is_replaced(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page(shop(server))
    await launcher(page).click()
    await start(page)
    server.chat.say(ANSWER)
    await page.evaluate("document.body.replaceWith(document.createElement('body'))")
    await expect(texts(page)).to_have_count(2)
    await page.evaluate("document.body.replaceChildren()")
    await expect(page.get_by_label("Your message")).to_be_visible()

    await page.goto("about:blank")
    server.chat.say("one more thing")
    await page.goto(shop(server, page=2))
    await expect(launcher(page)).to_have_attribute("aria-expanded", "false")
    await expect(launcher(page)).to_have_attribute("aria-label", "Open the chat (1 new reply)")
    await page.evaluate("csagent.open()")
    await expect(texts(page)).to_have_count(3)
    await expect(page.locator(".badge")).to_be_hidden()
    assert await page.locator("csagent-chat").count() == 1


async def test_a_reload_while_a_message_is_being_sent_sends_it_once(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server))
    await launcher(page).click()
    server.chat.lose_answers = 100
    await send(page, QUESTION)
    await expect(states(page)).to_have_text("Sending…")
    await reload(page)
    server.chat.lose_answers = 0
    await launcher(page).click()

    await expect(states(page)).to_have_text("Sent")
    await expect(texts(page)).to_have_text([QUESTION])
    assert [message["text"] for message in server.chat.talk.messages] == [QUESTION]
    assert len({posted.key for posted in server.chat.posted}) == 1


async def test_two_tabs_show_the_same_and_send_everything_once(open_page: OpenPage, server: PageServer) -> None:
    one = await open_page("/chat")
    other = await one.context.new_page()
    await other.goto("/chat")
    await send(one, "from one")
    await expect(texts(other)).to_have_text(["from one"])
    await expect(states(one)).to_have_text("Sent")
    await send(other, "from the other")
    server.chat.say(ANSWER)
    for tab in (one, other):
        await expect(texts(tab)).to_have_count(3)
        await expect(states(tab)).to_have_text(["Sent", "Sent"])
    assert [message["text"] for message in server.chat.talk.messages if message["author"] == "customer"] == [
        "from one",
        "from the other",
    ]

    await one.get_by_role("button", name="New conversation").click()
    await one.get_by_role("button", name="Forget it and start anew").click()
    await expect(texts(other)).to_have_count(0)


async def test_the_word_of_another_tab_may_come_after_the_message_itself(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/chat")
    await start(page)
    await server.chat.until_streaming()
    server.chat.say("from elsewhere", author="customer")
    await expect(texts(page)).to_have_text([QUESTION, "from elsewhere"])
    await page.evaluate(
        """() => {
            const key = "csagent.unsent.elsewhere";
            const entry = {
                key: "elsewhere", text: "from elsewhere", who: {}, names: [], state: "sending", why: null,
                at: new Date().toISOString(),
            };
            const [oldValue, newValue] = [null, JSON.stringify(entry)];
            dispatchEvent(new StorageEvent("storage", { key, oldValue, newValue }));
            dispatchEvent(new StorageEvent("storage", { key, oldValue: newValue, newValue: null }));
        }"""
    )
    server.chat.say(ANSWER)
    await expect(texts(page)).to_have_count(3)
    await expect(states(page)).to_have_text(["Sent", "Sent"])


async def test_the_keyboard_alone_is_enough(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server))
    await launcher(page).focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Chat with us")).to_be_visible()
    assert await focused(page) == "Your message"
    await page.keyboard.type(QUESTION)
    await page.keyboard.press("Enter")
    await expect(states(page)).to_have_text("Sent")
    server.chat.say(ANSWER, asks="helped")
    yes = page.get_by_role("button", name="Yes")
    await expect(yes).to_be_visible()
    for _ in range(5):
        if await focused(page) == "Yes":
            break
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Good to hear. Thank you!")).to_be_visible()
    assert await focused(page) == "Good to hear. Thank you!"

    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert await focused(page) == "Open the chat"


async def test_on_a_phone_it_is_modal_and_holds_the_focus(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server), **NARROW, reduced_motion="reduce")
    await launcher(page).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_have_attribute("aria-modal", "true")
    assert await dialog.bounding_box() == {"x": 0, "y": 0, "width": 360, "height": 740}
    await page.get_by_role("button", name="Close the chat").focus()
    await page.keyboard.press("Shift+Tab")
    assert await focused(page) == "Talk to a person"
    await page.keyboard.press("Tab")
    assert await focused(page) == "Close the chat"
    small = await page.locator("csagent-chat").evaluate(
        """({ shadowRoot }) => [...shadowRoot.querySelectorAll("button")].filter((button) => {
            const { width, height } = button.getBoundingClientRect();
            const grown = parseFloat(getComputedStyle(button, "::after").inset) || 0;
            return button.checkVisibility() && Math.min(width, height) - 2 * grown < 44;
        }).map((button) => button.outerHTML)"""
    )
    assert small == []

    await page.set_viewport_size({"width": 1000, "height": 740})
    await expect(dialog).not_to_have_attribute("aria-modal", "true")


async def test_a_person_is_one_step_away_at_any_time(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server))
    await launcher(page).click()
    await page.get_by_role("button", name="Talk to a person").click()

    await expect(texts(page)).to_have_text(["I would like to talk to a person."])
    await expect(page.get_by_text("A colleague is looking at this.")).to_be_visible()
    await expect(page.get_by_role("button", name="Talk to a person")).to_be_hidden()
    server.chat.say("Hello!", author="human", activity="person")
    await expect(page.get_by_text("A colleague joined the conversation")).to_be_visible()
    assert [posted.message.wants_person for posted in server.chat.posted] == [True]


async def test_files_go_with_a_message_and_what_is_not_kept_is_said(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server))
    await launcher(page).click()
    script = "<img src=x onerror=alert(1)>.exe"
    program: FilePayload = {"name": script, "mimeType": "application/octet-stream", "buffer": b"MZ"}
    nothing: FilePayload = {"name": "empty.png", "mimeType": "image/png", "buffer": b""}
    await page.locator("input[type=file]").set_input_files([PNG, program, nothing])
    await expect(page.get_by_role("alert")).to_have_text("empty.png is empty")
    await page.get_by_role("button", name="Remove crack.png").click()
    await page.locator("input[type=file]").set_input_files([PNG])
    await send(page, "see here")

    await expect(states(page)).to_have_text("Sent")
    await expect(page.locator("#log .file").last).to_contain_text("crack.png")
    await expect(page.locator("#log .file").first).to_contain_text("Not kept: programs aren\u2019t accepted")
    assert await page.locator("#log img").count() == 0
    link = page.get_by_role("link", name="crack.png")
    assert await link.get_attribute("href") == f"{server.url}/v1/files/token"
    assert [posted.files for posted in server.chat.posted] == [(script, "crack.png")]
    await expect(texts(page)).to_have_text(["see here"])


async def test_files_can_be_pasted_and_dropped(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server))
    await launcher(page).click()
    carried = await page.evaluate_handle(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["abc"], "note.txt", { type: "text/plain" }));
            return data;
        }"""
    )
    await page.locator(".body").dispatch_event("dragover", {"dataTransfer": carried})
    await expect(page.get_by_text("Drop files here")).to_be_visible()
    await page.locator(".body").dispatch_event("drop", {"dataTransfer": carried})
    await expect(page.get_by_text("Drop files here")).to_be_hidden()
    await page.get_by_label("Your message").evaluate(
        "(text, data) => text.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, cancelable: true }))",
        carried,
    )
    await expect(page.locator(".tray .file")).to_have_count(2)
    await page.get_by_label("Your message").press("Enter")
    await expect(states(page)).to_have_text("Sent")
    assert [posted.files for posted in server.chat.posted] == [("note.txt", "note.txt")]


async def test_files_that_went_with_the_page_are_not_said_to_be_sent(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    await page.context.set_offline(True)
    await page.locator("input[type=file]").set_input_files([PNG])
    await send(page, "see here")
    await expect(states(page)).to_contain_text("Not sent yet")
    await page.goto("about:blank")  # it would send as soon as it is online, and its lost answer would cut the reload
    await page.context.set_offline(False)
    server.chat.lose_answers = 100
    await page.goto("/chat")

    await expect(states(page)).to_contain_text("Not confirmed. Attach its files again.")
    assert not any(posted.files == () for posted in server.chat.posted)
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_label("Your message")).to_have_value("see here")


async def test_what_the_server_asks_is_answered(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    await start(page)
    server.chat.say(ANSWER, asks="helped")
    await page.get_by_role("button", name="No", exact=True).click()
    await expect(page.get_by_text("Write what is still open")).to_be_visible()
    await expect(page.get_by_label("Your message")).to_be_focused()
    server.chat.say("Is it settled now?", asks="survey")
    await page.get_by_text("4: Good").check(force=True)
    await page.get_by_label("Anything to add?").fill("quick")
    await page.get_by_role("button", name="Send rating").click()
    await expect(page.get_by_text("Thank you for your rating.")).to_be_visible()

    assert server.chat.told == [("resolution", {"helped": False}), ("feedback", {"rating": 4, "comment": "quick"})]


async def test_earlier_conversations_are_read_after_a_proof_by_code(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page(shop(server))
    await launcher(page).click()
    earlier = page.get_by_role("button", name="Continue an earlier conversation")
    await expect(earlier).to_be_hidden()
    await start(page)
    await earlier.click()
    await page.get_by_role("textbox", name="Email address").fill("ana@example.org")
    await page.keyboard.press("Enter")
    await page.get_by_label("Code from the email").fill("123 456")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="My planter leaks").click()
    await expect(page.locator(".view .text")).to_have_text(["earlier: my planter leaks"])
    await page.get_by_role("button", name="Back").click()
    await expect(page.get_by_label("Your message")).to_be_visible()

    assert server.chat.told == [
        ("identity/codes", {"email": "ana@example.org", "language": "en"}),
        ("identity/proof", {"code": "123 456"}),
    ]


@pytest.mark.parametrize(
    ("lang", "launch", "person"),
    [
        ("de", "Chat öffnen", "Mit einem Menschen sprechen"),
        ("es", "Abrir el chat", "Hablar con una persona"),
        ("fr-CA", "Ouvrir le chat", "Parler à une personne"),
        ("xx", "Open the chat", "Talk to a person"),
    ],
)
async def test_it_speaks_the_language_of_the_site(
    open_page: OpenPage, server: PageServer, lang: str, launch: str, person: str
) -> None:
    page = await open_page(shop(server, f'data-lang="{lang}" data-position="left" data-title="Thimblewick"'))
    await page.get_by_role("button", name=launch).click()

    await expect(page.get_by_role("dialog", name="Thimblewick")).to_be_visible()
    await expect(page.get_by_role("button", name=person)).to_be_visible()
    box = await page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert box["x"] == 20


@pytest.mark.parametrize(("theme", "size", "accent"), [("light", 1280, "#ffd400"), ("dark", 360, "#777777")])
async def test_axe_finds_nothing_wrong_with_it_on_a_site(
    open_page: OpenPage,
    server: PageServer,
    violations: Callable[[Page], Awaitable[str]],
    theme: str,
    size: int,
    accent: str,
) -> None:
    options = f'data-theme="{theme}" data-accent="{accent}"'
    page = await open_page(shop(server, options), viewport={"width": size, "height": 800}, reduced_motion="reduce")
    await expect(launcher(page)).to_be_visible()
    assert await violations(page) == ""
    await launcher(page).click()
    assert await violations(page) == ""

    await page.locator("input[type=file]").set_input_files([PNG])
    await page.get_by_role("button", name="Remove crack.png").wait_for()
    await start(page)
    server.chat.say(ANSWER, asks="helped")
    server.chat.say("A person looks at this.", author="system", activity="person")
    await expect(page.get_by_text("A colleague is looking at this.")).to_be_visible()
    assert await violations(page) == ""
    server.chat.say("Hello!", author="human", asks="survey")
    await page.get_by_text("4: Good").check(force=True)
    await expect(page.get_by_role("button", name="Send rating")).to_be_visible()
    assert await violations(page) == ""
    assert await page.locator("#log").evaluate("log => log.scrollWidth <= log.clientWidth")
