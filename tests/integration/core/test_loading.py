"""What a turn is given to work with: its own case's messages in order, the customer, and what happened before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels.envelope import Envelope
from channels.web import CHAT
from graph.review import make_decision
from infra.postgres.escalations import ReadEscalation
from infra.postgres.inbox import Receipt
from infra.postgres.turns import MOST_MESSAGES, LoadedWork
from skills.turn import CaseId, ChannelName, Language, Message, Turn
from tests.core import NOW, Core
from tests.crossing import paused

MAIL = ChannelName("mail")

COPIES = """
insert into turns (id, case_id, status, first_sequence, last_sequence, graph_version, lease_token, outcome, key_id,
    started_at, finished_at, rules, polarity)
select gen_random_uuid(), t.case_id, %s, 1, t.last_sequence + n, t.graph_version, t.lease_token, t.outcome, t.key_id,
    t.started_at, now() - %s::interval, %s::text[], %s::real + n / 100.0
from turns t cross join generate_series(1, %s) n where t.case_id = %s and t.last_sequence = (
    select max(last_sequence) from turns where case_id = t.case_id
)
returning 1
"""


async def copies(
    core: Core,
    case_id: CaseId,
    *,
    of: int = 1,
    status: str = "done",
    ago: timedelta = NOW,
    rules: tuple[str, ...] = (),
    polarity: float | None = None,
) -> None:
    """Later turns of a case, so many of a kind."""
    assert await core.rows(COPIES, status, ago, list(rules), polarity, of, case_id)


async def loaded(core: Core, case_id: CaseId) -> LoadedWork:
    await core.rows("update case_work set due_at = now() where case_id = %s returning 1", case_id)
    work = await core.ledger.load(await core.claim(case_id))
    assert work is not None
    return work


async def turn_of(core: Core, case_id: CaseId) -> Turn:
    turn = (await loaded(core, case_id)).turn
    assert turn is not None
    return turn


async def stored(core: Core, case_id: CaseId, *, waiting: bool) -> list[tuple[Any, ...]]:
    rows = await core.rows(
        "select id, sequence, author, received_at from messages where case_id = %s and (state = 'waiting') = %s"
        " order by sequence",
        case_id,
        waiting,
    )
    return [(row["id"], row["sequence"], row["author"], row["received_at"]) for row in rows]


def told(messages: tuple[Message, ...]) -> list[tuple[Any, ...]]:
    return [(message.id, message.sequence, message.author, message.received_at) for message in messages]


async def talk(core: Core, thread: str, *texts: str) -> Receipt:
    """Each text a turn of its own."""
    receipts = []
    for text in texts:
        receipts.append(await core.write(thread, text))
        await core.work(receipts[-1].case_id)
    return receipts[-1]


# ---- messages


async def test_a_turn_has_all_that_waits_and_the_newest_twenty_before_it_each_in_order(core: Core) -> None:
    await talk(core, "another talk", "one")
    await core.write("another talk", "two")
    case_id = (await talk(core, "talk", *(f"question {n}" for n in range(11)))).case_id
    *_, newest = [await core.write("talk", text) for text in ("and this", "and that", "and those")]
    # PostgreSQL finds rows where they lie: here the last come first.
    await core.rows("update messages set provider_time = now() where sequence in (2, 5, 23) returning 1")
    work = await loaded(core, case_id)
    turn = work.turn
    assert turn is not None
    assert told(turn.messages) == await stored(core, case_id, waiting=True)
    assert [message.text for message in turn.messages] == ["and this", "and that", "and those"]
    assert told(turn.history) == (await stored(core, case_id, waiting=False))[-20:]
    assert [message.text for message in turn.history[:2]] == ["question 1", "echo: question 1"]
    assert turn.history[-1].text == "echo: question 10"
    assert (work.newest_waiting, work.covered) == (newest.sequence, 0)


async def test_the_first_turn_has_no_history(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    assert (await turn_of(core, receipt.case_id)).history == ()


async def test_of_a_flood_a_turn_takes_the_oldest_and_knows_that_there_is_more(core: Core) -> None:
    *_, receipt = [await core.write("talk", f"{n}") for n in range(MOST_MESSAGES + 2)]
    work = await loaded(core, receipt.case_id)
    assert work.turn is not None
    assert [message.sequence for message in work.turn.messages] == list(range(1, MOST_MESSAGES + 1))
    assert work.newest_waiting == MOST_MESSAGES + 2


# ---- the customer


@pytest.mark.parametrize(("name", "language"), [("Ada", Language("de")), (None, None)])
async def test_a_turn_knows_its_own_customer(core: Core, name: str | None, language: Language | None) -> None:
    await core.inbox.receive(
        Envelope(
            channel=MAIL,
            provider_message_id="other",
            thread="other",
            address="other@example.com",
            verified=True,
            text="hello",
            name="Other",
            language=Language("fr"),
        ),
        settle=NOW,
    )
    receipt = await core.inbox.receive(
        Envelope(
            channel=CHAT,
            provider_message_id="1",
            thread="talk",
            address="talk",
            verified=False,
            text="hello",
            name=name,
            language=language,
        ),
        settle=NOW,
    )
    await core.cases.set_segment(receipt.case_id, "vip", "kim")
    turn = await turn_of(core, receipt.case_id)
    (case,) = await core.rows("select customer_id from cases where id = %s", receipt.case_id)
    assert (turn.customer.id, turn.customer.name, turn.customer.language) == (case["customer_id"], name, language)
    assert (turn.customer.segment, turn.customer.verified, turn.channel) == ("vip", False, CHAT)
    assert (turn.id, turn.case_id) == ((await work_of(core, receipt))["turn_id"], receipt.case_id)


async def work_of(core: Core, receipt: Receipt) -> dict[str, Any]:
    (row,) = await core.rows("select * from case_work where case_id = %s", receipt.case_id)
    return row


async def test_who_has_proven_the_address_is_known_to_have(core: Core) -> None:
    await core.write("visitor", "hello")
    receipt = await core.write("kim@example.com", "hello", channel=MAIL)
    turn = await turn_of(core, receipt.case_id)
    assert (turn.customer.verified, turn.channel) == (True, MAIL)


async def test_the_customers_own_cases_of_the_week_before_are_counted(core: Core) -> None:
    receipt = await core.write("kim@example.com", "hello", channel=MAIL)
    await core.write("lee@example.com", "hello", channel=MAIL)
    for thread in ("eight days ago", "six days ago", "yesterday", "later"):
        envelope = Envelope(
            channel=MAIL,
            provider_message_id=thread,
            thread=thread,
            address="kim@example.com",
            verified=True,
            text="hello",
        )
        await core.inbox.receive(envelope, settle=NOW)
    days = dict(zip(("kim", "lee", "eight", "six", "yesterday", "later"), (0, 2, 8, 6, 1, -1), strict=True))
    cases = await core.rows("select id from cases order by opened_at, id")
    for row, ago in zip(cases, days.values(), strict=True):
        await core.rows(
            "update cases set opened_at = now() - make_interval(days => %s) where id = %s returning 1", ago, row["id"]
        )
    assert (await turn_of(core, receipt.case_id)).customer.earlier_cases == 2


# ---- what happened before


async def test_the_moods_of_the_last_five_turns_that_have_one_are_told_oldest_first(core: Core) -> None:
    other = (await talk(core, "another talk", "hello")).case_id
    await copies(core, other, of=9, polarity=-1.0)
    case_id = (await talk(core, "talk", "hello")).case_id
    await copies(core, case_id, of=7, polarity=0.2)
    await copies(core, case_id, of=2)
    await core.write("talk", "again")
    polarities = (await turn_of(core, case_id)).earlier_polarity
    assert polarities == pytest.approx((0.23, 0.24, 0.25, 0.26, 0.27))


async def test_answers_of_the_last_hour_by_the_agent_alone_are_counted_among_the_last_fifty_turns(core: Core) -> None:
    other = (await talk(core, "another talk", "hello")).case_id
    await copies(core, other, of=9)
    case_id = (await talk(core, "talk", "hello")).case_id
    await copies(core, case_id, of=60)
    await copies(core, case_id, of=4, ago=timedelta(minutes=59))
    await copies(core, case_id, of=3, ago=timedelta(minutes=61))
    await copies(core, case_id, of=2, rules=("asked_for_human",))
    await copies(core, case_id, status="withheld")
    await core.write("talk", "again")
    assert (await turn_of(core, case_id)).answered_within_hour == 50 - 3 - 2 - 1


# ---- resuming


async def decided(core: Core, read: ReadEscalation, *, covers: bool) -> None:
    read = await core.reviews.read(read.id, reader="kim")
    decision = make_decision(action="answer", reviewer="kim", text="My words.")
    await core.reviews.decide(read.id, decision, seen=read.version, covers_later=covers)


@pytest.mark.parametrize("covers", [False, True])
async def test_a_resumed_turn_has_the_decision_and_what_it_covers(core: Core, covers: bool) -> None:
    receipt, read = await paused(core)
    later = await core.write("talk", "are you there?")
    await decided(core, read, covers=covers)
    work = await loaded(core, receipt.case_id)
    assert work.turn is None
    assert work.resumption is not None
    assert (work.resumption.escalation_id, work.resumption.decision.text) == (read.id, "My words.")
    assert (work.resumption.decision.action, work.resumption.decision.reviewer) == ("answer", "kim")
    assert work.covered == (later.sequence if covers else 0)
    assert work.newest_waiting == later.sequence


async def test_a_decision_is_handed_to_its_own_case_only(core: Core) -> None:
    _, read = await paused(core)
    other = await core.write("another talk", "hello")
    await decided(core, read, covers=False)
    work = await loaded(core, other.case_id)
    assert work.resumption is None
    assert work.turn is not None


async def test_a_message_in_another_case_is_no_work_here(core: Core) -> None:
    receipt = await talk(core, "talk", "hello")
    await core.write("another talk", "hello")
    await core.rows("update case_work set due_at = now() returning 1")
    assert await core.ledger.load(await core.claim(receipt.case_id)) is None
