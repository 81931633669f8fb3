"""What customers say of our help, over HTTP: by buttons on a page, and on a page that needs no script."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.pages.form.words import words
from infra.crypto.survey_links import SurveyLinks
from tests.integration.http.conftest import Service
from tests.integration.http.test_web import read, write


async def answered(service: Service) -> tuple[str, str]:
    """A conversation with an answer: its token, and its case."""
    taken = await write(service, "hello")
    await read(service, taken["conversation_token"], after=taken["cursor"], wait=10)
    return taken["conversation_token"], taken["case_id"]


async def say(service: Service, token: str, path: str, **body: Any) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return (await service.customer.post(f"/v1/web/{path}", json=body, headers=headers)).status_code


async def survey_in(service: Service) -> UUID:
    async with service.services.database.connection() as connection:
        row = await (await connection.execute("select id from surveys")).fetchone()
    assert row is not None
    return UUID(str(row["id"]))


async def test_a_customer_settles_a_matter_rates_it_and_staff_see_both(service: Service) -> None:
    token, case_id = await answered(service)
    assert (await read(service, token))["asks"] is None  # an echo rests on no article
    assert await say(service, token, "feedback", rating=5) == 409
    assert await say(service, token, "resolution", helped=True) == 204
    assert await say(service, token, "resolution", helped=True) == 204
    assert (await read(service, token))["asks"] == "survey"
    assert await say(service, token, "feedback", rating=6) == 422
    assert await say(service, token, "feedback", rating=4, comment="quick") == 204
    assert (await read(service, token))["asks"] is None
    case = (await service.kim.get(f"/v1/review/cases/{case_id}")).json()
    assert (case["status"], case["resolved_by"], case["resolution"]) == ("resolved", "customer", "confirmed")
    assert (case["survey"]["rating"], case["survey"]["comment"]) == (4, "quick")
    assert case["survey"]["answered_by"] == "agent"


async def test_a_no_is_answered_with_the_offer_of_a_person_and_opens_what_was_settled(service: Service) -> None:
    token, case_id = await answered(service)
    assert await say(service, token, "resolution", helped=True) == 204
    assert await say(service, token, "resolution", helped=False) == 204
    page = await read(service, token, after=2, wait=10)
    assert [message["author"] for message in page["messages"]] == ["system"]
    assert "talk to a person" in page["messages"][0]["text"]
    case = (await service.kim.get(f"/v1/review/cases/{case_id}")).json()
    assert (case["status"], case["reopened"]) == ("open", 1)


async def test_only_who_holds_the_conversation_can_say_anything_of_it(service: Service) -> None:
    for path, body in (("resolution", {"helped": True}), ("feedback", {"rating": 3})):
        assert (await service.customer.post(f"/v1/web/{path}", json=body)).status_code == 401
        assert await say(service, "ct_nonsense", path, **body) == 404
        assert await say(service, service.services.tokens.issue().text, path, **body) == 404


async def test_the_page_behind_a_link_rates_when_it_is_sent_and_never_when_it_is_read(service: Service) -> None:
    token, _ = await answered(service)
    await say(service, token, "resolution", helped=True)
    survey_id = await survey_in(service)
    link = f"/feedback/{service.services.survey_links.sign(survey_id)}"
    await service.customer.get(link)  # a mail scanner
    page = await service.customer.get(link)
    assert page.status_code == 200
    assert '<form class="fields" method="post" novalidate>' in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script" not in page.text
    assert (await service.services.surveys.find(survey_id)).rating is None

    missing = await service.customer.post(link, data={"comment": "no rating"})
    assert (missing.status_code, "Choose a number from 1 to 5" in missing.text) == (422, True)
    assert "no rating</textarea>" in missing.text
    sent = await service.customer.post(link, data={"rating": "2", "comment": "<b>slow</b>\r\nand late"})
    assert (sent.status_code, sent.headers["Location"]) == (303, link)
    rated = await service.customer.get(link)
    assert "You gave us 2 of 5." in rated.text
    assert "slow" not in rated.text  # whoever has the link later reads no words of the customer's
    german = await service.customer.post(f"{link}?lang=de", data={"rating": "3"})
    assert german.headers["Location"] == f"{link}?lang=de"
    assert "Danke für Ihre Bewertung." in (await service.customer.get(german.headers["Location"])).text

    async with service.services.database.connection() as connection:
        await connection.execute("update surveys set rated_at = now() - interval '25 hours'")
    late = await service.customer.post(link, data={"rating": "5"})
    assert (late.status_code, words()["en"]["closed"] in late.text) == (409, True)
    assert (await service.services.surveys.find(survey_id)).rating == 3


async def test_a_link_that_is_none_of_ours_shows_nothing(service: Service) -> None:
    theirs = SurveyLinks(b"x" * 32, "https://help.example/")
    forged = theirs.sign(UUID(int=5))
    assert theirs.link(UUID(int=5)) == f"https://help.example/feedback/{forged}"
    for token in (forged, "nonsense", "A" * 500, "ä"):
        page = await service.customer.get(f"/feedback/{token}")
        assert (page.status_code, "This page does not exist" in page.text) == (404, True)
        assert (await service.customer.post(f"/feedback/{token}", data={"rating": "5"})).status_code == 404
    ours = service.services.survey_links
    assert (await service.customer.get(f"/feedback/{ours.sign(UUID(int=5))}")).status_code == 404
