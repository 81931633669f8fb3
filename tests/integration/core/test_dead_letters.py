"""What a person makes of a dead letter: reads it, lets the agent try again, or puts it away."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from graph.review import make_decision
from infra.postgres.housekeeping import Housekeeping
from skills.errors import BadRequestError, ConflictError, InvalidMessageError, NotFoundError
from skills.turn import CaseId
from tests.core import Core
from tests.working import work_row


async def buried(core: Core, thread: str = "talk", text: str = "hello") -> tuple[CaseId, UUID]:
    """A message that was given up, and its dead letter."""
    receipt = await core.write(thread, text)
    await core.dead_letters.bury(await core.claim(receipt.case_id), "ValueError")
    await core.deliver()
    letter = next(letter for letter in await core.dead_letters.open() if letter.case_id == receipt.case_id)
    return receipt.case_id, letter.id


async def letter_row(core: Core, letter_id: UUID) -> dict[str, Any]:
    (row,) = await core.rows("select * from dead_letters where id = %s", letter_id)
    return row


async def test_the_open_ones_are_listed_oldest_first_with_error_attempts_and_number_of_messages(core: Core) -> None:
    await core.write("other", "one more")
    first, _ = await buried(core, "talk")
    await core.write("other", "and another")
    (other,) = await core.rows("select case_id from case_work where due_at is not null")
    await core.dead_letters.bury(await core.claim(other["case_id"]), "TypeError")
    letters = await core.dead_letters.open()
    assert [(letter.case_id, letter.error, letter.attempts, letter.messages) for letter in letters] == [
        (first, "ValueError", 1, 1),
        (other["case_id"], "TypeError", 1, 2),
    ]
    assert await core.dead_letters.count_open() == 2


async def test_a_dead_letter_shows_the_messages_and_what_the_customer_was_told_and_its_reader_is_written_down(
    core: Core,
) -> None:
    case_id, letter_id = await buried(core)
    await core.write("talk", "anybody there?")
    read = await core.dead_letters.read(letter_id, reader="kim")
    assert [message.text for message in read.messages] == ["hello"]
    assert read.told is not None
    assert (read.told.text, read.told.delivery) == ("It went wrong.", "sent")
    assert [message.text for message in read.transcript] == ["hello", "It went wrong.", "anybody there?"]
    assert (read.error, read.attempts, read.case_status, read.owner) == ("ValueError", 1, "open", "human")
    (event,) = await core.rows("select actor, case_id, data from events where kind = 'dead_letter.read'")
    assert event == {"actor": "kim", "case_id": case_id, "data": {"dead_letter_id": str(letter_id)}}


async def test_a_retry_answers_the_message_and_what_was_written_since_in_one_turn(core: Core) -> None:
    case_id, letter_id = await buried(core)
    await core.write("talk", "anybody there?")
    (dead_turn,) = await core.rows("select turn_id from dead_letters")
    assert await core.dead_letters.retry(letter_id, "kim") == case_id
    work = await work_row(core, case_id)
    assert (work["attempts"], work["ripe"], work["leased"]) == (0, True, False)
    assert await core.dead_letters.open() == []
    await core.work(case_id)
    await core.deliver()
    assert (await core.said("talk"))[-1] == "agent: echo: hello | anybody there?"
    (turn,) = await core.rows("select id, status from turns")
    assert turn["status"] == "done"
    assert turn["id"] != dead_turn["turn_id"]
    (case,) = await core.rows("select owner, owner_name from cases")
    assert case == {"owner": "agent", "owner_name": None}
    (event,) = await core.rows("select actor, data ->> 'error' as error from events where kind = 'dead_letter.retried'")
    assert event == {"actor": "kim", "error": "ValueError"}


async def test_a_retry_that_fails_again_is_a_dead_letter_again_and_the_customer_is_told_again(core: Core) -> None:
    case_id, letter_id = await buried(core)
    await core.dead_letters.retry(letter_id, "kim")
    await core.dead_letters.bury(await core.claim(case_id), "ValueError")
    await core.deliver()
    (again,) = await core.dead_letters.open()
    assert again.id != letter_id
    assert (await core.said("talk"))[1:] == ["system: It went wrong.", "system: It went wrong."]


async def test_five_retries_at_once_are_one(core: Core) -> None:
    case_id, letter_id = await buried(core)
    assert await asyncio.gather(*(core.dead_letters.retry(letter_id, "kim") for _ in range(5))) == [case_id] * 5
    assert len(await core.rows("select 1 from events where kind = 'dead_letter.retried'")) == 1
    await core.work(case_id)
    assert await core.dead_letters.retry(letter_id, "kim") == case_id
    assert not (await work_row(core, case_id))["due"]


async def test_a_retry_of_a_turn_that_had_paused_answers_it_afresh(core: Core) -> None:
    receipt = await core.write("talk", "a person please")
    await core.work(receipt.case_id)
    (queued,) = await core.reviews.queue()
    read = await core.reviews.read(queued.id, reader="kim")
    await core.reviews.decide(read.id, make_decision(action="approve", reviewer="kim"), seen=read.version)
    await core.dead_letters.bury(await core.claim(receipt.case_id), "ValueError")
    (letter,) = await core.dead_letters.open()
    await core.dead_letters.retry(letter.id, "kim")
    await core.work(receipt.case_id)
    (again,) = await core.reviews.queue()
    assert again.id != queued.id


async def answered_by_kim(core: Core, case_id: CaseId) -> None:
    await core.cases.take_over(case_id, "kim")
    await core.cases.write(case_id, "kim", "I am on it.", intent_id=uuid4())


async def resolved(core: Core, case_id: CaseId) -> None:
    await core.cases.resolve(case_id, "kim")


async def taken_by_lee(core: Core, case_id: CaseId) -> None:
    await core.cases.take_over(case_id, "lee")


async def under_review(core: Core, case_id: CaseId) -> None:
    await core.cases.hand_back(case_id, "kim")
    await core.write("talk", "a person please")
    await core.work(case_id)


async def erased(core: Core, _case_id: CaseId) -> None:
    await core.rows("update customer_keys set wrapped = null, destroyed_at = now() returning 1")


async def discarded(core: Core, _case_id: CaseId) -> None:
    (letter,) = await core.dead_letters.open()
    await core.dead_letters.discard(letter.id, "kim", "spam")


@pytest.mark.parametrize(
    ("meanwhile", "message"),
    [
        (answered_by_kim, "a person has answered meanwhile"),
        (resolved, "its case is resolved"),
        (taken_by_lee, "lee has this case"),
        (under_review, "a person decides in this case"),
        (erased, "the customer was erased"),
        (discarded, "this was discarded already"),
    ],
)
async def test_a_retry_is_refused_and_changes_nothing_when(core: Core, meanwhile: Any, message: str) -> None:
    case_id, letter_id = await buried(core)
    await meanwhile(core, case_id)
    states = await core.rows("select id, state from messages order by sequence")
    with pytest.raises(ConflictError, match=message) as refused:
        await core.dead_letters.retry(letter_id, "kim")
    assert refused.value.hint
    assert "case_status" in refused.value.changes
    assert await core.rows("select id, state from messages order by sequence") == states
    assert await core.rows("select 1 from events where kind = 'dead_letter.retried'") == []


async def test_a_worker_that_still_holds_the_case_writes_nothing_after_a_retry(core: Core) -> None:
    case_id, letter_id = await buried(core)
    await core.cases.hand_back(case_id, "kim")
    await core.write("talk", "and this")
    old = await core.claim(case_id)
    await core.dead_letters.retry(letter_id, "kim")
    assert not await core.leases.renew(old)
    await core.work(case_id)
    await core.deliver()
    assert (await core.said("talk"))[-1] == "agent: echo: hello | and this"


async def test_discarding_keeps_the_reason_sealed_and_leaves_the_case_with_the_people(core: Core) -> None:
    case_id, letter_id = await buried(core)
    for _ in range(2):
        assert await core.dead_letters.discard(letter_id, "kim", "answered by telephone") == case_id
    assert await core.dead_letters.open() == []
    row = await letter_row(core, letter_id)
    assert (row["resolution"], row["resolved_by"]) == ("discarded", "kim")
    assert b"telephone" not in row["reason_sealed"]
    assert (await core.dead_letters.read(letter_id, reader="lee")).reason == "answered by telephone"
    (owned,) = await core.cases.owned_by_people()
    assert owned.id == case_id
    (event,) = await core.rows("select actor, data from events where kind = 'dead_letter.discarded'")
    assert event == {"actor": "kim", "data": {"dead_letter_id": str(letter_id), "error": "ValueError"}}


@pytest.mark.parametrize(
    ("reason", "error"),
    [("", BadRequestError), (" ", BadRequestError), ("x" * 2001, BadRequestError), ("a\x00b", InvalidMessageError)],
)
async def test_discarding_needs_a_reason_that_can_be_kept(core: Core, reason: str, error: type[Exception]) -> None:
    _, letter_id = await buried(core)
    with pytest.raises(error):
        await core.dead_letters.discard(letter_id, "kim", reason)
    assert len(await core.dead_letters.open()) == 1


async def test_what_was_retried_is_not_discarded(core: Core) -> None:
    _, letter_id = await buried(core)
    await core.dead_letters.retry(letter_id, "kim")
    with pytest.raises(ConflictError, match="retried already"):
        await core.dead_letters.discard(letter_id, "kim", "too late")


async def test_of_an_erased_customer_a_dead_letter_shows_codes_only_and_keeps_no_reason(core: Core) -> None:
    case_id, letter_id = await buried(core)
    await erased(core, case_id)
    await core.dead_letters.discard(letter_id, "kim", "erased")
    read = await core.dead_letters.read(letter_id, reader="kim")
    assert (read.messages, read.transcript, read.told, read.reason) == ((), (), None, None)
    assert (read.error, read.resolution) == ("ValueError", "discarded")


async def test_the_letters_of_a_resolved_case_are_over_and_the_scheduler_closes_them(core: Core) -> None:
    case_id, letter_id = await buried(core)
    await resolved(core, case_id)
    assert (await core.dead_letters.open(), await core.dead_letters.count_open()) == ([], 0)
    house = Housekeeping(core.database)
    assert [await house.close_dead_letters() for _ in range(2)] == [1, 0]
    assert (await letter_row(core, letter_id))["resolution"] == "case_resolved"


async def test_there_is_no_dead_letter_of_an_unknown_id(core: Core) -> None:
    for attempt in (
        core.dead_letters.read(uuid4(), reader="kim"),
        core.dead_letters.retry(uuid4(), "kim"),
        core.dead_letters.discard(uuid4(), "kim", "why not"),
    ):
        with pytest.raises(NotFoundError, match="no such dead letter"):
            await attempt
