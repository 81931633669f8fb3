"""A person answers in Gmail itself: it is recorded, the case is theirs, and the agent is silent."""

from __future__ import annotations

import asyncio
from typing import Any

from api.channels.email_intake import EmailIntake
from channels.gmail.inbound import WrittenByPerson, understand
from evals.emulators.gmail.reception import Found
from graph.ports import Lease
from infra.postgres.files import Files
from infra.postgres.replies_elsewhere import RepliesElsewhere
from skills.turn import Decision
from tests.integration.email.conftest import Desk
from tests.mailroom import ADA, MAILBOX, OWN

ANSWERS = "<1@customer.example>"


async def owner(desk: Desk) -> dict[str, Any]:
    (row,) = await desk.core.rows(
        "select c.owner, c.owner_name, c.status, w.paused, w.due_at is not null as due from cases c"
        " join case_work w on w.case_id = c.id"
    )
    return row


THEIRS = {"owner": "human", "owner_name": "mailbox", "status": "open", "paused": False, "due": False}


async def test_a_persons_reply_is_recorded_once_and_the_agent_says_nothing_more(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("Where is it?")
    await desk.sync()
    desk.room.writes("I have found it.", answers=ANSWERS)
    assert (await desk.sync()).counts == {"by_person": 1}
    assert await owner(desk) == THEIRS
    assert await desk.told() == ["customer: Where is it? (handled)", "human: I have found it. (delivered)"]
    await desk.core.rows("update mailboxes set history_id = 1000 returning 1")
    await desk.sync()  # all of it once more
    assert len(await desk.told()) == 2
    desk.room.comes("Wonderful.", subject="Re: My parcel", answers=ANSWERS)
    await desk.sync()
    await desk.answered()
    assert (await desk.told())[-1] == "customer: Wonderful. (human)"
    assert await desk.outbox() == []
    events = await desk.core.rows("select actor from events where kind = 'case.answered_elsewhere'")
    assert events == [{"actor": "mailbox"}]


async def test_what_the_customer_wrote_after_the_reply_waits_for_the_person(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("Where is it?")
    desk.room.writes("Here.", answers=ANSWERS)
    desk.room.comes("Where exactly?", subject="Re: My parcel", answers=ANSWERS)
    await desk.sync()
    assert await desk.told() == [
        "customer: Where is it? (handled)",
        "human: Here. (delivered)",
        "customer: Where exactly? (human)",
    ]


async def test_an_open_escalation_is_withdrawn_as_by_a_take_over(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("A person, please.")
    await desk.sync()
    await desk.answered()
    (queued,) = await desk.core.reviews.queue()
    desk.room.writes("I am one.", answers=ANSWERS)
    await desk.sync()
    assert await desk.core.reviews.queue() == []
    read = await desk.core.reviews.read(queued.id, reader="kim")
    assert (read.status, read.decided) == ("closed", "take_over by mailbox")
    assert await owner(desk) == THEIRS
    assert await desk.core.rows("select from checkpoints") == []
    turns = await desk.core.rows("select status, outcome from turns")
    assert turns == [{"status": "done", "outcome": "taken_over"}]
    case_id = await desk.case()
    await desk.core.cases.hand_back(case_id, "kim")
    desk.room.comes("And now?", subject="Re: My parcel", answers=ANSWERS)
    await desk.sync()
    await desk.answered()
    assert (await desk.told())[-1].startswith("agent: ")


async def test_a_turn_that_runs_meanwhile_keeps_its_draft_for_the_person_and_sends_nothing(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("slow")
    await desk.sync()
    case_id = await desk.case()
    working = asyncio.create_task(desk.core.work(case_id))
    await desk.gate.reached.wait()
    desk.room.writes("I was quicker.", answers=ANSWERS)
    await desk.sync()
    desk.gate.open.set()
    await working
    assert await desk.outbox() == []
    assert (await desk.core.cases.read(case_id, reader="kim")).withheld_draft is not None
    assert await desk.told() == ["customer: slow (handled)", "human: I was quicker. (delivered)"]


async def test_a_decision_that_was_taken_stands(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes("A person, please.")
    await desk.sync()
    await desk.answered()
    (queued,) = await desk.core.reviews.queue()
    read = await desk.core.reviews.read(queued.id, reader="kim")
    await desk.core.reviews.decide(queued.id, Decision("answer", "kim", text="From the desk."), seen=read.version)
    desk.room.writes("From the mailbox.", answers=ANSWERS)
    await desk.sync()
    assert (await owner(desk))["due"]  # or nobody would ever apply it
    await decided(desk)
    assert [line.rpartition(" (")[0] for line in await desk.told()][-2:] == [
        "human: From the mailbox.",
        "human: From the desk.",
    ]


async def decided(desk: Desk) -> None:
    lease: Lease = await desk.core.claim(await desk.case())
    work = await desk.core.ledger.load(lease)
    assert work is not None
    await desk.core.handler.handle(work)
    await desk.core.deliver()


async def test_a_colleague_who_has_the_case_already_keeps_it(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    await desk.core.cases.take_over(await desk.case(), "kim")
    desk.room.writes("Here it is.", answers=ANSWERS)
    await desk.sync()
    assert await owner(desk) == {**THEIRS, "owner_name": "kim"}


async def test_a_reply_after_the_end_of_a_case_is_kept_with_it_and_opens_nothing(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    await desk.answered()
    await desk.core.cases.resolve(await desk.case(), "kim")
    desk.room.writes("One more thing.", answers=ANSWERS)
    await desk.sync()
    assert (await owner(desk))["status"] == "resolved"
    assert (await desk.told())[-1] == "human: One more thing. (delivered)"


async def test_who_answers_a_persons_mail_after_the_end_of_a_case_is_that_persons(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    await desk.answered()
    await desk.core.cases.resolve(await desk.case(), "kim")
    desk.room.writes("Which number stands on it?", answers=ANSWERS)
    await desk.sync()
    desk.room.comes("It says 4711.", subject="Re: My parcel", answers=ANSWERS)
    await desk.sync()
    assert await owner(desk) == THEIRS
    assert (await desk.told())[-1] == "customer: It says 4711. (human)"


async def test_a_reply_in_a_thread_of_its_own_is_found_by_what_it_answers(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    desk.room.writes("Under another subject.", subject="A new subject", answers=ANSWERS)
    desk.room.writes("To somebody else.", subject="Another one", to="else@customer.example", answers=ANSWERS)
    assert (await desk.sync()).counts == {"by_person": 1, "known": 1}
    assert (await desk.told())[-1] == "human: Under another subject. (delivered)"


async def test_what_a_person_writes_to_others_is_not_ours(desk: Desk) -> None:
    await desk.followed()
    desk.room.writes("To a supplier.", to="sales@supplier.example", subject="Boxes")
    desk.room.writes("To myself.", to=MAILBOX, subject="Note")
    assert (await desk.sync()).counts == {"known": 2}
    assert await desk.cases() == []


async def test_a_persons_files_are_kept_and_the_talk_of_the_unproven_is_found_too(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes(found=Found(dmarc="fail"))
    await desk.sync()
    raw = desk.room.mail(
        "See below.", sender=MAILBOX, to=ADA, subject="Re: My parcel", answers=ANSWERS,
        files=(("plan.txt", "text/plain", b"left, right"),),
    )  # fmt: skip
    desk.gmail.mailbox.send_as_person(raw)
    await desk.sync()
    entries = await Files(desk.services.database, desk.services.keyring).of_case(await desk.case())
    assert [one.name for one in entries][-1] == "plan.txt"


async def test_ten_runs_at_once_record_one_reply(desk: Desk) -> None:
    await desk.followed()
    desk.room.comes()
    await desk.sync()
    gmail_id = desk.room.writes("Once.", answers=ANSWERS)
    written = understand(await desk.account.read(gmail_id), OWN)
    assert isinstance(written, WrittenByPerson)
    intake = EmailIntake(desk.services, RepliesElsewhere(desk.services.database, desk.services.keyring))
    assert sum(await asyncio.gather(*(intake.written(written) for _ in range(10)))) == 1
    assert len(await desk.told()) == 2
