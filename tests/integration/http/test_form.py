"""The contact form as a browser without scripts uses it, and its API."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.pages.form.words import language_of, words
from channels.web.form import FLOOD
from tests.integration.http.conftest import Service
from tests.integration.http.test_files import PDF, PNG, announced_too_large

STAMP = re.compile(r'name="stamp" value="([^"]+)"')
GIVEN: dict[str, Any] = {
    "message": "My planter leaks.",
    "email": "mira@example.com",
    "name": "Mira Example",
    "topic": "Planter",
}


async def opened(service: Service, path: str = "/contact", **how: Any) -> tuple[str, str]:
    """A page and the stamp on it."""
    page = await service.customer.get(path, **how)
    assert page.status_code == 200, page.text
    found = STAMP.search(page.text)
    assert found is not None
    return page.text, found[1]


def old_enough(service: Service, stamp: str) -> str:
    """The same form, opened a minute ago: what a person has, who reads and types."""
    return stamp_of(service, stamp, timedelta(minutes=1))


def stamp_of(service: Service, stamp: str, age: timedelta) -> str:
    read = service.services.form_stamps.read(stamp)
    assert read is not None
    return service.services.form_stamps.new(key=read.key, asked=read.asked, opened_at=datetime.now(UTC) - age)


async def post(
    service: Service,
    path: str = "/contact",
    *,
    stamp: str | None = None,
    files: Sequence[tuple[str, tuple[str, bytes]]] = (),
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> httpx.Response:
    if stamp is None:
        stamp = old_enough(service, (await opened(service))[1])
    parts = [*files] or [("file", ("", b""))]
    return await service.customer.post(path, data={"stamp": stamp, **fields}, files=parts, headers=headers)


async def talk(service: Service, **fields: Any) -> str:
    """The path of a new conversation's private page."""
    answer = await post(service, **{**GIVEN, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def rows(service: Service, statement: str) -> list[dict[str, Any]]:
    async with service.services.database.connection() as connection:
        return await (await connection.execute(statement)).fetchall()


async def test_a_message_is_stored_answered_and_written_back_to_on_its_private_page(service: Service) -> None:
    sent = await post(
        service, **GIVEN, files=[("file", ("bill.pdf", PDF)), ("file", ("a.exe", b"MZ\x90\0" + bytes(9)))]
    )
    assert sent.status_code == 303
    page = await service.customer.get(sent.headers["location"])
    assert page.status_code == 200
    for shown in ("We have your message", "Planter\n\nMy planter leaks.", "echo: Planter", "Answered", "bill.pdf"):
        assert shown in page.text
    assert "Not kept:" in page.text
    link = re.search(r'href="(/v1/files/[^"]+)" download>bill.pdf', page.text)
    assert link is not None
    assert (await service.customer.get(link[1])).content == PDF
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers
    (conversation,) = await rows(service, "select channel from conversations")
    assert conversation["channel"] == "form"
    identities = await rows(service, "select channel, verified_at from identities order by channel")
    assert identities == [{"channel": "email", "verified_at": None}, {"channel": "form", "verified_at": None}]

    here = sent.headers["location"].partition("?")[0]
    _, stamp = await opened(service, here)
    for _ in range(2):  # a double click
        back = await post(service, here, stamp=stamp, message="Thanks!", files=[("file", ("a.png", PNG))])
        assert (back.status_code, back.headers["location"]) == (303, f"{here}?sent=1#latest")
    page = await service.customer.get(f"{here}?look=1")
    assert page.text.count("Thanks!") == 2  # the customer's, and its echo
    assert "We have your message" not in page.text


async def test_the_customer_asks_for_a_person_and_is_told_who_is_at_it(service: Service) -> None:
    here = await talk(service, message="I need a person")
    page = await service.customer.get(f"{here}?look=1")
    assert "A colleague is looking at this" in page.text
    assert "Check for an answer" in page.text
    assert "Talk to a person" not in page.text
    (item,) = (await service.kim.get("/v1/review/escalations")).json()["items"]
    escalation = (await service.kim.get(f"/v1/review/escalations/{item['id']}")).json()
    decision = {"action": "answer", "version": escalation["version"], "text": "See https://help.example/a_b?c=1&d."}
    answer = await service.kim.post(f"/v1/review/escalations/{item['id']}/decision", json=decision)
    assert answer.status_code == 202
    page = await service.customer.get(f"{here}?look=1")
    assert "Our team" in page.text
    assert '<a href="https://help.example/a_b?c=1&amp;d" rel="noopener nofollow">' in page.text


async def test_pressing_the_button_for_a_person_is_enough(service: Service) -> None:
    here = await talk(service)
    assert (await post(service, here, ask="person", message="")).status_code == 303
    (newest,) = await rows(
        service,
        "select for_person from messages where sequence = (select max(sequence) from messages where direction = 'in')",
    )
    assert newest == {"for_person": "asked"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"message": "  "}, "Enter your message"),
        ({"message": "x" * 20_000}, "Shorten it to 19848"),
        ({"email": ""}, "Enter your email address"),
        ({"email": "mira at example"}, "Enter an email address in the correct format, like name@example.com"),
        ({"email": f"{'x' * 320}@example.com"}, "Enter an email address in the correct format"),
        ({"name": "x" * 201}, "Your name has to be 200 characters or fewer"),
        ({"topic": "x" * 151}, "The topic has to be 150 characters or fewer"),
    ],
)
async def test_what_is_wrong_is_said_above_and_at_the_field_and_all_is_kept(
    service: Service, wrong: dict[str, Any], says: str
) -> None:
    answer = await post(service, **{**GIVEN, **wrong})
    assert answer.status_code == 422
    (field,) = wrong
    text = html.unescape(answer.text)
    assert text.count(says) == 2
    assert f'<a href="#{field}">' in text
    assert f'id="{field}-error"' in text
    for name, value in {**GIVEN, **wrong}.items():
        assert value.strip() in text, name
    assert "<title>Error: Contact us</title>" in text
    assert await rows(service, "select 1 from messages") == []
    found = STAMP.search(answer.text)
    assert found is not None
    assert (await post(service, stamp=found[1], **GIVEN)).status_code == 303  # put right, it goes through at once


HOSTILE = "\"><script>alert(1)</script>'{{7*7}}{% x %}"


async def test_nothing_that_is_typed_becomes_markup_on_any_page(service: Service) -> None:
    fields: dict[str, Any] = {
        "message": f"{HOSTILE} javascript:alert(1) https://a@b.example",
        "name": HOSTILE,
        "topic": HOSTILE,
    }
    wrong = await post(service, email=HOSTILE, **fields)
    assert wrong.status_code == 422
    sent = await post(service, email="mira@example.com", files=[("file", (f"{HOSTILE}.pdf", PDF))], **fields)
    page = await service.customer.get(sent.headers["location"])
    for text in (wrong.text, page.text):
        assert "<script>alert" not in text
        assert "49" not in re.sub(r"<[^>]+>|\d{2}:\d{2}|[\w-]{50,}", "", text)
        assert HOSTILE in html.unescape(text)
    assert "javascript:" not in "".join(re.findall(r'href="[^"]*"', page.text))


async def test_a_header_can_not_be_put_into_an_answer(service: Service) -> None:
    answer = await post(service, "/contact?lang=de%0d%0aX-Evil:%201", **GIVEN)
    assert answer.status_code == 303
    assert "x-evil" not in answer.headers
    assert "lang" not in answer.headers["location"]


async def test_sending_the_same_form_twice_stores_it_once_and_a_changed_one_is_asked_about(service: Service) -> None:
    stamp = old_enough(service, (await opened(service))[1])
    first, again = [await post(service, stamp=stamp, **GIVEN) for _ in range(2)]
    assert first.headers["location"] == again.headers["location"]
    changed = await post(service, stamp=stamp, **{**GIVEN, "message": "It has stopped."})
    assert changed.status_code == 409
    assert first.headers["location"].partition("?")[0] in changed.text
    assert "It has stopped." in changed.text
    found = STAMP.search(changed.text)
    assert found is not None
    other = await post(service, stamp=found[1], **{**GIVEN, "message": "It has stopped."})
    assert other.status_code == 303
    assert len(await rows(service, "select 1 from messages where direction = 'in'")) == 2


@pytest.mark.parametrize("odd", ["quick", "filled trap", "old", "forged", "missing"])
async def test_what_is_odd_is_asked_once_more_and_then_taken(service: Service, odd: str) -> None:
    stamp = (await opened(service))[1]
    stamps = {
        "quick": stamp,
        "filled trap": old_enough(service, stamp),
        "old": stamp_of(service, stamp, timedelta(hours=25)),
        "forged": stamp[:-2] + "AA",
        "missing": "",
    }
    trap: dict[str, Any] = {"website": "https://spam.example"} if odd == "filled trap" else {}
    asked = await post(service, stamp=stamps[odd], **GIVEN, **trap, files=[("file", ("bill.pdf", PDF))])
    assert asked.status_code == 422
    text = html.unescape(asked.text)
    assert "Please send it once more" in text
    assert "Please choose your files again" in text
    assert all(value in text for value in GIVEN.values())
    assert await rows(service, "select 1 from messages") == []
    found = STAMP.search(asked.text)
    assert found is not None
    assert (await post(service, stamp=found[1], **GIVEN, **trap)).status_code == 303
    (message,) = await rows(service, "select for_person from messages where direction = 'in'")
    assert message == {"for_person": "suspect" if trap else None}


async def test_links_and_bursts_go_to_a_person_and_a_flood_is_turned_away_openly(service: Service) -> None:
    links = " ".join(f"https://cheap{n}.example" for n in range(4))
    await talk(service, message=links)
    for _ in range(FLOOD):
        answer = await post(service, **{**GIVEN, "message": "Buy our wonderful pills today, they are cheap!"})
        assert answer.status_code == 303
    flood = await post(service, **{**GIVEN, "message": "BUY our wonderful pills today - they are cheap"})
    assert flood.status_code == 429
    assert "We did not take this message" in flood.text
    assert "BUY our wonderful pills" in flood.text
    found = await rows(
        service, "select for_person, count(*) from messages where direction = 'in' group by 1 order by 1"
    )
    assert found == [{"for_person": "suspect", "count": FLOOD - 2}, {"for_person": None, "count": 3}]
    kept = await rows(service, "select a::text as row from form_arrivals a")
    assert not any("pills" in row["row"] or "mira" in row["row"] for row in kept)
    assert await service.services.form_arrivals.forget() == 0
    await rows(service, "update form_arrivals set since = now() - interval '2 hours' returning 1")
    assert (
        await post(service, **{**GIVEN, "message": "Buy our wonderful pills today, they are cheap!"})
    ).status_code == 303
    assert await service.services.form_arrivals.forget() == len(kept) - 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 303),
    ],
)
async def test_a_form_on_another_site_can_not_send_ours(service: Service, headers: dict[str, str], status: int) -> None:
    answer = await post(service, **GIVEN, headers=headers)
    assert answer.status_code == status
    assert status == 303 or answer.headers["content-type"].startswith("text/html")


async def test_a_page_that_is_not_there_and_files_beyond_all_limits_are_answered_by_pages(service: Service) -> None:
    unknown = service.services.tokens.issue().text
    for path in ("ct_nothing", unknown, "ü"):
        for answer in (
            await service.customer.get(f"/contact/{path}"),
            await post(service, f"/contact/{path}", message="hi"),
        ):
            assert answer.status_code == 404
            assert "This page does not exist" in answer.text
    large = await announced_too_large(service, "/contact?lang=fr")
    assert large.startswith(b"HTTP/1.1 413")
    assert words()["fr"]["large_title"].encode() in large.replace(b"&#39;", b"'")
    odd = await service.customer.get(f"/contact/{unknown}?look={'x' * 100}")
    assert (odd.status_code, "That could not be sent" in odd.text) == (422, True)
    broken = await service.customer.post(
        "/contact", content=b"x", headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert (broken.status_code, "That could not be sent" in broken.text) == (400, True)
    assert "Enter your message" in (await post(service, await talk(service), message=" ")).text


async def test_files_alone_are_a_message(service: Service) -> None:
    sent = await post(service, **{**GIVEN, "message": "", "topic": ""}, files=[("file", ("a.png", PNG))])
    assert sent.status_code == 303
    (message,) = await rows(service, "select for_person from messages where direction = 'in'")
    assert message == {"for_person": "files_only"}
    back = await post(service, sent.headers["location"].partition("?")[0], files=[("file", ("b.png", PNG))])
    assert back.status_code == 303


@pytest.mark.parametrize("language", ["de", "es", "fr"])
async def test_every_page_speaks_the_chosen_language_and_keeps_it(service: Service, language: str) -> None:
    text, stamp = await opened(service, headers={"Accept-Language": f"xx, {language}-CH;q=0.9, en;q=0.5"})
    assert f'<html lang="{language}">' in text
    assert words()[language]["send"] in html.unescape(text)
    sent = await post(service, f"/contact?lang={language}", stamp=old_enough(service, stamp), **GIVEN)
    assert sent.headers["location"].endswith(f"lang={language}")
    page = await service.customer.get(sent.headers["location"], headers={"Accept-Language": "en"})
    assert words()[language]["thanks_title"] in html.unescape(page.text)
    assert f'action="{sent.headers["location"].partition("?")[0]}?lang={language}"' in page.text
    (customer,) = await rows(service, "select language from customers")
    assert customer == {"language": language}


def test_every_text_stands_in_every_language_with_the_same_values() -> None:
    english = words()["en"]
    for language, texts in words().items():
        assert texts.keys() == english.keys(), language
        for name, text in texts.items():
            assert re.findall(r"{\w+}", text).sort() == re.findall(r"{\w+}", english[name]).sort(), (language, name)


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("de", "fr", "de"),
        ("xx", "fr", "fr"),
        (None, None, "en"),
        (None, "de-AT, en;q=0.5", "de"),
        (None, "en;q=0.5, es;q=0.8", "es"),
        (None, "de;q=0, ;;;, q=1,*", "en"),
        (None, "ü" * 10_000, "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(
    chosen: str | None, accepted: str | None, language: str
) -> None:
    assert language_of(chosen, accepted) == language


async def test_the_api_begins_a_conversation_and_reads_it(service: Service) -> None:
    body = {"text": "hello", "email": "mira@example.com", "topic": "Greeting"}
    key = {"Idempotency-Key": str(uuid4())}
    first, again = [(await service.customer.post("/v1/web/form", json=body, headers=key)).json() for _ in range(2)]
    assert first == again
    assert (await service.customer.get(first["page"])).status_code == 200
    bearer = {"Authorization": f"Bearer {first['conversation_token']}"}
    read = await service.customer.get("/v1/web/form/messages", params={"wait": 10, "after": 1}, headers=bearer)
    assert [message["text"] for message in read.json()["messages"]] == ["echo: Greeting\n\nhello"]
    sent = await service.customer.post(
        "/v1/web/form", data={"email": "mira@example.com"}, files=[("file", ("bill.pdf", PDF))]
    )
    assert (sent.status_code, sent.json()["files"][0]["refusal"]) == (202, None)
    for wrong, status in (({"email": "x"}, 422), ({"text": ""}, 422), ({"extra": 1}, 422)):
        assert (await service.customer.post("/v1/web/form", json={**body, **wrong})).status_code == status
    foreign = await service.customer.post("/v1/web/form", json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, foreign.headers["content-type"]) == (403, "application/problem+json")
    assert (await service.customer.get("/v1/web/messages", headers=bearer)).status_code == 404  # another channel's
