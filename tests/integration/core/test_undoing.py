"""Taking back what was decided or written: undone or sent, never both and never neither."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from graph.review import make_decision
from infra.crypto.keyring import Keyring
from infra.postgres.cases import ReadCase
from infra.postgres.database import Database
from infra.postgres.escalations import ReadEscalation
from infra.postgres.inbox import Receipt
from infra.postgres.undoing import Undoing
from skills.errors import ConflictError, NotFoundError
from skills.turn import MessageId
from tests.core import Core, make_core
from tests.crossing import crossing, paused
from tests.integration.core.test_files import PICTURE
from tests.integration.core.test_review import HANDOFF, escalated

WINDOW, FOREVER = timedelta(hours=1), timedelta(minutes=15)
ASKED = ["customer: a person please", HANDOFF]


def undoing(core: Core) -> Undoing:
    return Undoing(core.database, hold=FOREVER)


async def decide(core: Core, read: ReadEscalation, action: str, *, undo: timedelta = WINDOW) -> None:
    text = "My own words." if action in {"edit", "answer"} else None
    decision = make_decision(action=action, reviewer="kim", text=text)
    along = (PICTURE,) if text else ()
    await core.reviews.decide(read.id, decision, seen=read.version, undo=undo, files=along)


async def files(core: Core) -> list[dict[str, Any]]:
    return await core.rows("select id from message_files")


async def time_is_up(core: Core) -> None:
    async with core.database.connection() as connection:
        await connection.execute("update case_work set due_at = now() where due_at is not null")
        await connection.execute("update outbox set due_at = now()")


@pytest.mark.parametrize("action", ["approve", "edit", "answer"])
async def test_what_is_undone_is_open_again_as_it_was_and_the_reviewers(core: Core, action: str) -> None:
    receipt, read = await escalated(core)
    await decide(core, read, action)
    assert await core.leases.claim(receipt.case_id) is None
    assert await core.reviews.queue() == []
    assert len(await files(core)) == (action != "approve")
    with pytest.raises(ConflictError, match="kim decided this"):
        await undoing(core).decision(read.id, "lee")

    await undoing(core).decision(read.id, "kim")
    assert await files(core) == []
    (again,) = await core.reviews.queue()
    assert (again.id, again.claimed_by) == (read.id, "kim")
    with pytest.raises(ConflictError, match="nothing is decided here"):
        await undoing(core).decision(read.id, "kim")
    await time_is_up(core)
    assert await core.leases.claim(receipt.case_id) is None
    assert await core.said("talk") == ASKED

    await decide(core, read, "approve", undo=timedelta(0))
    await core.work(receipt.case_id)
    await core.deliver()
    assert (await core.said("talk"))[2:] == ["agent: echo: a person please"]


async def test_what_is_not_undone_goes_out_by_itself_and_is_too_late_to_undo(core: Core) -> None:
    receipt, read = await escalated(core)
    await decide(core, read, "edit")
    await core.write("talk", "one more thing")
    await time_is_up(core)
    await core.work(receipt.case_id)
    await core.deliver()
    assert (await core.said("talk"))[-1] == "human: My own words."
    with pytest.raises(ConflictError, match="on its way"):
        await undoing(core).decision(read.id, "kim")


async def test_what_reaches_no_customer_is_not_held_back(core: Core) -> None:
    receipt, read = await escalated(core)
    await decide(core, read, "take_over")
    await core.work(receipt.case_id)
    with pytest.raises(ConflictError, match="on its way"):
        await undoing(core).decision(read.id, "kim")
    assert [case.owner_name for case in await core.cases.owned_by_people()] == ["kim"]


async def owned(core: Core) -> tuple[Receipt, MessageId]:
    """A case of Kim's with a text that is held back."""
    receipt, read = await escalated(core)
    await decide(core, read, "take_over")
    await core.work(receipt.case_id)
    held = await core.cases.write(receipt.case_id, "kim", "Kim here.", intent_id=uuid4(), undo=WINDOW, files=(PICTURE,))
    return receipt, held


async def state_of(core: Core, receipt: Receipt) -> ReadCase:
    return await core.cases.read(receipt.case_id, reader="kim")


async def test_a_text_that_is_undone_was_never_written_and_its_question_waits_again(core: Core) -> None:
    receipt, held = await owned(core)
    assert await core.deliver() == 0
    assert (await state_of(core, receipt)).transcript[0].state == "handled"
    with pytest.raises(ConflictError, match="not yours"):
        await undoing(core).text(receipt.case_id, held, "lee")

    await undoing(core).text(receipt.case_id, held, "kim")
    assert await files(core) == []
    assert [line.state for line in (await state_of(core, receipt)).transcript] == ["human", "delivered"]
    with pytest.raises(NotFoundError):
        await undoing(core).text(receipt.case_id, held, "kim")
    await core.cases.write(receipt.case_id, "kim", "Once more.", intent_id=uuid4())
    await core.deliver()
    assert (await core.said("talk"))[2:] == ["human: Once more."]


async def test_a_text_that_a_sender_has_had_is_not_undone(core: Core) -> None:
    receipt, held = await owned(core)
    await time_is_up(core)
    await core.deliver()
    with pytest.raises(ConflictError, match="on its way"):
        await undoing(core).text(receipt.case_id, held, "kim")
    assert (await core.said("talk"))[2:] == ["human: Kim here."]


@pytest.mark.parametrize("first", ["undo", "send"])
async def test_at_the_same_moment_a_text_is_undone_or_sent(database_url: str, keyring: Keyring, first: str) -> None:
    async with crossing(database_url, keyring) as pair:
        receipt, held = await owned(pair.second)
        await time_is_up(pair.second)
        undo, send = (
            undoing(pair.first if first == "undo" else pair.second),
            pair.second if first == "undo" else pair.first,
        )
        steps = {"undo": undo.text(receipt.case_id, held, "kim"), "send": send.outbox.claim(10)}
        one, two = await pair.cross(steps.pop(first), *steps.values())
        undone, claimed = (one, two) if first == "undo" else (two, one)
        assert (undone is None) != bool(claimed)
        assert (undone is None) == (first == "undo")


@pytest.mark.parametrize("first", ["undo", "work"])
async def test_at_the_same_moment_a_decision_is_undone_or_applied(
    database_url: str, keyring: Keyring, first: str
) -> None:
    async with crossing(database_url, keyring) as pair:
        receipt, read = await paused(pair.second)
        await decide(pair.second, read, "approve")
        await time_is_up(pair.second)
        undo, work = (
            undoing(pair.first if first == "undo" else pair.second),
            pair.second if first == "undo" else pair.first,
        )
        steps = {"undo": undo.decision(read.id, "kim"), "work": work.leases.claim(receipt.case_id)}
        one, two = await pair.cross(steps.pop(first), *steps.values())
        undone, lease = (one, two) if first == "undo" else (two, one)
        assert (undone is None) == (first == "undo") == (lease is None)


async def test_in_a_real_race_it_is_undone_or_sent_and_the_reviewer_is_told_which(
    database: Database, keyring: Keyring
) -> None:
    core = make_core(database, keyring)
    for round_ in range(6):
        receipt = await core.write(f"talk {round_}", "a person please")
        await core.work(receipt.case_id)
        (queued,) = await core.reviews.queue()
        read = await core.reviews.read(queued.id, reader="kim")
        await decide(core, read, "take_over")
        await core.work(receipt.case_id)
        held = await core.cases.write(receipt.case_id, "kim", "Kim here.", intent_id=uuid4(), undo=WINDOW)
        await time_is_up(core)
        undone, _ = await asyncio.gather(
            undoing(core).text(receipt.case_id, held, "kim"), core.deliver(), return_exceptions=True
        )
        said = "human: Kim here." in await core.said(f"talk {round_}")
        assert said == isinstance(undone, ConflictError), undone
