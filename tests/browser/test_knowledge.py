"""The articles for the staff: read with their versions, what is wrong and what is missing, a question tried out."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.looks import WIDE, Violations, look
from tests.browser.review_api import COOKIE
from tests.browser.server import PageServer

pytestmark = pytest.mark.browser

ARTICLE = {
    "id": "2", "source": "help", "slug": "returns.md", "title": "Sending something back", "url": "https://shop.example/returns",
    "language": "en", "audience": "public", "updated_at": "2026-03-02T10:00:00Z", "passages": 3, "effective_at": None,
    "expires_at": "2026-03-31T00:00:00Z", "version": 2, "missing_since": None,
}  # fmt: skip
OTHERS = [
    {**ARTICLE, "id": "3", "slug": "delivery.md", "title": "Delivery outside the UK", "expires_at": None},
    {**ARTICLE, "id": "4", "slug": "goodwill.md", "title": "Goodwill", "audience": "staff",
     "effective_at": "2099-01-01T00:00:00Z", "expires_at": None},
    {**ARTICLE, "id": "5", "slug": "lid.md", "title": "Ein neuer Deckel", "language": "de",
     "missing_since": "2026-03-04T00:00:00Z", "expires_at": None},
]  # fmt: skip
BODY = """## How long you have to send an item back
You can send a planter or any other item back within {days} days of delivery, for any reason.

## What it costs
The label is free. A planter that has to be collected costs £9.50.
"""
PASSAGE = {
    "id": "1", "article_id": "2", "title": "Returns", "heading": "<b>Shoes</b>", "text": "Thirty days.",
    "url": "https://shop.example/returns", "language": "en", "similarity": 0.71, "score": 0.0328, "place_by_words": 2,
    "source": "help", "slug": "returns.md",
}  # fmt: skip
FINDING = {
    "kind": "broken_link", "article": {"id": "2", "source": "help", "slug": "returns.md", "title": "Returns"},
    "detail": "leads to fee.md, which is not there", "other": None, "at": None,
}  # fmt: skip
TRIED = {
    "steps": [
        {"skill": skill, "milliseconds": took, "told": [
            {"label": label, "text": text, "tone": tone} for label, text, tone in lines
        ]}
        for skill, took, lines in (
            ("identify", 1.4, [(None, "not verified", None)]),
            ("conclude", 0.4, [(None, "nothing concluded", None)]),
            ("sentiment", 6.2, [(None, "neutral, polarity +0.02, anger 0.01, urgency 0.04, steady, en", None)]),
            ("retrieve", 9.6, [
                (None, "confidence 0.81", None),
                ("query", "how long?", None),
                ("0.82", "Sending something back > How long you have to send an item back", None),
                ("0.55", "<b>Going on holiday</b>", None),
            ]),
            ("intent", 1.0, [("topic", "Sending something back", None), ("scope", "in, it is ours", None)]),
            ("respond", 4.0, [(None, "answered, confidence 0.81, by extractive", "good")]),
            ("guard", 7.4, [(None, "no objection", "good")]),
            ("escalate", 0.3, [(None, "nobody needs to be asked", "good")]),
        )
    ],
    "reply": "You can send a planter or any other item back within 60 days of delivery, for any reason.",
    "handoff": None, "request": None,
}  # fmt: skip
WHY = {"label": "P2", "text": "asked_for_human: the customer asks for a person", "tone": "warn"}
ASKED = {
    **TRIED, "steps": [{"skill": "escalate", "milliseconds": 0.3, "told": [WHY]}],
    "handoff": "A colleague will look at it.",
    "request": {"severity": "P2", "proposal": "", "actions": ["answer", "take_over"]},
}  # fmt: skip


def version(number: int, change: str, body: str) -> dict[str, object]:
    known = ("source", "slug", "title", "url", "language", "audience", "effective_at", "expires_at")
    told = {name: ARTICLE[name] for name in known}
    at = f"2026-03-0{number}T10:00:00Z"
    return {**told, "version": number, "change": change, "body": body, "changed_by": "kim", "changed_at": at}


class Shelf:
    """The articles as the API has them: one, in two versions, the second of which can be taken back."""

    def __init__(self) -> None:
        self.versions = [
            version(1, "added", BODY.format(days=30)),
            version(2, "changed", BODY.format(days=60)),
        ]
        self.asked: list[str] = []
        self.restored: list[object] = []

    async def open(self, page: Page, role_page: str = "/knowledge") -> None:
        """Go there, signed in."""
        await page.context.add_cookies([{"name": COOKIE, "value": "session-of-mira", "url": page.url}])
        await page.route("**/v1/knowledge/articles**", self._answer)
        await page.goto(role_page)

    async def _answer(self, route: Route) -> None:
        path, _, query = route.request.url.partition("/v1/knowledge/articles")[2].partition("?")
        self.asked.append(f"{path}?{query}")
        if path == "":
            wanted = parse_qs(query).get("text", [""])[0]
            found = [one for one in (ARTICLE, *OTHERS) if wanted.lower() in str(one["title"]).lower()]
            await route.fulfill(json={"items": found})
        elif path == "/2/versions":
            lines = [{**one, "characters": len(str(one["body"]))} for one in reversed(self.versions)]
            await route.fulfill(json={"items": lines})
        elif path.startswith("/2/versions/"):
            await route.fulfill(json=self.versions[int(path.rpartition("/")[2]) - 1])
        else:
            self.restored.append(route.request.post_data_json)
            body = str(self.versions[0]["body"])
            self.versions.append(version(len(self.versions) + 1, "restored", body))
            await route.fulfill(status=204)


async def test_articles_are_found_read_and_an_earlier_version_comes_back(
    open_page: OpenPage, server: PageServer, violations: Violations
) -> None:
    server.review.role = "lead"
    shelf = Shelf()
    page = await open_page("/sign-in")
    await shelf.open(page)
    found, told = page.locator("#found"), page.get_by_role("status")
    await expect(told).to_have_text("4 articles")
    for state in ("not told since 2026-03-31", "not told before 2099-01-01", "its source has it no more"):
        await expect(found).to_contain_text(state)
    await look(page, violations, every=False, pictures=[("knowledge", "light", WIDE, "h1")])
    await page.keyboard.press("/")
    await page.keyboard.type("boots")
    await expect(told).to_have_text("No article's title or file has this.")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("BACK")
    await found.get_by_role("link", name="Sending something back").click()

    await expect(page.locator(".body")).to_contain_text("within 60 days")
    await expect(page.locator(".about")).to_contain_text("2, changed by kim")
    await page.get_by_text("What changed since version 1").click()
    await expect(page.locator(".diff del")).to_have_text("30")
    await expect(page.locator(".diff ins")).to_have_text("60")
    await expect(page.get_by_role("button", name="Bring version")).to_have_count(0)
    await look(page, violations, every=False, pictures=[("knowledge-article", "light", WIDE, "h1")])
    await page.get_by_role("link", name="Version 1").click()
    await expect(page.locator(".body")).to_contain_text("within 30 days")
    bring = page.get_by_role("button", name="Bring version 1 back")
    await bring.click()
    await page.get_by_role("button", name="Cancel").click()
    assert shelf.restored == []
    await bring.click()
    await expect(page.get_by_role("dialog", name="Bring this version back?")).to_be_visible()
    await page.get_by_role("button", name="Bring it back").click()
    await expect(told).to_have_text("Version 1 is back.")
    assert shelf.restored == [{"version": 1}]
    await expect(page.locator(".about")).to_contain_text("3, restored by kim")
    await expect(page).to_have_url(re.compile(r"#article/2$"))


async def test_whoever_may_not_write_reads_every_version_and_brings_none_back(
    open_page: OpenPage, server: PageServer
) -> None:
    server.review.role = "analyst"
    page = await open_page("/sign-in")
    await Shelf().open(page, "/knowledge#article/2/1")
    await expect(page.locator(".body")).to_contain_text("within 30 days")
    await expect(page.get_by_role("button", name="Bring version")).to_have_count(0)
    await page.keyboard.press("4")
    await expect(page.get_by_label("Question")).to_be_visible()
    await expect(page.get_by_role("link", name="Try a question")).to_have_attribute("aria-current", "page")


async def test_what_is_wrong_leads_to_the_article(open_page: OpenPage) -> None:
    page = await open_page("/sign-in")
    await page.route("**/v1/knowledge/check", lambda route: route.fulfill(json={"findings": [FINDING]}))
    await Shelf().open(page)
    await page.get_by_role("link", name="To look at").click()
    await expect(page.locator("#found")).to_contain_text("Broken link: Returns")
    await expect(page.get_by_role("status")).to_have_text("1 to look at")
    await page.locator("#found").get_by_role("link", name="Returns").click()
    await expect(page.locator(".body")).to_contain_text("within 60 days")


async def test_a_question_is_tried_with_its_trace_or_only_searched(open_page: OpenPage, violations: Violations) -> None:
    asked: list[object] = []
    answers = [TRIED, ASKED]

    async def answer(route: Route) -> None:
        asked.append(route.request.post_data_json)
        search = route.request.url.endswith("/search")
        await route.fulfill(json={"items": [PASSAGE]} if search else answers.pop(0))

    page = await open_page("/sign-in")
    await page.route("**/v1/knowledge/search", answer)
    await page.route("**/v1/knowledge/try", answer)
    await Shelf().open(page, "/knowledge#try")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Question")).to_be_focused()
    await page.keyboard.type("how long?")
    await page.get_by_label("Asked by").select_option("whatsapp")
    await page.get_by_role("button", name="Ask the assistant").click()
    found, told = page.locator("#found"), page.get_by_role("status")
    await expect(told).to_have_text("It would be answered.")
    await expect(found).to_contain_text("within 60 days of delivery")
    await expect(found).to_contain_text("0.55: <b>Going on holiday</b>")
    await expect(found).to_contain_text("30 ms of work")
    await look(page, violations, every=False, pictures=[("knowledge-try", "light", WIDE, "h1")])
    await page.get_by_label("Question").press("Control+Enter")
    await expect(told).to_have_text("A person would be asked.")
    await expect(found).to_contain_text("A colleague will look at it.")
    await expect(found).to_contain_text("A person is asked (P2), because")
    await expect(found.locator(".result").nth(1)).to_contain_text("asked_for_human: the customer asks for a person")
    await expect(found.locator(".result").nth(2)).to_contain_text("There is none.")
    await page.get_by_label("Search as").select_option("staff")
    await page.get_by_role("button", name="Search only").click()
    await expect(found).to_contain_text("Returns: <b>Shoes</b>")
    await expect(found).to_contain_text("Similarity 71 %, score 0.0328, number 2 by words")
    await expect(found).to_contain_text("help/returns.md https://shop.example/returns")
    channel = {"text": "how long?", "channel": "whatsapp"}
    assert asked == [channel, channel, {"text": "how long?", "audience": "staff"}]


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
    open_page: OpenPage, server: PageServer, violations: Violations
) -> None:
    server.review.role = "lead"
    page = await open_page("/sign-in")
    await page.context.add_cookies([{"name": COOKIE, "value": "session-of-mira", "url": page.url}])
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
    await page.goto("/knowledge#gaps")
    found = page.locator("#found")
    await found.get_by_role("link", name="Do you <b>engrave</b>?").click()
    await expect(found).to_contain_text("Staff: Yes, Mira.")
    await expect(found).to_contain_text("No. (here: Yes, [name].)")
    assert await violations(page) == ""
    await page.get_by_label("Text").fill("Yes, we do.")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("status")).to_have_text("A place has to be looked at.")
    await page.reload()
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
    await page.goto("/knowledge#gap/7")
    await expect(page.locator("#found")).to_contain_text("Staff: Yes, Mira.")
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    server.review.role = "analyst"
    await page.goto("/knowledge")
    await expect(page.get_by_role("link", name="To look at")).to_be_visible()
    await expect(page.get_by_role("link", name="Not answered")).to_have_count(0)
