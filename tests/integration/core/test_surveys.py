"""How it was: asked once for every end of a case, where the channel allows it, answered once, changed for a day."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.web import CHAT
from graph.review import make_decision
from infra.crypto.keyring import Keyring
from infra.postgres.conversations import Asks
from infra.postgres.database import Database
from infra.postgres.life import SurveyTerms
from skills.errors import BadRequestError, ConflictError, InvalidMessageError, NotFoundError
from skills.turn import CaseId, ChannelName
from tests.core import Core
from tests.living import (
    EMAIL,
    HELPED,
    HOUR,
    LIFE,
    WHATSAPP,
    answered,
    case_of,
    delivered,
    end_of,
    events,
    living,
    taken_over_and_answered,
    texts,
    time_passes,
)

MINUTES = timedelta(minutes=6)


@pytest.fixture
def core(database: Database, keyring: Keyring) -> Core:
    return living(database, keyring)


async def ended(core: Core, *, channel: ChannelName = CHAT, thread: str = "talk") -> CaseId:
    receipt = await answered(core, thread, channel=channel)
    await core.cases.resolve(receipt.case_id, "kim")
    return receipt.case_id


async def asked(core: Core, *, channel: ChannelName) -> CaseId:
    """A case that ended, and whose survey is with the customer."""
    case_id = await ended(core, channel=channel)
    await time_passes(core, MINUTES)
    assert await core.surveys.ask() == 1
    await delivered(core)
    return case_id


async def survey_of(core: Core, case_id: CaseId) -> dict[str, Any]:
    (row,) = await core.rows(
        "select * from surveys where case_id = %s order by resolution_number desc limit 1", case_id
    )
    return row


async def asks(core: Core, thread: str = "talk") -> Asks | None:
    return (await core.conversations.view(CHAT, thread)).asks


async def test_a_page_asks_whether_it_helped_then_how_it_was_and_then_nothing(core: Core) -> None:
    await core.write("talk", "how long does it take?")
    assert await asks(core) is None
    receipt = await answered(core, text="and what does it cost?")
    assert await asks(core) == "helped"
    await core.lives.helped([CHAT], "talk", helped=True)
    assert await asks(core) == "survey"
    await core.surveys.rate(await core.surveys.of_page([CHAT], "talk"), 5)
    assert await asks(core) is None
    assert (await survey_of(core, receipt.case_id))["rating"] == 5


async def test_a_page_does_not_ask_whether_small_talk_or_a_person_helped(core: Core) -> None:
    receipt = await answered(core, text="just chatting")
    assert await asks(core) is None
    await taken_over_and_answered(core, receipt.case_id)
    assert await asks(core) is None


async def test_a_survey_of_an_end_that_was_none_is_not_asked_any_more(core: Core) -> None:
    case_id = await ended(core)
    assert await asks(core) == "survey"
    await core.write("talk", "it broke again")
    await core.work(case_id)
    await delivered(core)
    assert await asks(core) == "helped"
    assert (await survey_of(core, case_id))["withdrawn"] == "reopened"
    await core.lives.helped([CHAT], "talk", helped=True)
    survey = await survey_of(core, case_id)
    assert (survey["resolution_number"], survey["withdrawn"]) == (2, None)
    await core.write("talk", "once more")
    with pytest.raises(ConflictError, match="nobody asked"):
        await core.surveys.of_page([CHAT], "talk")


async def test_a_turn_that_resolves_its_case_makes_the_survey_with_it(core: Core) -> None:
    receipt = await answered(core)
    await core.write("talk", HELPED)
    await core.work(receipt.case_id)
    assert (await survey_of(core, receipt.case_id))["answered_by"] == "agent"


async def test_who_answered_is_kept_with_the_survey(core: Core) -> None:
    by_both = await answered(core, "both")
    await taken_over_and_answered(core, by_both.case_id)
    await core.cases.resolve(by_both.case_id, "kim")
    by_person = await core.write("person", "a person please")
    await core.work(by_person.case_id)
    (queued,) = await core.reviews.queue()
    read = await core.reviews.read(queued.id, reader="kim")
    decision = make_decision(action="answer", reviewer="kim", text="Kim here.")
    await core.reviews.decide(read.id, decision, seen=read.version)
    await core.work(by_person.case_id)
    await core.cases.resolve(by_person.case_id, "kim")
    assert (await survey_of(core, by_both.case_id))["answered_by"] == "both"
    assert (await survey_of(core, by_person.case_id))["answered_by"] == "person"


async def test_an_offer_of_a_person_is_nobodys_answer(core: Core) -> None:
    receipt = await answered(core)
    await core.lives.helped([CHAT], "talk", helped=False)
    await delivered(core)
    await core.lives.helped([CHAT], "talk", helped=True)
    assert (await survey_of(core, receipt.case_id))["answered_by"] == "agent"


@pytest.mark.parametrize("why", ["only a note", "given up", "a machine", "so soon", "switched off"])
async def test_nobody_is_asked_where_there_is_nothing_to_ask_about(
    database: Database, keyring: Keyring, why: str
) -> None:
    terms = SurveyTerms() if why == "switched off" else LIFE.surveys
    core = living(database, keyring, life=replace(LIFE, surveys=terms))
    receipt = await answered(core, text="a person please" if why == "only a note" else "how long?")
    match why:
        case "only a note":
            (queued,) = await core.reviews.queue()
            read = await core.reviews.read(queued.id, reader="kim")
            await core.reviews.decide(read.id, make_decision(action="take_over", reviewer="kim"), seen=read.version)
            await core.work(receipt.case_id)
        case "given up":
            await core.write("talk", "fail")
            await core.dead_letters.bury(await core.claim(receipt.case_id), "ValueError")
        case "a machine":
            await core.rows("update turns set rules = '{loop}' returning 1")
        case "so soon":
            await core.lives.helped([CHAT], "talk", helped=True)
            await core.surveys.rate(await core.surveys.of_page([CHAT], "talk"), 4)
            await core.write("talk", "and what else?")
            await core.work(receipt.case_id)
            await delivered(core)
    await core.cases.resolve(receipt.case_id, "kim")
    rows = await core.rows("select resolution_number from surveys")
    assert [row["resolution_number"] for row in rows] == ([1] if why == "so soon" else [])


async def test_by_mail_a_text_with_a_link_asks_once_in_the_customers_language(core: Core) -> None:
    case_id = await ended(core, channel=EMAIL)
    await core.rows("update cases set language = 'fr' returning 1")
    assert await core.surveys.ask() == 0
    await time_passes(core, MINUTES)
    assert sum(await asyncio.gather(core.surveys.ask(), core.surveys.ask())) == 1
    survey = await survey_of(core, case_id)
    (said,) = await texts(core, case_id, "survey")
    assert said.startswith("Comment était notre aide ?")
    assert said.endswith(f"https://help.example/{survey['id']}")
    assert await events(core, case_id, "survey.%") == ["survey.asked"]
    assert (await case_of(core, case_id))["status"] == "resolved"
    await time_passes(core, MINUTES)
    assert await core.surveys.ask() == 0


async def test_what_was_reopened_before_it_was_asked_about_is_not_asked_about(core: Core) -> None:
    case_id = await ended(core, channel=EMAIL)
    await time_passes(core, MINUTES)
    await core.write("talk", "it broke again", channel=EMAIL)
    assert await core.surveys.ask() == 0
    assert (await survey_of(core, case_id))["withdrawn"] == "reopened"


async def test_on_whatsapp_nobody_is_asked_outside_the_window(core: Core) -> None:
    case_id = await ended(core, channel=WHATSAPP)
    await time_passes(core, 24 * HOUR)
    assert await core.surveys.ask() == 0
    assert (await survey_of(core, case_id))["withdrawn"] == "window_closed"
    assert await texts(core, case_id, "survey") == []


@pytest.mark.parametrize(("text", "rating"), [("4", 4), ("5\ufe0f\u20e3", 5), ("3/5", 3)])
async def test_on_whatsapp_a_bare_number_is_the_rating_and_nothing_else(core: Core, text: str, rating: int) -> None:
    case_id = await asked(core, channel=WHATSAPP)
    receipt = await core.write("talk", text, channel=WHATSAPP)
    assert (receipt.case_id, receipt.waits) == (case_id, False)
    assert (await survey_of(core, case_id))["rating"] == rating
    assert await end_of(core, case_id) == ("resolved", "person", "assumed", 1)
    assert await core.leases.claim_due(10) == []
    assert await events(core, case_id, "survey.%") == ["survey.asked", "survey.rated"]


async def test_a_number_that_comes_twice_is_one_rating_and_another_one_changes_it(core: Core) -> None:
    case_id = await asked(core, channel=WHATSAPP)
    for _ in range(3):
        await core.write("talk", "2", channel=WHATSAPP, key="the rating")
    assert (await survey_of(core, case_id))["changes"] == 0
    await core.write("talk", "3", channel=WHATSAPP)
    survey = await survey_of(core, case_id)
    assert (survey["rating"], survey["changes"]) == (3, 1)


async def test_ten_ratings_at_once_are_kept_as_messages_and_count_as_one(core: Core) -> None:
    case_id = await asked(core, channel=WHATSAPP)
    receipts = await asyncio.gather(*(core.write("talk", "5", channel=WHATSAPP) for _ in range(10)))
    assert {(receipt.case_id, receipt.waits) for receipt in receipts} == {(case_id, False)}
    assert (await survey_of(core, case_id))["rating"] == 5
    assert len(await core.rows("select from surveys where rating is not null")) == 1


@pytest.mark.parametrize("how", ["in words", "too late", "after another text", "never asked", "on a chat"])
async def test_anything_else_is_an_ordinary_message(core: Core, how: str) -> None:
    channel, text = (CHAT if how == "on a chat" else WHATSAPP), "I bought 4" if how == "in words" else "4"
    if how in {"never asked", "on a chat"}:
        case_id = await ended(core, channel=channel)
    else:
        case_id = await asked(core, channel=channel)
    if how == "too late":
        await time_passes(core, 48 * HOUR)
    if how == "after another text":
        await core.write("talk", "how many do I need?", channel=channel)
        await core.work(case_id)
        await delivered(core)
    receipt = await core.write("talk", text, channel=channel)
    assert receipt.waits
    assert (await survey_of(core, case_id))["rating"] is None


async def test_a_number_behind_a_question_that_nobody_has_answered_is_no_rating(core: Core) -> None:
    case_id = await asked(core, channel=WHATSAPP)
    await core.write("talk", "how many may I send back? I have", channel=WHATSAPP)
    receipt = await core.write("talk", "3", channel=WHATSAPP)
    assert receipt.waits
    assert (await survey_of(core, case_id))["rating"] is None


async def test_who_wants_nothing_sent_is_not_asked(core: Core) -> None:
    case_id = await ended(core, channel=WHATSAPP)
    await time_passes(core, MINUTES)
    await core.rows("update identities set opted_out_at = now() returning 1")
    assert await core.surveys.ask() == 0
    assert (await survey_of(core, case_id))["withdrawn"] == "opted_out"
    assert await texts(core, case_id, "survey") == []


async def test_a_rating_can_be_changed_for_a_day_and_its_comment_is_sealed(core: Core) -> None:
    case_id = await ended(core)
    survey_id = UUID(str((await survey_of(core, case_id))["id"]))
    await core.surveys.rate(survey_id, 2, " too slow ")
    await core.surveys.rate(survey_id, 4)
    await time_passes(core, 23 * HOUR)
    await core.surveys.rate(survey_id, 5)
    survey = await survey_of(core, case_id)
    assert (survey["rating"], survey["changes"]) == (5, 2)
    assert b"slow" not in bytes(survey["comment_sealed"])
    read = (await core.cases.read(case_id, reader="kim")).survey
    assert read is not None
    assert (read.rating, read.comment, read.answered_by) == (5, "too slow", "agent")
    await time_passes(core, HOUR)
    with pytest.raises(ConflictError, match="already"):
        await core.surveys.rate(survey_id, 1)
    assert (await core.surveys.find(survey_id)).too_late
    data = await core.rows("select data::text from events where kind = 'survey.rated'")
    assert len(data) == 3
    assert all("slow" not in row["data"] for row in data)


async def test_what_is_no_rating_is_refused(core: Core) -> None:
    case_id = await ended(core)
    survey_id = UUID(str((await survey_of(core, case_id))["id"]))
    for rating, comment, error in (
        (0, None, BadRequestError),
        (6, None, BadRequestError),
        (3, "x" * 2_001, BadRequestError),
        (3, "a\0b", InvalidMessageError),
    ):
        with pytest.raises(error):
            await core.surveys.rate(survey_id, rating, comment)
    for unknown in (core.surveys.rate(uuid4(), 3), core.surveys.of_page([CHAT], "nobody's")):
        with pytest.raises(NotFoundError):
            await unknown
    assert (await survey_of(core, case_id))["rating"] is None
