"""Who resolves a case, how sure that is, and that a crash or a newer message can't split it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from api.jobs import life_jobs
from channels.web import CHAT
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.schedule import Reign
from skills.errors import ConflictError, LeaseLostError, NotFoundError
from tests.core import Core
from tests.living import (
    EMAIL,
    HELPED,
    HOUR,
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
from tests.trivial import Gate
from tests.working import Hints


@pytest.fixture
def core(database: Database, keyring: Keyring) -> Core:
    return living(database, keyring)


async def test_a_customer_who_says_that_it_is_solved_resolves_their_case_in_the_commit_of_that_turn(core: Core) -> None:
    receipt = await answered(core)
    await core.write("talk", HELPED)
    await core.work(receipt.case_id)
    assert await end_of(core, receipt.case_id) == ("resolved", "customer", "confirmed", 1)
    assert await events(core, receipt.case_id) == ["case.resolved"]
    await delivered(core)
    assert len([line for line in await core.said("talk") if line.startswith("agent")]) == 2


@pytest.mark.parametrize("text", ["thanks", "ok", "that solved it, but what about the refund?"])
async def test_thanks_alone_or_with_a_but_resolves_nothing(core: Core, text: str) -> None:
    receipt = await answered(core)
    await core.write("talk", text)
    await core.work(receipt.case_id)
    assert (await case_of(core, receipt.case_id))["status"] == "open"


async def test_a_rule_that_asks_for_a_person_comes_before_the_customers_word(core: Core) -> None:
    receipt = await answered(core)
    await core.write("talk", HELPED)
    await core.write("talk", "a person please")
    await core.work(receipt.case_id)
    assert (await case_of(core, receipt.case_id))["status"] == "open"


async def test_a_newer_message_before_the_commit_is_answered_and_the_case_stays_open(
    database: Database, keyring: Keyring
) -> None:
    gate = Gate()
    core = living(database, keyring, gate=gate)
    receipt = await answered(core)
    lease_and_turn = [await core.write("talk", HELPED)]
    lease = await core.claim(receipt.case_id)
    work = await core.ledger.load(lease)
    assert work is not None
    outcome = await core.handler.run(work)
    lease_and_turn.append(await core.write("talk", "one more thing: where is it?"))
    assert await core.ledger.commit(work, outcome, may_supersede=True) == "superseded"
    assert (await case_of(core, receipt.case_id))["status"] == "open"
    # The last run is not superseded; but what still waits keeps the case open.
    assert await core.ledger.commit(work, outcome, may_supersede=False) == "committed"
    assert (await case_of(core, receipt.case_id))["status"] == "open"
    await core.work(receipt.case_id)
    states = await core.rows("select state from messages where direction = 'in'")
    assert {row["state"] for row in states} == {"handled"}


async def test_a_turn_that_lost_its_lease_resolves_nothing(core: Core) -> None:
    receipt = await answered(core)
    await core.write("talk", HELPED)
    lease = await core.claim(receipt.case_id)
    work = await core.ledger.load(lease)
    assert work is not None
    outcome = await core.handler.run(work)
    await core.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    await core.claim(receipt.case_id)
    with pytest.raises(LeaseLostError):
        await core.ledger.commit(work, outcome, may_supersede=True)
    assert (await case_of(core, receipt.case_id))["status"] == "open"
    assert await core.rows("select from surveys") == []


async def test_a_yes_to_our_question_ends_the_case_by_the_agents_doing(core: Core) -> None:
    receipt = await answered(core, channel=WHATSAPP)
    await time_passes(core, 2 * HOUR)
    assert (await core.lives.look()).asked == 1
    await delivered(core)
    await core.write("talk", "yes, thank you", channel=WHATSAPP)
    await core.work(receipt.case_id)
    assert await end_of(core, receipt.case_id) == ("resolved", "agent", "confirmed", 1)


async def test_a_no_to_our_question_leaves_the_case_open(core: Core) -> None:
    receipt = await answered(core, channel=WHATSAPP)
    await time_passes(core, 2 * HOUR)
    await core.lives.look()
    await delivered(core)
    await core.write("talk", "no", channel=WHATSAPP)
    await core.work(receipt.case_id)
    assert (await case_of(core, receipt.case_id))["status"] == "open"


async def test_whether_it_helped_is_asked_once_after_an_answer_that_rests_on_articles(core: Core) -> None:
    receipt = await answered(core, channel=WHATSAPP)
    chatting = await answered(core, "other talk", "just chatting", channel=WHATSAPP)
    await time_passes(core, 2 * HOUR)
    both = await asyncio.gather(core.lives.look(), core.lives.look())
    assert sum(looked.asked for looked in both) == 1
    assert await texts(core, receipt.case_id, "follow_up") == ["Did this help? Please answer yes or no."]
    assert await texts(core, chatting.case_id, "follow_up") == []
    await delivered(core)
    await time_passes(core, 2 * HOUR)
    assert (await core.lives.look()).asked == 0


async def test_nobody_is_asked_once_the_window_is_closed_or_on_a_channel_that_has_no_such_text(core: Core) -> None:
    receipt, mail = await answered(core, channel=WHATSAPP), await answered(core, "mail", channel=EMAIL)
    await time_passes(core, 25 * HOUR)
    looked = await core.lives.look()
    assert (looked.asked, looked.closed) == (0, 0)
    for case_id in (receipt.case_id, mail.case_id):
        assert await texts(core, case_id, "follow_up") == []


@pytest.mark.parametrize("who", ["a person owns it", "a person is asked", "something waits"])
async def test_nobody_is_asked_and_nothing_closed_while_somebody_is_at_it(core: Core, who: str) -> None:
    receipt = await answered(core)
    match who:
        case "a person owns it":
            await core.cases.take_over(receipt.case_id, "kim")
        case "a person is asked":
            await core.write("talk", "a person please")
            await core.work(receipt.case_id)
        case _:
            await core.write("talk", "one more thing")
    await time_passes(core, 24 * HOUR * 365)
    looked = await core.lives.look()
    assert (looked.asked, looked.closed) == (0, 0)
    assert (await case_of(core, receipt.case_id))["status"] == "open"


async def test_silence_closes_a_case_that_is_answered_as_assumed(core: Core) -> None:
    receipt = await answered(core)
    await time_passes(core, 23 * HOUR)
    assert (await core.lives.look()).closed == 0
    await time_passes(core, HOUR)
    both = await asyncio.gather(core.lives.look(), core.lives.look())
    assert sum(looked.closed for looked in both) == 1
    assert await end_of(core, receipt.case_id) == ("resolved", "silence", "assumed", 1)
    assert await events(core, receipt.case_id) == ["case.resolved"]


async def test_an_answer_that_never_arrived_is_no_reason_to_close(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    await core.work(receipt.case_id)
    (delivery,) = await core.outbox.claim(1)
    await core.outbox.lost(delivery, "failed", "no such address")
    await time_passes(core, 48 * HOUR)
    assert (await core.lives.look()).closed == 0


async def test_a_case_that_a_person_answered_is_closed_after_a_week_and_one_they_have_not_never(core: Core) -> None:
    receipt, other = await answered(core), await answered(core, "other talk")
    await taken_over_and_answered(core, receipt.case_id)
    await core.cases.take_over(other.case_id, "kim")
    await time_passes(core, 168 * HOUR)
    assert (await core.lives.look()).closed == 1
    assert await end_of(core, receipt.case_id) == ("resolved", "silence", "assumed", 1)
    assert (await case_of(core, receipt.case_id))["owner"] == "agent"
    assert (await case_of(core, other.case_id))["status"] == "open"


async def test_a_message_at_the_very_moment_of_closing_is_never_lost(core: Core) -> None:
    for round_ in range(5):
        thread = f"talk {round_}"
        receipt = await answered(core, thread)
        await time_passes(core, 24 * HOUR)
        later, _ = await asyncio.gather(core.write(thread, "are you there?"), core.lives.look())
        assert later.case_id == receipt.case_id
        case = await case_of(core, receipt.case_id)
        assert case["status"] == "open"
        await core.work(receipt.case_id)
        await delivered(core)


async def test_a_person_says_whether_the_customer_confirmed_it(core: Core) -> None:
    for confirmed, certainty in ((True, "confirmed"), (False, "assumed")):
        receipt = await answered(core, certainty)
        await core.cases.resolve(receipt.case_id, "kim", confirmed=confirmed)
        assert await end_of(core, receipt.case_id) == ("resolved", "person", certainty, 1)
        read = await core.cases.read(receipt.case_id, reader="lee")
        assert (read.resolved_by, read.resolved_by_name, read.resolution) == ("person", "kim", certainty)


async def test_the_button_resolves_once_however_often_it_is_pressed(core: Core) -> None:
    receipt = await answered(core)
    await asyncio.gather(*(core.lives.helped([CHAT], "talk", helped=True) for _ in range(5)))
    assert await end_of(core, receipt.case_id) == ("resolved", "customer", "confirmed", 1)
    assert await events(core, receipt.case_id) == ["case.resolved"]
    assert len(await core.rows("select from surveys")) == 1


async def test_the_button_waits_for_an_answer_that_is_being_written(core: Core) -> None:
    await answered(core)
    await core.write("talk", "one more thing")
    with pytest.raises(ConflictError, match="worked on"):
        await core.lives.helped([CHAT], "talk", helped=True)
    with pytest.raises(NotFoundError):
        await core.lives.helped([CHAT], "nobody's talk", helped=True)


async def test_the_no_button_offers_a_person_once_in_the_customers_language(core: Core) -> None:
    receipt = await answered(core)
    await core.rows("update cases set language = 'de' returning 1")
    for _ in range(2):
        await core.lives.helped([CHAT], "talk", helped=False)
    await delivered(core)
    offers = [line for line in await core.said("talk") if "mit einem Menschen sprechen" in line]
    assert len(offers) == 1
    assert (await case_of(core, receipt.case_id))["status"] == "open"


async def test_no_after_yes_opens_the_case_again(core: Core) -> None:
    receipt = await answered(core)
    await core.lives.helped([CHAT], "talk", helped=True)
    await core.lives.helped([CHAT], "talk", helped=False)
    assert await end_of(core, receipt.case_id) == ("open", None, None, 2)
    await core.lives.helped([CHAT], "talk", helped=True)
    assert await end_of(core, receipt.case_id) == ("resolved", "customer", "confirmed", 2)


async def test_a_no_long_after_the_end_is_a_new_matter(core: Core) -> None:
    await answered(core)
    await core.lives.helped([CHAT], "talk", helped=True)
    await time_passes(core, 24 * 15 * HOUR)
    with pytest.raises(ConflictError, match="long ago"):
        await core.lives.helped([CHAT], "talk", helped=False)


async def test_a_customer_may_say_that_what_a_person_did_is_settled(core: Core) -> None:
    receipt = await answered(core)
    await taken_over_and_answered(core, receipt.case_id)
    await core.lives.helped([CHAT], "talk", helped=False)  # a person is at it: they will read what follows
    assert (await case_of(core, receipt.case_id))["owner"] == "human"
    await core.lives.helped([CHAT], "talk", helped=True)
    assert await end_of(core, receipt.case_id) == ("resolved", "customer", "confirmed", 1)


async def test_handing_back_is_said_once_and_only_to_who_has_met_a_person(core: Core) -> None:
    receipt = await answered(core)
    await core.cases.take_over(receipt.case_id, "kim")
    await core.cases.hand_back(receipt.case_id, "kim")
    assert await texts(core, receipt.case_id, "hand_back") == []
    await taken_over_and_answered(core, receipt.case_id)
    await core.cases.hand_back(receipt.case_id, "kim")
    await core.cases.take_over(receipt.case_id, "kim")
    await core.cases.hand_back(receipt.case_id, "kim")
    said = await texts(core, receipt.case_id, "hand_back")
    assert [text.partition(".")[0] for text in said] == ["Our automated assistant answers here again"]
    with pytest.raises(ConflictError):
        await core.cases.hand_back(receipt.case_id, "kim")


async def test_the_schedulers_jobs_ask_and_close_and_wake_the_sender_when_there_is_something_to_say(core: Core) -> None:
    hints = Hints()
    look, ask = life_jobs(core.lives, core.surveys, hints)
    reign = cast("Reign", None)  # neither job deletes anything
    assert (await look.run(reign)).counts == {"asked": 0, "closed": 0}
    assert (await ask.run(reign)).counts == {"asked": 0}
    assert not hints.for_sender.is_set()
    await answered(core, channel=WHATSAPP)
    mail = await answered(core, "mail", channel=EMAIL)
    await core.cases.resolve(mail.case_id, "kim")
    await time_passes(core, 2 * HOUR)
    assert (await look.run(reign)).counts == {"asked": 1, "closed": 0}
    assert hints.for_sender.is_set()
    hints.for_sender.clear()
    assert (await ask.run(reign)).counts == {"asked": 1}
    assert hints.for_sender.is_set()


async def test_an_erased_customer_is_asked_nothing_and_the_case_rests(core: Core) -> None:
    receipt, mail = await answered(core, channel=WHATSAPP), await answered(core, "mail", channel=EMAIL)
    await core.cases.resolve(mail.case_id, "kim")
    await core.rows("update customer_keys set wrapped = null, destroyed_at = now() returning 1")
    await time_passes(core, 2 * HOUR)
    await core.lives.look()
    assert await core.surveys.ask() == 0
    kinds = await core.rows("select kind from outbox where kind <> 'reply'")
    assert kinds == []
    (survey,) = await core.rows("select withdrawn from surveys")
    assert survey["withdrawn"] == "erased"
    assert await core.rows("select from case_work where case_id = %s and look_at is not null", receipt.case_id) == []
