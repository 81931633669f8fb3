"""A customer who writes again goes on in the case that was resolved, for a while; thanks alone disturb nobody."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from channels.envelope import Envelope
from channels.web import CHAT
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from skills.errors import ConflictError, NotFoundError
from skills.turn import CaseId
from tests.core import NOW, Core
from tests.living import HELPED, HOUR, LIFE, answered, case_of, delivered, end_of, events, living, time_passes


@pytest.fixture
def core(database: Database, keyring: Keyring) -> Core:
    return living(database, keyring)


async def resolved(core: Core, thread: str = "talk") -> CaseId:
    receipt = await answered(core, thread)
    await core.cases.resolve(receipt.case_id, "kim")
    return receipt.case_id


async def test_a_message_within_the_window_opens_the_case_again_and_is_answered_with_its_history(core: Core) -> None:
    case_id = await resolved(core)
    later = await core.write("talk", "it broke again")
    assert (later.case_id, later.sequence, later.waits) == (case_id, 3, True)
    assert await end_of(core, case_id) == ("open", None, None, 2)
    assert await events(core, case_id) == ["case.resolved", "case.reopened"]
    lease = await core.claim(case_id)
    work = await core.ledger.load(lease)
    assert work is not None
    assert work.turn is not None
    assert [message.author for message in work.turn.history] == ["customer", "agent"]
    await core.handler.handle(work)
    await delivered(core)
    assert (await core.said("talk"))[-1] == "agent: echo: it broke again"
    assert (await core.cases.read(case_id, reader="kim")).reopened == 1


async def test_later_a_message_opens_a_new_case(core: Core) -> None:
    case_id = await resolved(core)
    await time_passes(core, 14 * 24 * HOUR)
    later = await core.write("talk", "it broke again")
    assert later.case_id != case_id
    assert (await case_of(core, case_id))["status"] == "resolved"


async def test_where_there_is_no_window_every_message_opens_a_new_case(database: Database, keyring: Keyring) -> None:
    core = living(database, keyring, life=replace(LIFE, reopen=NOW))
    case_id = await resolved(core)
    assert (await core.write("talk", "it broke again")).case_id != case_id


async def test_ten_messages_at_once_reopen_a_case_once(core: Core) -> None:
    case_id = await resolved(core)
    receipts = await asyncio.gather(*(core.write("talk", f"again {number}") for number in range(10)))
    assert {receipt.case_id for receipt in receipts} == {case_id}
    assert sorted(receipt.sequence for receipt in receipts) == list(range(3, 13))
    assert await end_of(core, case_id) == ("open", None, None, 2)
    assert await events(core, case_id) == ["case.resolved", "case.reopened"]


async def test_a_message_that_comes_a_second_time_reopens_nothing(core: Core) -> None:
    receipt = await core.write("talk", "hello", key="the first")
    await core.work(receipt.case_id)
    await delivered(core)
    await core.cases.resolve(receipt.case_id, "kim")
    again = await core.write("talk", "hello", key="the first")
    assert (again.duplicate, again.case_id) == (True, receipt.case_id)
    assert await end_of(core, receipt.case_id) == ("resolved", "person", "assumed", 1)


@pytest.mark.parametrize("text", ["thanks", "Thank you so much!", "Danke, tschüss", "👍"])
async def test_a_mere_thank_you_is_kept_and_seen_and_starts_nothing(core: Core, text: str) -> None:
    case_id = await resolved(core)
    thanks = await core.write("talk", text)
    assert (thanks.case_id, thanks.sequence, thanks.waits) == (case_id, 3, False)
    assert await end_of(core, case_id) == ("resolved", "person", "assumed", 1)
    assert (await core.said("talk"))[-1] == f"customer: {text}"
    assert await core.leases.claim_due(10) == []
    later = await core.write("talk", "but where is it?")
    assert (later.case_id, later.sequence) == (case_id, 4)
    await core.work(case_id)


async def test_an_automatic_answer_reopens_nothing(core: Core) -> None:
    case_id = await resolved(core)
    automatic = Envelope(CHAT, "ooo", "talk", "talk", "I am away until Monday", verified=False, automatic=True)
    receipt = await core.inbox.receive(automatic, settle=NOW)
    assert (receipt.case_id, receipt.waits) == (case_id, False)
    assert (await case_of(core, case_id))["status"] == "resolved"


async def test_thanks_with_the_button_for_a_person_is_no_mere_thank_you(core: Core) -> None:
    case_id = await resolved(core)
    asked = Envelope(CHAT, "asked", "talk", "talk", "thanks", verified=False, for_person="asked")
    assert (await core.inbox.receive(asked, settle=NOW)).waits
    assert (await case_of(core, case_id))["status"] == "open"


async def test_staff_open_a_case_again_whenever_it_was_resolved_and_it_is_not_closed_at_once(core: Core) -> None:
    case_id = await resolved(core)
    await time_passes(core, 100 * 24 * HOUR)
    await core.cases.reopen(case_id, "lee")
    await core.cases.reopen(case_id, "lee")
    assert await end_of(core, case_id) == ("open", None, None, 2)
    assert (await core.lives.look()).closed == 0
    await time_passes(core, 24 * HOUR)
    assert (await core.lives.look()).closed == 1
    with pytest.raises(NotFoundError):
        await core.cases.reopen(CaseId(uuid4()), "lee")


async def test_staff_do_not_open_a_second_case_of_a_talk(core: Core) -> None:
    case_id = await resolved(core)
    await time_passes(core, 15 * 24 * HOUR)
    newer = await core.write("talk", "something else")
    with pytest.raises(ConflictError, match="another case is open"):
        await core.cases.reopen(case_id, "lee")
    assert newer.case_id != case_id


async def test_staff_and_the_customer_reopen_at_the_same_time_and_nothing_is_lost(core: Core) -> None:
    for round_ in range(5):
        case_id = await resolved(core, f"talk {round_}")
        _, receipt = await asyncio.gather(
            core.cases.reopen(case_id, "lee"), core.write(f"talk {round_}", "it broke again")
        )
        assert receipt.case_id == case_id
        assert await end_of(core, case_id) == ("open", None, None, 2)


async def test_resolving_and_writing_at_the_same_time_loses_nothing(core: Core) -> None:
    for round_ in range(5):
        thread = f"talk {round_}"
        receipt = await answered(core, thread)
        later, _ = await asyncio.gather(
            core.write(thread, "one more thing"),
            core.lives.helped([CHAT], thread, helped=True),
            return_exceptions=True,
        )
        assert not isinstance(later, BaseException)
        assert later.case_id == receipt.case_id
        assert (await case_of(core, receipt.case_id))["status"] == "open"
        await core.work(receipt.case_id)
        await delivered(core)
        assert (await core.said(thread))[-1] == "agent: echo: one more thing"


async def test_a_reopened_case_can_be_resolved_by_the_customer_again(core: Core) -> None:
    case_id = await resolved(core)
    await core.write("talk", "it broke again")
    await core.work(case_id)
    await delivered(core)
    await core.write("talk", HELPED)
    await core.work(case_id)
    assert await end_of(core, case_id) == ("resolved", "customer", "confirmed", 2)


@pytest.mark.parametrize(
    "text", ["Thanks?", "Hi Refund? thanks", "bye?", "??? 🙏", "merci ?", "¿gracias", "thanks 👎", "😡 danke"]
)
async def test_thanks_with_a_question_or_in_anger_is_no_courtesy_and_reopens(core: Core, text: str) -> None:
    receipt = await answered(core)
    await core.lives.helped([CHAT], "talk", helped=True)
    assert (await core.write("talk", text)).waits
    assert (await case_of(core, receipt.case_id))["status"] == "open"
