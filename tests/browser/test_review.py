"""Decisions on the reviewer's page: read, decide, next, and never about something unread."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.desk import LATER, OWN_WORDS, open_parcel, row, rows, sign_in
from tests.browser.examples import PARCEL, PARCEL_ANSWER, REFUND, SMOKE
from tests.browser.server import PageServer

pytestmark = pytest.mark.browser


async def test_signing_out_leaves_nothing_in_the_tab(desk: Page) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("e")
    await desk.get_by_label("Edit the answer").fill(OWN_WORDS)
    assert await desk.evaluate("sessionStorage.length") > 0
    assert await desk.evaluate("localStorage.length") == 0
    await desk.evaluate("document.querySelector('form.sign-out').addEventListener('submit', (e) => e.preventDefault())")
    await desk.get_by_role("button", name="Sign out").click()
    assert await desk.evaluate("sessionStorage.length") == 0


async def test_in_a_tab_whose_storage_is_full_a_text_is_kept_and_signing_out_leaves_nothing(desk: Page) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("e")
    await desk.get_by_label("Edit the answer").fill(OWN_WORDS)
    await desk.evaluate(
        "for (let size = 2 ** 22; size >= 1; size /= 2)"
        " try { for (;;) sessionStorage.setItem(`other${Math.random()}`, 'x'.repeat(size)) } catch {}"
    )
    longer = f"{OWN_WORDS} {'It comes by van. ' * 50}"
    await desk.get_by_label("Edit the answer").fill(longer)
    await row(desk, REFUND).click()
    await expect(desk.get_by_role("heading", name="No proposal")).to_be_visible()
    await open_parcel(desk)
    await desk.keyboard.press("e")
    await expect(desk.get_by_label("Edit the answer")).to_have_value(longer)
    await desk.evaluate("document.querySelector('form.sign-out').addEventListener('submit', (e) => e.preventDefault())")
    await desk.get_by_role("button", name="Sign out").click()
    assert await desk.evaluate("Object.keys(sessionStorage).filter((key) => !key.startsWith('other'))") == []


async def test_who_may_not_decide_is_offered_nothing_to_decide(open_page: OpenPage, server: PageServer) -> None:
    server.review.role = "auditor"
    page = await open_page("/sign-in")
    await sign_in(page)
    await open_parcel(page)
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(page.get_by_role("button", name="Claim")).to_have_count(0)
    for key in "caet":
        await page.keyboard.press(key)
    await expect(page.get_by_label("Edit the answer")).to_have_count(0)
    assert (server.review.decisions, server.review.escalations[PARCEL]["claimed_by"]) == ([], None)


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
    await expect(desk.locator("#source-3")).to_be_hidden()
    await desk.get_by_text("1 more passage was found").click()
    await expect(desk.locator("#source-3")).to_contain_text("How long a refund takes")
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
    await expect(desk.get_by_text("Nothing was decided.")).to_be_visible()
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


async def test_after_a_decision_the_focus_is_on_the_most_urgent_that_nobody_else_is_at(
    desk: Page, server: PageServer
) -> None:
    await row(desk, REFUND).click()
    await desk.get_by_role("button", name="Answer instead").click()
    await desk.get_by_label("Answer in your own words").fill(OWN_WORDS)
    await desk.keyboard.press("Control+Enter")
    await expect(desk.get_by_text("Enter opens the most urgent.")).to_be_visible()
    await expect(row(desk, PARCEL)).to_be_focused()  # for jonas is at the smoke


async def test_an_emergency_without_an_answer_is_to_be_taken_over(desk: Page, server: PageServer) -> None:
    smoke = server.review.escalations[SMOKE]
    smoke["claimed_by"] = None
    await row(desk, SMOKE).click()
    offered = desk.get_by_role("group", name="Decide").locator(".primary")
    await expect(offered).to_have_text("Approvea")
    smoke["request"]["answered"] = False
    await row(desk, REFUND).click()
    await expect(offered).to_have_text("Answer insteadr")
    await row(desk, SMOKE).click()
    await expect(offered).to_have_text("Take overt")
    await expect(desk.get_by_text("reply, unless you take over.")).to_be_visible()


async def test_what_to_mind_in_an_answer_stands_at_its_reason(desk: Page) -> None:
    await row(desk, SMOKE).click()
    await expect(desk.locator(".reasons")).to_contain_text("Ask first whether anybody is hurt.")
    await row(desk, PARCEL).click()
    await expect(desk.locator(".reasons")).to_contain_text("The customer is angry")
    await expect(desk.locator(".reasons .guidance")).to_have_count(0)


async def test_only_the_actions_that_are_offered_are_there(desk: Page, server: PageServer) -> None:
    await row(desk, REFUND).click()
    await expect(desk.get_by_role("group", name="Decide").get_by_role("button")).to_have_text(
        ["Answer insteadr", "Take overt"]
    )
    await desk.keyboard.press("a")
    await expect(desk.locator("#context")).to_contain_text("Too short, and not what our article says.")
    assert server.review.decisions == []


async def test_a_session_that_is_over_asks_to_sign_in_again_and_keeps_the_text(desk: Page, server: PageServer) -> None:
    await open_parcel(desk)
    await desk.keyboard.press("e")
    await desk.get_by_label("Edit the answer").fill(OWN_WORDS)
    server.review.keys = {"another-session": "mira"}
    await expect(desk.get_by_role("heading", name="You were signed out")).to_be_visible()
    await expect(desk.get_by_text("ridiculous")).to_have_count(0)
    again = desk.get_by_role("link", name="Sign in again")
    await expect(again).to_be_focused()
    await expect(again).to_have_attribute("href", f"/sign-in?next=%2Freview%23e%2F{PARCEL}")

    await again.click()
    await sign_in(desk, f"/review#e/{PARCEL}", "another-session")
    await expect(desk.get_by_role("heading", name="Proposed answer")).to_be_visible()
    if await desk.get_by_label("Edit the answer").count() == 0:
        await desk.keyboard.press("e")
    await expect(desk.get_by_label("Edit the answer")).to_have_value(OWN_WORDS)


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
