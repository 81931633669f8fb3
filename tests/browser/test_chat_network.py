"""The customer's chat on a bad network: nothing is lost or doubled, and what is said about a message is true."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from skills.errors import DatabaseUnavailableError, InvalidMessageError
from tests.browser.conftest import OpenPage
from tests.browser.server import PageServer
from tests.browser.talk import ANSWER, QUESTION, send, start, states, texts

pytestmark = pytest.mark.browser


async def test_a_network_cut_in_the_middle_of_an_event_loses_and_doubles_nothing(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/chat")
    await start(page)
    expected = [QUESTION]
    for number in range(4):
        await server.chat.until_streaming()
        server.chat.break_next_event = True
        for half in ("whole", "and more"):
            expected.append(f"answer {number} {half}")
            server.chat.say(expected[-1])
        await expect(texts(page)).to_have_text(expected)

    await server.chat.until_streaming()
    assert len(server.chat.streams_from) == 5
    assert server.chat.streams_from == sorted(set(server.chat.streams_from))


async def test_what_is_said_while_the_network_is_away_comes_when_it_is_back(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/chat")
    await start(page)
    await page.context.set_offline(True)
    server.cut()
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    for number in range(7):
        server.chat.say(f"answer {number}")
    await send(page, "are you there?")
    await expect(states(page).last).to_have_text("Not sent yet. It goes out when you are online again.")
    assert len(server.chat.posted) == 1

    await page.context.set_offline(False)

    await expect(texts(page)).to_have_text([QUESTION, *(f"answer {number}" for number in range(7)), "are you there?"])
    await expect(states(page)).to_have_text(["Sent", "Sent"])
    await expect(page.get_by_text("You are offline.")).to_be_hidden()
    assert [posted.message.text for posted in server.chat.posted] == [QUESTION, "are you there?"]


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    server.chat.lose_answers = 1
    await start(page)

    assert len({posted.key for posted in server.chat.posted}) == 1
    assert len(server.chat.posted) >= 2
    assert [message["text"] for message in server.chat.talk.messages] == [QUESTION]
    await expect(texts(page)).to_have_text([QUESTION])


async def test_trying_again_by_hand_uses_the_same_key_too(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    server.chat.refuse = [DatabaseUnavailableError("nothing was stored") for _ in range(3)]
    await send(page, QUESTION)
    await expect(states(page)).to_have_text("Sending…")
    await expect(page.get_by_text("Not sent. Nothing was stored.")).to_be_visible()

    await page.get_by_role("button", name="Try again").click()

    await expect(states(page)).to_have_text("Sent")
    assert len(server.chat.posted) == 4
    assert len({posted.key for posted in server.chat.posted}) == 1


async def test_an_unconfirmed_message_survives_a_reload_and_arrives_once(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/chat")
    server.chat.lose_answers = 100
    await send(page, QUESTION)
    await expect(page.get_by_text("Not confirmed. It may not have arrived.")).to_be_visible()
    server.chat.lose_answers = 0

    await page.reload()

    await expect(states(page)).to_have_text("Sent")
    await expect(texts(page)).to_have_text([QUESTION])
    assert len({posted.key for posted in server.chat.posted}) == 1
    assert len(server.chat.talk.messages) == 1


async def test_a_refused_message_says_why_and_can_be_changed(open_page: OpenPage, server: PageServer) -> None:
    page = await open_page("/chat")
    server.chat.refuse = [InvalidMessageError("it can't be stored", hint="leave out the control characters")]
    await send(page, "odd text")
    await expect(states(page)).to_contain_text("Not sent. It can't be stored. Leave out the control characters.")
    await send(page, "another")
    await expect(texts(page)).to_have_text(["another", "odd text"])

    await page.get_by_role("button", name="Change it").click()

    await expect(page.get_by_label("Your message")).to_be_focused()
    await expect(page.get_by_label("Your message")).to_have_value("odd text")
    await expect(texts(page)).to_have_text(["another"])


async def test_a_conversation_that_is_gone_says_so_and_keeps_what_was_written(
    open_page: OpenPage, server: PageServer
) -> None:
    page = await open_page("/chat")
    await start(page)
    server.chat.talks.clear()
    await send(page, "still there?")

    await expect(page.get_by_role("heading", name="This conversation is no longer available")).to_be_visible()
    await page.get_by_role("button", name="Start a new conversation").click()

    await expect(page.get_by_label("Your message")).to_have_value("still there?")
    await page.get_by_label("Your message").press("Enter")
    await expect(states(page)).to_have_text("Sent")
    assert [message["text"] for message in server.chat.talk.messages] == ["still there?"]


async def test_it_polls_where_nothing_can_be_streamed(open_page: OpenPage, server: PageServer) -> None:
    server.chat.streaming = False
    page = await open_page("/chat")
    await start(page)
    server.chat.say(ANSWER)

    await expect(page.get_by_text("60 days")).to_be_visible()
