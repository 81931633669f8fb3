"""The private page asks whether an answer helped, and how our help was, without a script; the rules are the chat's."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any
from uuid import uuid4

import pytest

from api.pages.form.words import words
from tests.integration.http.conftest import Service
from tests.integration.http.test_form import opened, post, rows, talk

CITED = "update turns set cited = array[gen_random_uuid()] returning 1"
"""What an answer rests on: an echo rests on nothing, and nobody asks whether that helped."""


async def answered(service: Service, **fields: Any) -> str:
    """The path of a page whose question was answered from an article."""
    here = await talk(service, **fields)
    await service.customer.get(f"{here}?look=1")
    await rows(service, CITED)
    return here


async def shown(service: Service, path: str) -> str:
    page = await service.customer.get(path)
    assert page.status_code == 200
    return html.unescape(page.text)


async def with_a_colleague(service: Service, here: str) -> None:
    """Look until a person is said to be at it; each look waits for news."""
    async with asyncio.timeout(30):
        while "A colleague is looking at this" not in await shown(service, f"{here}?look=1"):
            pass


async def press(service: Service, path: str, **fields: str) -> tuple[int, str]:
    """The status, and where it leads or what it shows."""
    sent = await service.customer.post(path, data=fields)
    return sent.status_code, html.unescape(sent.headers.get("location", sent.text))


async def the_case(service: Service) -> dict[str, Any]:
    (case,) = await rows(service, "select id from cases")
    found: dict[str, Any] = (await service.kim.get(f"/v1/review/cases/{case['id']}")).json()
    return found


async def test_yes_settles_the_matter_a_rating_follows_and_staff_see_both(service: Service) -> None:
    here = await answered(service)
    page = await shown(service, here)
    assert "Did this help?" in page
    assert page.count("Talk to a person") == 1
    for _ in range(2):  # a double click
        assert await press(service, f"{here}/resolution", helped="yes") == (303, f"{here}?said=helped#said")
    page = await shown(service, f"{here}?said=helped")
    assert "Good to hear. Thank you!" in page
    assert "How was our help?" in page
    assert "Did this help?" not in page

    status, wrong = await press(service, f"{here}/feedback", comment="<b>slow</b>")
    assert status == 422
    assert '<a href="#rating">Choose a number from 1 to 5</a>' in wrong
    assert "\n<b>slow</b></textarea>" in wrong
    comment = "quick\r\nand\0 kind"
    assert await press(service, f"{here}/feedback", rating="4", comment=comment) == (303, f"{here}?said=rated#said")
    page = await shown(service, f"{here}?said=rated")
    assert "Thank you for your rating." in page
    assert "How was our help?" not in page
    assert "quick" not in page
    case = await the_case(service)
    assert (case["status"], case["resolved_by"], case["resolution"]) == ("resolved", "customer", "confirmed")
    assert (case["survey"]["rating"], case["survey"]["comment"]) == (4, "quick\nand kind")


async def test_no_is_answered_with_the_offer_of_a_person_on_the_page_that_follows(service: Service) -> None:
    here = await answered(service)
    assert await press(service, f"{here}/resolution?lang=en", helped="no") == (303, f"{here}?said=open&lang=en#latest")
    page = await shown(service, f"{here}?said=open")
    assert "I'm sorry that this didn't help." in page
    assert "Did this help?" not in page
    assert (await the_case(service))["status"] == "open"


async def test_the_button_for_a_person_beside_the_question_sends_what_the_one_below_does(service: Service) -> None:
    here = await answered(service)
    page, stamp = await opened(service, here)
    assert '<button class="large" form="write" name="ask" value="person">' in page
    assert (await post(service, here, stamp=stamp, ask="person", message="")).status_code == 303
    await with_a_colleague(service, here)


async def test_what_no_longer_fits_is_said_on_the_page_and_does_nothing(service: Service) -> None:
    here = await talk(service, message="I need a person")
    await with_a_colleague(service, here)
    for path, fields in (("resolution", {"helped": "yes"}), ("feedback", {"rating": "5"})):
        status, page = await press(service, f"{here}/{path}", **fields)
        assert status == 409
        assert "Something has changed meanwhile" in page
        assert "A colleague is looking at this" in page
    assert (await the_case(service))["status"] == "open"
    status, page = await press(service, f"{here}/resolution", helped="perhaps")
    assert (status, "That could not be sent" in page) == (422, True)


@pytest.mark.parametrize("path", ["resolution", "feedback"])
async def test_nobody_says_anything_of_a_talk_from_another_site_or_by_another_token(
    service: Service, path: str
) -> None:
    fields = {"helped": "yes", "rating": "5"}
    here = await answered(service)
    foreign = await service.customer.post(f"{here}/{path}", data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    body, key = {"text": "hello"}, {"Idempotency-Key": str(uuid4())}
    chat = (await service.customer.post("/v1/web/messages", json=body, headers=key)).json()
    for token in ("nothing", service.services.tokens.issue().text, chat["conversation_token"]):
        status, page = await press(service, f"/contact/{token}/{path}", **fields)
        assert (status, "This page does not exist" in page) == (404, True)
    assert await rows(service, "select 1 from cases where status = 'resolved'") == []


@pytest.mark.parametrize("language", ["de", "es", "fr"])
async def test_it_asks_in_the_language_of_the_page(service: Service, language: str) -> None:
    here, said = await answered(service), words()[language]
    page = await shown(service, f"{here}?lang={language}")
    assert all(said[name] in page for name in ("helped", "yes", "no", "ask_person"))
    action = re.search(r'action="([^"]+/resolution[^"]*)"', page)
    assert action is not None
    _, place = await press(service, action[1], helped="yes")
    page = await shown(service, place)
    assert all(said[name] in page for name in ("helped_thanks", "survey", "comment", "rate", "rating_1"))
