"""Cases that people own: taken over, written to, handed back and resolved."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.desk import OWN_WORDS, open_parcel, row, sign_in
from tests.browser.examples import CASE, PARCEL, PARCEL_ANSWER, line
from tests.browser.server import PageServer

pytestmark = pytest.mark.browser


async def test_a_case_is_taken_over_written_to_and_handed_back(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("t")
    await expect(desk.get_by_text("You have taken over.")).to_be_visible()
    field = desk.get_by_label("Write to the customer")
    await expect(field).to_be_focused()
    await desk.get_by_role("button", name="Put it into my text").click()
    await expect(field).to_have_value(PARCEL_ANSWER)
    await field.fill(OWN_WORDS)
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_role("article").filter(has_text=OWN_WORDS)).to_contain_text("Sent")
    await expect(field).to_have_value("")
    await field.press("Escape")
    await desk.keyboard.press("r")
    await expect(field).to_be_focused()
    await field.press("Escape")
    await desk.keyboard.press("d")
    dialog = desk.get_by_role("dialog", name="Mark this case as resolved?")
    await expect(dialog).to_contain_text("If the customer writes again within 14 days, it opens again")
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("h")
    dialog = desk.get_by_role("dialog", name="Hand this back to the assistant?")
    await expect(dialog).to_be_visible()
    assert server.review.cases[server.review.escalations[PARCEL]["case_id"]]["owner"] == "human"
    await desk.keyboard.press("Enter")

    await expect(desk.get_by_text("Handed back. The assistant answers from here on.")).to_be_visible()
    assert [text for _, text in server.review.written] == [OWN_WORDS]
    case_id = server.review.escalations[PARCEL]["case_id"]
    assert server.review.cases[case_id]["owner"] == "agent"


async def test_what_a_case_was_taken_over_for_stays_beside_it(desk: Page, server: PageServer) -> None:
    found = server.review.escalations[PARCEL]
    await open_parcel(desk)
    await desk.keyboard.press("t")
    await expect(desk.get_by_label("Write to the customer")).to_be_focused()
    why = desk.locator("section").filter(has=desk.get_by_role("heading", name="Why a person was asked"))
    await expect(why).to_contain_text(found["request"]["reasons"][0]["explanation"])
    await expect(desk.get_by_role("heading", name="Sources")).to_be_visible()
    await expect(desk.get_by_text("You have taken over.")).to_be_visible()
    facts = desk.locator(".facts-line")
    await expect(facts).to_contain_text(found["severity"])
    await expect(facts).to_contain_text("left")
    await desk.get_by_role("link", name="With people").click()
    await expect(row(desk, found["case_id"])).to_contain_text(found["severity"])
    await expect(row(desk, found["case_id"])).to_contain_text("NOTHING has come")
    await expect(row(desk, found["case_id"])).to_contain_text("With mira")

    await row(desk, found["case_id"]).click()
    await desk.get_by_label("Write to the customer").fill(OWN_WORDS)
    await desk.keyboard.press("Control+Enter")
    await expect(facts).not_to_contain_text("left")
    await expect(desk.get_by_text("You have taken over.")).not_to_be_visible()
    await expect(facts).to_contain_text(found["severity"])


async def test_a_message_that_may_have_been_sent_is_sent_again_with_the_same_key(
    desk: Page, server: PageServer
) -> None:
    await desk.get_by_role("link", name="With people").click()
    await row(desk, CASE).click()
    field = desk.get_by_label("Write to the customer")
    await field.fill(OWN_WORDS)

    server.review.losing_answers = True
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_text("It may have been sent. Try again: it arrives once only")).to_be_visible()
    await expect(field).to_have_value(OWN_WORDS)
    server.review.losing_answers = False
    await field.press("Control+Enter")
    await expect(field).to_have_value("")

    assert len(server.review.written) >= 2
    assert len(set(server.review.written)) == 1
    await expect(desk.get_by_role("article").filter(has_text=OWN_WORDS)).to_have_count(1)


async def test_a_message_that_meets_the_sessions_end_is_kept(desk: Page, server: PageServer) -> None:
    await desk.goto(f"/review#c/{CASE}")
    await desk.get_by_label("Write to the customer").fill(OWN_WORDS)
    await desk.route("**/v1/review/*?limit=*", lambda route: route.abort())  # so that nothing but the message tells
    server.review.keys = {"another-session": "mira"}
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_role("link", name="Sign in again")).to_be_focused()
    await desk.unroute("**/v1/review/*?limit=*")
    await desk.get_by_role("link", name="Sign in again").click()
    await sign_in(desk, f"/review#c/{CASE}", "another-session")
    await expect(desk.get_by_label("Write to the customer")).to_have_value(OWN_WORDS)
    assert server.review.written == []


async def test_a_new_message_appears_in_an_open_case_and_it_is_resolved_on_purpose(
    desk: Page, server: PageServer
) -> None:
    await desk.goto(f"/review#c/{CASE}")
    await expect(desk.get_by_label("Write to the customer")).to_be_visible()
    await desk.get_by_label("Write to the customer").fill("half a text")
    case = server.review.cases[CASE]
    await expect(row(desk, CASE)).to_contain_text("1 message waits")
    by_itself = desk.expect_request(lambda asked: asked.url.endswith(CASE) and "x-background" in asked.headers)
    async with by_itself:  # an open desk keeps nobody signed in
        case["transcript"].append(line(4, "customer", "Hello? https://evil.example", state="human"))
    await expect(desk.get_by_role("article").filter(has_text="Hello?")).to_be_visible()
    await expect(desk.locator("#talk").get_by_role("link")).to_have_count(0)
    await expect(desk.get_by_label("Write to the customer")).to_have_value("half a text")

    await desk.get_by_role("button", name="Resolve").click()
    await expect(
        desk.get_by_role("dialog").get_by_text("The text that you have begun would not be sent.")
    ).to_be_visible()
    await desk.get_by_role("button", name="Keep it open").click()
    assert case["status"] == "open"
    await desk.get_by_role("button", name="Resolve").click()
    await desk.get_by_role("button", name="Mark as resolved").click()
    await expect(desk.get_by_text("Resolved.")).to_be_visible()
    assert case["status"] == "resolved"
    await expect(desk.get_by_text("No case is with a person.")).to_be_visible()
