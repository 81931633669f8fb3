"""The reviewer's page: read, decide, next, by keyboard alone, and never a decision about something unread."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.examples import CASE, PARCEL, PARCEL_ANSWER, REFUND, SMOKE, line
from tests.browser.server import PageServer

pytestmark = pytest.mark.browser

OWN_WORDS = "Hello Gerald, a replacement goes out today."
LATER = "Forget the refund, just send it again."
FASTER = "const every = setInterval; setInterval = (act, wait) => every(act, Math.min(wait, 150))"
"""Lets the page refresh its lists without a test waiting for seconds."""


async def sign_in(page: Page, key: str = "key-of-mira") -> None:
    await page.get_by_label("Staff key").fill(key)
    await page.keyboard.press("Enter")
    await expect(rows(page).first).to_be_visible()


def rows(page: Page) -> Locator:
    return page.locator("#rows a")


def row(page: Page, item: str) -> Locator:
    return page.locator(f'#rows a[data-id="{item}"]')


@pytest.fixture
async def desk(open_page: OpenPage) -> Page:
    page = await open_page("/review")
    await page.context.add_init_script(FASTER)
    await page.reload()
    await sign_in(page)
    return page


async def open_parcel(page: Page) -> None:
    await row(page, PARCEL).click()
    await expect(page.get_by_role("heading", name="Proposed answer")).to_be_visible()


async def test_a_wrong_key_is_said_to_be_wrong(open_page: OpenPage) -> None:
    page = await open_page("/review")
    await page.get_by_label("Staff key").press("Enter")
    await expect(page.get_by_text("Enter your staff key")).to_be_visible()
    await page.get_by_label("Staff key").fill("guessed")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("That key is not accepted.")).to_be_visible()
    await expect(page.get_by_label("Staff key")).to_be_focused()

    await sign_in(page)
    await expect(page.get_by_label("Staff key")).to_be_hidden()
    assert await page.evaluate("localStorage.length") == 0
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Staff key")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0
    assert await page.locator("#rows a").count() == 0


async def test_the_queue_shows_what_is_left_the_nearest_deadline_first(desk: Page) -> None:
    await expect(rows(desk)).to_have_count(3)
    first, second, third = await rows(desk).all()
    await expect(first).to_contain_text("P1")
    await expect(first).to_contain_text("3 min late")
    await expect(first).to_contain_text("jonas is at it")
    await expect(second).to_contain_text("12 min left")
    await expect(second).to_contain_text("Web chat")
    await expect(second).to_contain_text("Angry customer · Large amount")
    await expect(third).to_contain_text("21 h 4 min left")
    assert await first.locator("time").get_attribute("title")
    await expect(desk).to_have_title("(3) Review")


async def test_a_review_is_read_and_approved_by_keyboard_alone(desk: Page, server: PageServer) -> None:
    for key in ("j", "j"):
        await desk.keyboard.press(key)
    await expect(row(desk, PARCEL)).to_be_focused()
    await desk.keyboard.press("Enter")
    await expect(desk.get_by_role("heading", name="Gerald Okoro")).to_be_focused()
    await desk.keyboard.press("c")
    await expect(desk.locator(".claim")).to_contain_text("You are at it")
    await desk.keyboard.press("a")

    await expect(desk.get_by_text("Approved. The answer goes out now.")).to_be_visible()
    await expect(row(desk, PARCEL)).to_have_count(0)
    await expect(row(desk, REFUND)).to_be_focused()
    ((item, reviewer, decision),) = server.review.decisions
    assert (item, reviewer, decision.action, decision.text) == (PARCEL, "mira", "approve", None)
    await desk.keyboard.press("a")
    assert len(server.review.decisions) == 1


async def test_a_cited_sentence_leads_to_its_source_and_back(desk: Page) -> None:
    await open_parcel(desk)
    cited = desk.locator(".cited")
    await expect(cited).to_have_count(2)
    await expect(cited.first).to_contain_text("A parcel counts as missing when it has not arrived seven working days")
    await cited.nth(1).hover()
    await expect(desk.locator("#source-2")).to_have_class("lit")

    await cited.nth(1).press("Enter")
    await expect(desk.locator("#source-2")).to_be_focused()
    await expect(desk.locator("#source-2 blockquote")).to_be_visible()
    await desk.locator("#source-2").get_by_role("button", name="Show the sentence that cites it").click()
    await expect(cited.nth(1)).to_be_focused()
    await expect(desk.locator("#talk mark")).to_have_text(["NOTHING", "ridiculous"])
    await expect(desk.locator("#context")).to_contain_text("very negative")
    await expect(desk.locator("#context")).to_contain_text("more than £100")


async def test_an_edited_answer_is_sent_as_it_was_typed(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("e")
    field = desk.get_by_label("Edit the answer")
    await expect(field).to_be_focused()
    await expect(field).to_have_value(PARCEL_ANSWER)
    await field.fill("")
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_text("Enter the answer that the customer gets")).to_be_visible()
    await field.press_sequentially(f"{OWN_WORDS} j a x")
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("e")
    await expect(field).to_have_value(f"{OWN_WORDS} j a x")
    await desk.keyboard.press("Control+Enter")

    await expect(desk.get_by_text("Your text goes out now.")).to_be_visible()
    ((_, _, decision),) = server.review.decisions
    assert (decision.action, decision.text, decision.covers_later) == ("edit", f"{OWN_WORDS} j a x", False)


async def test_a_rejection_needs_a_reason(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("x")
    await desk.get_by_role("button", name="Reject the draft").click()
    await expect(desk.get_by_text("Enter what is wrong")).to_be_visible()
    await desk.get_by_label("What is wrong with this draft?").fill("He did give the number")
    await desk.get_by_role("button", name="Reject the draft").click()

    await expect(desk.get_by_text("Rejected. The assistant writes another draft")).to_be_visible()
    ((_, _, decision),) = server.review.decisions
    assert (decision.action, decision.reason, decision.text) == ("reject", "He did give the number", None)


async def test_a_message_that_came_meanwhile_is_shown_and_the_text_is_kept(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("r")
    await desk.get_by_label("Answer in your own words").fill(OWN_WORDS)
    server.review.customer_writes(PARCEL, LATER)
    await desk.keyboard.press("Control+Enter")

    changed = desk.get_by_role("region", name="What changed")
    await expect(changed).to_be_focused()
    await expect(changed).to_contain_text(f"The customer wrote: “{LATER}”")
    await expect(changed).to_contain_text("Nothing was decided. Your text is kept below.")
    await expect(desk.get_by_label("Answer in your own words")).to_have_value(OWN_WORDS)
    await expect(desk.get_by_role("heading", name="Written after this proposal")).to_be_visible()
    assert server.review.decisions == []

    await desk.get_by_label("My text also answers the newer message").check()
    await desk.get_by_label("Answer in your own words").press("Control+Enter")
    await expect(desk.get_by_text("Your answer goes out now.")).to_be_visible()
    ((_, _, decision),) = server.review.decisions
    assert (decision.action, decision.text, decision.covers_later) == ("answer", OWN_WORDS, True)


async def test_a_new_proposal_is_not_approved_unread(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    found = server.review.escalations[PARCEL]
    found["request"]["proposal"] = "Something else entirely."
    found["version"] = "ffff.4"
    await desk.keyboard.press("a")

    await expect(desk.get_by_text("The proposal is another one now.")).to_be_visible()
    await expect(desk.locator(".proposal")).to_contain_text("Something else entirely.")
    assert server.review.decisions == []
    await desk.keyboard.press("a")
    await expect(desk.get_by_text("Approved.")).to_be_visible()


async def test_a_colleague_who_was_quicker_is_named_and_the_text_is_not_lost(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("e")
    await desk.get_by_label("Edit the answer").fill(OWN_WORDS)
    server.review.somebody_decides(PARCEL, "take_over", "jonas")

    await expect(desk.get_by_role("heading", name="Already decided: take over by jonas")).to_be_visible()
    await expect(desk.get_by_role("region", name="Decided")).to_contain_text(OWN_WORDS)
    await expect(desk.locator("#bar")).to_be_empty()
    assert server.review.reads.count(PARCEL) == 2


async def test_what_somebody_else_has_claimed_says_who_and_waits(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("c")
    await expect(desk.locator(".claim")).to_contain_text("You are at it")
    await desk.keyboard.press("c")
    await expect(desk.get_by_text("Released. Others can take it now.")).to_be_visible()

    await row(desk, SMOKE).click()
    await expect(desk.locator(".claim")).to_contain_text("jonas is at it")
    await expect(desk.get_by_role("button", name="Approve")).to_be_disabled()
    await desk.keyboard.press("c")
    await expect(desk.get_by_role("region", name="What changed")).to_contain_text("jonas is at it")
    server.review.escalations[SMOKE]["claimed_by"] = None
    await expect(desk.get_by_role("button", name="Approve")).to_be_enabled()


async def test_keys_still_work_when_the_last_decision_is_taken(desk: Page, server: PageServer) -> None:
    smoke, refund = server.review.escalations.pop(SMOKE), server.review.escalations.pop(REFUND)
    await expect(rows(desk)).to_have_count(1)
    await open_parcel(desk)
    await desk.keyboard.press("a")
    await expect(desk.get_by_text("Nothing waits for a decision.")).to_be_visible()
    server.review.escalations |= {SMOKE: smoke, REFUND: refund}
    await expect(rows(desk)).to_have_count(2)
    await desk.keyboard.press("j")
    await desk.keyboard.press("j")

    await expect(row(desk, REFUND)).to_be_focused()


async def test_only_the_actions_that_are_offered_are_there(desk: Page, server: PageServer) -> None:
    await row(desk, REFUND).click()
    await expect(desk.get_by_role("group", name="Decide").get_by_role("button")).to_have_text(
        ["Answer insteadr", "Take overt"]
    )
    await desk.keyboard.press("a")
    await expect(desk.locator("#context")).to_contain_text("Too short, and not what our article says.")
    assert server.review.decisions == []


async def test_refreshing_disturbs_neither_focus_nor_text(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("e")
    field = desk.get_by_label("Edit the answer")
    await field.fill(OWN_WORDS)
    server.review.escalations.pop(SMOKE)
    await expect(rows(desk)).to_have_count(2)
    await expect(field).to_be_focused()
    await expect(field).to_have_value(OWN_WORDS)

    await desk.keyboard.press("Escape")
    await desk.keyboard.press("j")
    await expect(row(desk, REFUND)).to_be_focused()
    server.review.escalations[PARCEL]["due_at"] = "2100-01-01T00:00:00+00:00"
    await expect(rows(desk).first).to_have_attribute("data-id", REFUND)
    await expect(row(desk, REFUND)).to_be_focused()
    server.review.somebody_decides(REFUND, "answer", "jonas")
    await expect(rows(desk)).to_have_count(1)
    await expect(row(desk, PARCEL)).to_be_focused()


async def test_a_case_is_taken_over_written_to_and_handed_back(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("t")
    await expect(desk.get_by_text("You have taken over.")).to_be_visible()
    field = desk.get_by_label("Write to the customer")
    await desk.get_by_role("button", name="Put it into my text").click()
    await expect(field).to_have_value(PARCEL_ANSWER)
    await field.fill(OWN_WORDS)
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_role("article").filter(has_text=OWN_WORDS)).to_contain_text("Sent")
    await expect(field).to_have_value("")
    await field.press("Escape")
    await desk.keyboard.press("h")

    await expect(desk.get_by_text("Handed back. The assistant answers from here on.")).to_be_visible()
    assert [text for _, text in server.review.written] == [OWN_WORDS]
    case_id = server.review.escalations[PARCEL]["case_id"]
    assert server.review.cases[case_id]["owner"] == "agent"


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


async def test_a_new_message_appears_in_an_open_case_and_it_is_resolved_on_purpose(
    desk: Page, server: PageServer
) -> None:
    await desk.goto(f"/review#c/{CASE}")
    await expect(desk.get_by_label("Write to the customer")).to_be_visible()
    await desk.get_by_label("Write to the customer").fill("half a text")
    case = server.review.cases[CASE]
    await expect(row(desk, CASE)).to_contain_text("1 message waits")
    case["transcript"].append(line(4, "customer", "Hello? https://evil.example", state="human"))
    await expect(desk.get_by_role("article").filter(has_text="Hello?")).to_be_visible()
    await expect(desk.locator("#talk").get_by_role("link")).to_have_count(0)
    await expect(desk.get_by_label("Write to the customer")).to_have_value("half a text")

    await desk.get_by_role("button", name="Resolve").click()
    await expect(desk.get_by_text("The text that you have begun would not be sent.")).to_be_visible()
    await desk.get_by_role("button", name="Keep it open").click()
    assert case["status"] == "open"
    await desk.get_by_role("button", name="Resolve").click()
    await desk.get_by_role("button", name="Mark as resolved").click()
    await expect(desk.get_by_text("Resolved.")).to_be_visible()
    assert case["status"] == "resolved"
    await expect(desk.get_by_text("No case is with a person.")).to_be_visible()


async def test_a_key_that_is_withdrawn_asks_for_a_new_one_and_keeps_the_text(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("e")
    await desk.get_by_label("Edit the answer").fill(OWN_WORDS)
    server.review.keys = {"new-key": "mira"}
    await expect(desk.get_by_text("Your key is no longer accepted.")).to_be_visible()
    await expect(desk.get_by_label("Staff key")).to_be_focused()

    await sign_in(desk, "new-key")
    await expect(desk.get_by_role("heading", name="Proposed answer")).to_be_visible()
    if await desk.get_by_label("Edit the answer").count() == 0:
        await desk.keyboard.press("e")
    await expect(desk.get_by_label("Edit the answer")).to_have_value(OWN_WORDS)


async def test_a_queue_that_can_not_be_read_says_so_and_recovers(desk: Page, server: PageServer) -> None:
    await desk.context.set_offline(True)
    await expect(desk.locator("#stale")).to_contain_text("The connection was lost. This is how it was at")
    await expect(rows(desk)).to_have_count(3)
    await desk.context.set_offline(False)
    await expect(desk.locator("#stale")).to_be_hidden()


async def test_the_list_is_filtered_and_empty_states_have_words(desk: Page, server: PageServer) -> None:
    await desk.keyboard.press("/")
    await expect(desk.get_by_label("Filter this list")).to_be_focused()
    await desk.keyboard.type("parcel p2")
    await expect(rows(desk)).to_have_count(1)
    await desk.keyboard.type(" zebra")
    await expect(desk.get_by_text("Nothing here fits the filter.")).to_be_visible()
    await desk.keyboard.press("Escape")
    await expect(rows(desk)).to_have_count(3)
    server.review.escalations.clear()
    await expect(desk.get_by_text("Nothing waits for a decision.")).to_be_visible()
    await expect(desk).to_have_title("Review")


async def test_single_keys_can_be_switched_off(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("?")
    await expect(desk.get_by_role("dialog", name="Keys")).to_be_visible()
    await desk.keyboard.press("a")
    await desk.get_by_label("Single keys work in this tab").uncheck()
    await desk.get_by_role("button", name="Close").click()
    await desk.keyboard.press("a")
    await desk.keyboard.press("e")
    await expect(desk.get_by_label("Edit the answer")).to_have_count(0)
    assert server.review.decisions == []


async def test_a_phone_shows_one_pane_at_a_time_and_the_decision_at_the_thumb(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/review", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    await sign_in(page)
    await expect(page.locator("#talk")).to_be_hidden()
    await row(page, PARCEL).tap()
    await expect(page.locator(".proposal")).to_be_in_viewport()
    await expect(rows(page).first).to_be_hidden()
    approve = page.get_by_role("button", name="Approve")
    for pane in ("Reasons", "Talk"):
        await page.get_by_role("button", name=pane).tap()
        await expect(approve).to_be_in_viewport(ratio=1)
        box = await approve.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["y"] > 600
    await page.locator(".cited").first.tap()
    await expect(page.locator("#source-1")).to_be_in_viewport()
    await approve.tap()
    await expect(page.get_by_text("Approved.")).to_be_visible()
    assert [decision.action for _, _, decision in server.review.decisions] == ["approve"]


@pytest.mark.parametrize("width", [360, 1024, 2560])
async def test_the_desk_never_scrolls_sideways(open_page: OpenPage, server: PageServer, width: int) -> None:
    server.review.customer_writes(PARCEL, "W" * 400)
    page = await open_page("/review", viewport={"width": width, "height": 740})
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await sign_in(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    for address in (f"e/{PARCEL}", f"e/{REFUND}", f"c/{CASE}"):
        await page.goto(f"/review#{address}")
        await expect(page.locator(".talk-head")).to_be_visible()
        for pane in ("context", "talk"):
            await page.evaluate("pane => { document.body.dataset.pane = pane }", pane)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            for box in ("#talk", "#context", ".list-pane", "#bar"):
                assert await page.locator(box).evaluate("node => node.scrollWidth <= node.clientWidth"), (box, address)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_wrong_with_the_desk(
    open_page: OpenPage, server: PageServer, violations: Callable[[Page], Awaitable[str]], scheme: str, width: int
) -> None:
    page = await open_page("/review", color_scheme=scheme, viewport={"width": width, "height": 800})
    await page.get_by_label("Staff key").press("Enter")
    await expect(page.get_by_text("Enter your staff key")).to_be_visible()
    assert await violations(page) == ""
    await sign_in(page)
    assert await violations(page) == ""

    await page.goto(f"/review#e/{PARCEL}")
    await expect(page.locator(".proposal")).to_be_visible()
    assert await violations(page) == ""
    server.review.customer_writes(PARCEL, LATER)
    await page.get_by_role("button", name="Answer instead").click()
    await page.get_by_label("Answer in your own words").fill(OWN_WORDS)
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("region", name="What changed")).to_be_visible()
    assert await violations(page) == ""
    await page.evaluate("document.body.dataset.pane = 'context'")
    assert await violations(page) == ""

    await page.goto(f"/review#e/{REFUND}")
    await expect(page.get_by_role("heading", name="No proposal")).to_be_attached()
    assert await violations(page) == ""
    await page.goto(f"/review#c/{CASE}")
    await expect(page.get_by_label("Write to the customer")).to_be_visible()
    assert await violations(page) == ""
    await page.locator("#talk").focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert await violations(page) == ""
    assert json.loads(await page.evaluate("JSON.stringify(Object.keys(localStorage))")) == []
