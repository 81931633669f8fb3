"""Customers from question to rating, on the whole product: the real agent, real articles, real Chromium.

A shop's page embeds the chat; the contact form runs without script. In both the network goes away in the middle.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from api.agent import open_agent, open_embedder
from api.terms import build_keyring
from evals.sample_company.script import ARTICLES
from infra.knowledge.ingest import Ingest
from infra.knowledge.reading import read_articles
from infra.postgres.articles import PostgresArticles
from infra.postgres.database import Database
from tests.browser.looks import NARROW, WIDE, Violations, look, mirror
from tests.browser.shop import open_shop
from tests.browser.talk import send, states, texts
from tests.databases import LentDatabases
from tests.integration.http.conftest import caller
from tests.integration.http.console import PASSWORD as MIRAS
from tests.integration.serving import Served, serving, settings_on

pytestmark = [pytest.mark.browser, pytest.mark.early]

Visit = Callable[..., Awaitable[Page]]

SLUGS = (
    "returns", "refunds", "exchanges", "repairs", "delivery-abroad", "delivery-times-and-prices", "battery-pack",
    "password-and-sign-in", "accounts-and-guest-orders", "planter-does-not-turn-on",
)  # fmt: skip
"""Of the sample company's articles those that these customers need, and their neighbours: reading all takes a while."""
RETURNS = "How long have I got to send a planter back if it doesn't suit my kitchen?"
REPAIR = "My Thicket is about five years old and the pump's gone. What would you charge to mend it?"
PASSWORD = "forgot my password and the email with the link just doesn't turn up"
CANADA = "Do you ship to Canada?"
COLLEAGUE = "A colleague is looking at this."
PHOTO: FilePayload = {
    "name": "pump.png",
    "mimeType": "image/png",
    "buffer": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(53),
}


@dataclass(frozen=True)
class Scene:
    """The product, a shop that embeds its chat, and a reviewer."""

    served: Served
    shop: str
    kim: httpx.AsyncClient

    async def take_over(self) -> str:
        """Kim takes over the only case that waits for a person; which it is."""
        (item,) = (await self.kim.get("/v1/review/escalations")).json()["items"]
        path = f"/v1/review/escalations/{item['id']}"
        decision = {"action": "take_over", "version": (await self.kim.get(path)).json()["version"]}
        assert (await self.kim.post(f"{path}/decision", json=decision)).status_code == 202
        async with asyncio.timeout(20):
            while (await self.case(item["case_id"]))["owner"] != "human":  # noqa: ASYNC110 - over HTTP
                await asyncio.sleep(0.05)
        return str(item["case_id"])

    async def case(self, case_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.kim.get(f"/v1/review/cases/{case_id}")).json()
        return found

    async def link_to_survey(self, case_id: str) -> str:
        """The page that a mail would lead to."""
        async with self.served.services.database.connection() as connection:
            found = await connection.execute("select id from surveys where case_id = %s", [case_id])
            (row,) = await found.fetchall()
        return f"{self.served.url}/feedback/{self.served.services.survey_links.sign(row['id'])}"

    async def write(self, case_id: str, text: str) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        answer = await self.kim.post(f"/v1/review/cases/{case_id}/messages", json={"text": text}, headers=key)
        assert answer.status_code == 202, answer.text


@pytest.fixture(scope="module")
async def scene(databases: LentDatabases) -> AsyncIterator[Scene]:
    """Everything that a company runs, with articles of the sample company's."""
    with databases.lend() as url, socket.create_server(("127.0.0.1", 0)) as listener:
        shop = f"http://localhost:{listener.getsockname()[1]}"
        settings = settings_on(url)
        settings.chat.origins = (shop,)
        settings.form.fastest_seconds = 0
        settings.review.undo_seconds = 0
        database = Database(url, size=5)
        await database.open()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            async with open_embedder(settings) as embedder:
                for slug in SLUGS:
                    reading = read_articles(ARTICLES / f"{slug}.md", source=slug)
                    await Ingest(PostgresArticles(database), embedder).add(reading)
            graph = await stack.enter_async_context(open_agent(settings, database, build_keyring(settings)))
            served = await stack.enter_async_context(
                serving(settings, parts=("worker", "sender", "scheduler"), graph=graph)
            )
            await served.services.staff.accounts.add_first("mira", MIRAS)
            await stack.enter_async_context(open_shop(served.url, listener))
            kim = await stack.enter_async_context(caller(served.url, key="kim-key"))
            yield Scene(served, shop, kim)


@pytest.fixture
async def visit(browser: Browser, scene: Scene) -> AsyncIterator[Visit]:
    """Opens pages that run without an error, ask no other host and set no cookie."""
    troubles: list[str] = []
    async with AsyncExitStack() as stack:

        async def visit(address: str, **options: Any) -> Page:
            context = await browser.new_context(locale="en-GB", timezone_id="Europe/London", **options)
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.on("console", lambda line: troubles.append(line.text) if "Content Security" in line.text else None)
            page.on("request", lambda request: troubles.extend(_foreign(request.url, scene)))
            await page.goto(address)
            return page

        yield visit
        assert troubles == []


def _foreign(url: str, scene: Scene) -> list[str]:
    return [] if url.startswith((scene.served.url, scene.shop, "data:", "about:", "chrome-error:")) else [url]


async def cut(page: Page, scene: Scene) -> None:
    """The network goes away, in the middle of whatever is on its way."""
    await page.context.set_offline(True)
    scene.served.cut()


async def test_the_chat_of_a_shop_from_a_question_to_a_rating(
    scene: Scene, visit: Visit, violations: Violations
) -> None:
    page = await visit(f"{scene.shop}/1")
    launcher = page.locator("button.launcher")
    await expect(launcher).to_be_visible()
    await look(page, violations, every=False)
    await launcher.click()
    await look(page, violations, pictures=[("chat-begin", "light", NARROW, "body")])

    await send(page, RETURNS)
    await expect(texts(page).last).to_contain_text("60 days")
    await expect(page.get_by_text("Did this help?")).to_be_visible()
    await look(page, violations, pictures=[("chat-answer", "light", NARROW, "body")])
    await page.get_by_role("button", name="No", exact=True).click()
    await expect(texts(page).last).to_contain_text("sorry that this didn't help")

    await page.locator("input[type=file]").set_input_files([PHOTO])
    await send(page, REPAIR)
    await expect(page.get_by_text(COLLEAGUE)).to_be_visible()
    await expect(page.get_by_role("link", name="pump.png")).to_be_visible()
    said = await texts(page).all_inner_texts()
    await look(page, violations, every=False, pictures=[("chat-person", "dark", NARROW, "body")])

    await cut(page, scene)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await send(page, "It hums, but no water comes.")
    await expect(states(page).last).to_have_text("Not sent yet. It goes out when you are online again.")
    first = "Kim here. A new pump is £19, and fitting it is free."
    case_id = await at_the_desk(await visit(f"{scene.served.url}/review"), first)
    await page.context.set_offline(False)

    heard = [*said, first, "It hums, but no water comes."]
    await expect(texts(page)).to_have_text(heard)
    await expect(states(page).last).to_have_text("Sent")
    await expect(page.get_by_text("You are offline.")).to_be_hidden()
    second = "Then it is the pump. The label is in your mail."
    await scene.write(case_id, second)
    await expect(texts(page)).to_have_text([*heard, second])
    await look(page, violations, every=False, pictures=[("chat-on-a-site", "light", WIDE, "body")])

    assert (await scene.kim.post(f"/v1/review/cases/{case_id}/resolve", json={"confirmed": True})).status_code == 204
    await expect(page.get_by_text("How was this conversation?")).to_be_visible()
    await page.get_by_text("5: Very good").check(force=True)
    await look(page, violations, pictures=[("chat-rating", "dark", NARROW, "body")])
    await page.get_by_label("Anything to add?").fill("Kim was quick")
    await page.get_by_role("button", name="Send rating").click()
    await expect(page.get_by_text("Thank you for your rating.")).to_be_visible()

    case = await scene.case(case_id)
    assert (case["status"], case["resolved_by"], case["resolution"]) == ("resolved", "person", "confirmed")
    assert (case["survey"]["rating"], case["survey"]["comment"]) == (5, "Kim was quick")
    assert len(case["transcript"]) == len([*heard, second])
    assert written(case) == [RETURNS, REPAIR, first, "It hums, but no water comes.", second]
    await page.reload()
    await launcher.click()
    await expect(texts(page)).to_have_text([*heard, second])


async def at_the_desk(desk: Page, text: str) -> str:
    """Mira signs in, takes the only case over on the reviewer's page and writes to the customer; which case it is."""
    await expect(desk.get_by_label("Name")).to_be_focused()
    await desk.keyboard.type("mira")
    await desk.keyboard.press("Tab")
    await desk.keyboard.type(MIRAS)
    await desk.keyboard.press("Enter")
    await desk.locator("#rows a").click()
    await desk.get_by_role("button", name="Take over").click()
    await desk.get_by_label("Write to the customer").fill(text)
    await desk.keyboard.press("Control+Enter")
    await expect(desk.locator("#talk").get_by_text(text)).to_be_visible()
    return desk.url.rpartition("/")[2]


async def look_until(page: Page, there: Locator) -> None:
    """Without script a page stands still: whoever waits for an answer on a slow machine asks for it again."""
    for _ in range(20):
        if await there.count():
            return
        await page.get_by_role("button", name="Check for an answer").click()


async def test_the_contact_form_without_script_from_a_question_to_a_rating(  # noqa: PLR0915 - one long way
    scene: Scene, visit: Visit, violations: Violations
) -> None:
    page = await visit(f"{scene.served.url}/contact", java_script_enabled=False)
    viewer = await visit("about:blank")
    await look(await mirror(page, viewer), violations, pictures=[("form", "light", WIDE, "h1")])
    await page.get_by_label("How can we help?").fill(PASSWORD)
    await page.get_by_label("Your email address").fill("tom@customers.example")
    await page.get_by_role("button", name="Send message").click()
    await look_until(page, page.locator(".from-agent .text"))
    await expect(page.locator(".from-agent .text")).to_contain_text("spam folder")
    await expect(page.get_by_role("heading", name="Did this help?")).to_be_visible()
    await look(await mirror(page, viewer), violations, pictures=[("form-answer", "light", WIDE, ".asks")])
    await page.get_by_role("button", name="No", exact=True).click()
    await expect(page.locator(".from-system .text")).to_contain_text("sorry that this didn't help")

    await page.get_by_label("Write back").fill(CANADA)
    await page.get_by_role("button", name="Send", exact=True).click()
    await look_until(page, page.get_by_text(COLLEAGUE))
    said = await shown(page).all_inner_texts()
    await look(
        await mirror(page, viewer), violations, every=False, pictures=[("form-person", "dark", NARROW, "#standing")]
    )

    await page.get_by_label("Add something").fill("It is for my sister in Toronto.")
    await cut(page, scene)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_label("Add something")).to_have_count(0)
    case_id = await scene.take_over()
    first = "Kim here. We do not yet, but a neighbour of ours does."
    await scene.write(case_id, first)
    await page.context.set_offline(False)
    await page.go_back()
    await page.get_by_role("button", name="Send", exact=True).click()
    heard = [*said, first, "It is for my sister in Toronto."]
    await expect(shown(page)).to_have_text(heard)
    await page.reload()
    await expect(shown(page)).to_have_text(heard)

    second = "Then ask them for the Toronto parcel."
    await scene.write(case_id, second)
    assert (await scene.kim.post(f"/v1/review/cases/{case_id}/resolve", json={"confirmed": True})).status_code == 204
    await page.get_by_role("button", name="Check for an answer").click()
    await expect(shown(page)).to_have_text([*heard, second])
    await look(await mirror(page, viewer), violations, pictures=[("form-rating", "dark", NARROW, ".asks")])
    await page.get_by_role("button", name="Send rating").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await look(await mirror(page, viewer), violations, every=False)
    await page.get_by_label("4: Good").check()
    await page.get_by_label("Anything to add?").fill("Kind, but it took a day")
    await page.get_by_role("button", name="Send rating").click()
    await expect(page.get_by_role("status").filter(has_text="Thank you for your rating.")).to_be_visible()

    await page.goto(await scene.link_to_survey(case_id))
    await expect(page.get_by_text("You gave us 4 of 5.")).to_be_visible()
    await look(await mirror(page, viewer), violations, pictures=[("feedback", "light", NARROW, "body")])

    case = await scene.case(case_id)
    assert (case["status"], case["resolved_by"], case["resolution"]) == ("resolved", "person", "confirmed")
    assert (case["survey"]["rating"], case["survey"]["comment"]) == (4, "Kind, but it took a day")
    assert len(case["transcript"]) == len([*heard, second])
    assert written(case) == [PASSWORD, CANADA, first, "It is for my sister in Toronto.", second]


def written(case: dict[str, Any]) -> list[str]:
    """What people have written in it, in its order."""
    return [line["text"] for line in case["transcript"] if line["author"] in {"customer", "human"}]


def shown(page: Page) -> Locator:
    return page.locator(".message .text")
