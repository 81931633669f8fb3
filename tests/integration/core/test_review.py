"""A turn that pauses for a person, and every way in which the person may decide."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from channels.addresses import EMAIL
from channels.envelope import Envelope
from graph.review import MAX_REJECTIONS, make_decision
from infra.postgres.cases import Cases
from infra.postgres.escalations import ReadEscalation
from infra.postgres.inbox import Receipt
from infra.postgres.reviews import Reviews
from skills.errors import BadRequestError, ConflictError, InvalidMessageError, NotFoundError
from skills.turn import ChannelName, EscalationId
from tests.core import NOW, Core, make_core
from tests.trivial import Gate, trivial_graph

HANDOFF = "system: A colleague will look at this."


async def escalated(core: Core, text: str = "a person please") -> tuple[Receipt, ReadEscalation]:
    receipt = await core.write("talk", text)
    await core.work(receipt.case_id)
    await core.deliver()
    (queued,) = await core.reviews.queue()
    return receipt, await core.reviews.read(queued.id, reader="kim")


async def decide(core: Core, read: ReadEscalation, action: str, **words: str) -> None:
    decision = make_decision(action=action, reviewer="kim", text=words.get("text"), reason=words.get("reason"))
    case_id = await core.reviews.decide(read.id, decision, seen=read.version)
    await core.work(case_id)
    await core.deliver()


async def test_the_customer_is_told_of_the_handoff_once_and_nothing_else_is_sent(core: Core) -> None:
    _, read = await escalated(core)
    assert await core.said("talk") == ["customer: a person please", HANDOFF]
    assert read.request["proposal"] == "echo: a person please"
    assert read.status == "open"


async def test_approve_sends_the_very_text_that_was_read(core: Core) -> None:
    _, read = await escalated(core)
    await decide(core, read, "approve")
    assert (await core.said("talk"))[2:] == [f"agent: {read.request['proposal']}"]
    assert await core.reviews.queue() == []


@pytest.mark.parametrize("action", ["edit", "answer"])
async def test_a_reviewers_text_is_sent_as_it_was_written(core: Core, action: str) -> None:
    _, read = await escalated(core)
    await decide(core, read, action, text="  My own words.\n")
    assert (await core.said("talk"))[2:] == ["human:   My own words.\n"]


async def test_reject_brings_a_new_proposal_and_the_customer_is_not_told_twice(core: Core) -> None:
    receipt, read = await escalated(core)
    await decide(core, read, "reject", reason="too curt")
    (queued,) = await core.reviews.queue()
    again = await core.reviews.read(queued.id, reader="kim")
    assert again.id != read.id
    assert again.request["proposal"] == "echo: a person please (again 1)"
    assert again.request["rejected"] == [{"draft": read.request["proposal"], "reason": "too curt"}]
    assert await core.said("talk") == ["customer: a person please", HANDOFF]
    await decide(core, again, "approve")
    assert (await core.said("talk"))[2:] == ["agent: echo: a person please (again 1)"]
    assert [row["status"] for row in await core.rows("select status from turns")] == ["done"]
    assert receipt.case_id == again.case_id


async def test_after_enough_rejections_the_agent_proposes_nothing_more(core: Core) -> None:
    _, read = await escalated(core)
    for _ in range(MAX_REJECTIONS):
        await decide(core, read, "reject", reason="no")
        (queued,) = await core.reviews.queue()
        read = await core.reviews.read(queued.id, reader="kim")
    assert read.request["proposal"] == ""
    assert read.request["actions"] == ["answer", "take_over"]
    with pytest.raises(BadRequestError):
        await decide(core, read, "approve")
    await decide(core, read, "answer", text="Here is your answer.")
    assert (await core.said("talk"))[-1] == "human: Here is your answer."


async def test_take_over_leaves_everything_to_the_person_until_it_is_handed_back(core: Core) -> None:
    receipt, read = await escalated(core)
    await decide(core, read, "take_over")
    await core.write("talk", "are you there?")
    assert await core.leases.claim_due(10) == []
    (owned,) = await core.cases.owned_by_people()
    assert (owned.owner_name, owned.waiting) == ("kim", 2)

    await core.cases.write(receipt.case_id, "kim", "Kim here.", intent_id=read.id)
    await core.deliver()
    await core.write("talk", "thanks, one more thing")
    await core.cases.hand_back(receipt.case_id, "kim")
    await core.work(receipt.case_id)
    await core.deliver()
    said = await core.said("talk")
    assert said[-3] == "customer: thanks, one more thing"
    assert said[-2].startswith("system: Our automated assistant answers here again.")
    assert said[-1] == "agent: echo: thanks, one more thing"


@pytest.mark.parametrize(("text", "kept"), [("a person please", "echo: a person please"), ("a riddle, person", None)])
async def test_a_draft_that_answers_is_kept_for_whoever_takes_over(core: Core, text: str, kept: str | None) -> None:
    receipt, read = await escalated(core, text)
    await decide(core, read, "take_over")
    assert (await core.cases.read(receipt.case_id, reader="kim")).withheld_draft == kept


async def test_a_case_keeps_what_it_was_taken_over_for_until_it_is_handed_back(core: Core) -> None:
    receipt, read = await escalated(core)
    await decide(core, read, "take_over")
    (owned,) = await core.cases.owned_by_people()
    case = await core.cases.read(receipt.case_id, reader="kim")
    assert (owned.severity, owned.due_at) == (read.severity, read.due_at)
    assert case.asked_for is not None
    assert (case.asked_for.severity, case.asked_for.due_at) == (read.severity, read.due_at)
    assert case.asked_for.reasons == read.request["reasons"] != []
    assert case.asked_for.sources == read.request["sources"]

    await core.cases.write(receipt.case_id, "kim", "Kim here.", intent_id=read.id)
    await core.write("talk", "thanks, one more thing")
    (owned,) = await core.cases.owned_by_people()
    case = await core.cases.read(receipt.case_id, reader="kim")
    assert (owned.severity, owned.due_at, owned.waiting) == (read.severity, None, 1)
    assert case.asked_for is not None
    assert case.asked_for.due_at is None

    await core.cases.hand_back(receipt.case_id, "kim")
    assert (await core.cases.read(receipt.case_id, reader="kim")).asked_for is None


async def test_the_list_of_cases_shows_what_each_customer_wrote_last_and_each_is_written_down_once(core: Core) -> None:
    receipt, read = await escalated(core)
    await decide(core, read, "take_over")
    (owned,) = await core.cases.owned_by_people(reader="kim")
    assert (owned.customer_name, owned.last_line) == (None, "a person please")
    await core.write("talk", "are you\nthere?")
    for _ in range(2):
        (owned,) = await core.cases.owned_by_people(reader="kim")
        assert owned.last_line == "are you there?"
    await core.cases.owned_by_people(reader="jonas")

    looks = await core.rows("select actor, data from events where kind = 'messages.listed' order by id")
    newest = await core.rows(
        "select id from messages where case_id = %s and direction = 'in' order by sequence", receipt.case_id
    )
    first, second = [str(row["id"]) for row in newest]
    assert [(look["actor"], look["data"]["ids"]) for look in looks] == [
        ("kim", [first]),
        ("kim", [second]),
        ("jonas", [second]),
    ]


async def test_a_text_that_does_not_open_hides_no_case_of_the_list(core: Core) -> None:
    _, read = await escalated(core)
    await decide(core, read, "take_over")
    await core.rows("update messages set body_sealed = 'x' where direction = 'in' returning id")
    await core.rows("update customers set name_sealed = 'x' returning id")
    (owned,) = await core.cases.owned_by_people()
    assert owned.last_line.startswith("(")
    assert (owned.customer_name or "").startswith("(")


async def test_a_case_that_nobody_was_asked_about_has_no_such_reasons(core: Core) -> None:
    receipt = await core.write("talk", "hello")
    await core.work(receipt.case_id)
    await core.cases.take_over(receipt.case_id, "kim")
    (owned,) = await core.cases.owned_by_people()
    assert (owned.severity, owned.due_at) == (None, None)
    other = await core.inbox.receive(
        Envelope(EMAIL, uuid4().hex, "mail", "a@x.test", verified=True, text="hello", name="Ada Moreau"), settle=NOW
    )
    await core.work(other.case_id)
    await core.cases.take_over(other.case_id, "kim")
    listed = await core.cases.owned_by_people(limit=1)
    assert (len(listed), listed.total) == (1, 2)
    assert [case.customer_name for case in await core.cases.owned_by_people()] == [None, "Ada Moreau"]
    assert (await core.cases.read(receipt.case_id, reader="kim")).asked_for is None


async def test_a_persons_message_with_the_same_intent_is_sent_once(core: Core) -> None:
    receipt, read = await escalated(core)
    await decide(core, read, "take_over")
    first = await core.cases.write(receipt.case_id, "kim", "Kim here.", intent_id=read.id)
    second = await core.cases.write(receipt.case_id, "kim", "Kim here.", intent_id=read.id)
    await core.deliver()
    assert first == second
    assert (await core.said("talk")).count("human: Kim here.") == 1


async def test_two_reviewers_at_once_decide_once(core: Core) -> None:
    _, read = await escalated(core)
    results = await asyncio.gather(
        *(
            core.reviews.decide(read.id, make_decision(action=action, reviewer=name, reason=reason), seen=read.version)
            for name, action, reason in [("kim", "approve", None), ("lee", "reject", "no"), ("ada", "take_over", None)]
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, ConflictError) for result in results) == 2
    assert len(await core.rows("select 1 from decisions")) == 1


async def test_a_decision_on_what_has_changed_is_refused_with_the_change(core: Core) -> None:
    _, read = await escalated(core)
    await core.write("talk", "wait, something else")
    with pytest.raises(ConflictError) as refusal:
        await core.reviews.decide(read.id, make_decision(action="approve", reviewer="kim"), seen=read.version)
    assert refusal.value.changes["new_messages"] == ["wait, something else"]
    assert refusal.value.changes["proposal_changed"] is False
    assert await core.rows("select 1 from decisions") == []

    again = await core.reviews.read(read.id, reader="kim")
    assert [message.text for message in again.later_messages] == ["wait, something else"]
    await decide(core, again, "approve")
    await core.work(again.case_id)
    await core.deliver()
    assert (await core.said("talk"))[-2:] == ["agent: echo: a person please", "agent: echo: wait, something else"]


async def test_an_answer_that_covers_later_messages_is_the_only_answer(core: Core) -> None:
    _, read = await escalated(core)
    await core.write("talk", "and the invoice?")
    again = await core.reviews.read(read.id, reader="kim")
    decision = make_decision(action="answer", reviewer="kim", text="Both are done.")
    await core.reviews.decide(again.id, decision, seen=again.version, covers_later=True)
    await core.work(again.case_id)
    await core.deliver()
    assert (await core.said("talk"))[-1] == "human: Both are done."
    assert await core.leases.claim_due(10) == []
    states = await core.rows("select state from messages where direction = 'in'")
    assert {row["state"] for row in states} == {"handled"}


async def test_messages_during_a_pause_start_no_turn(core: Core) -> None:
    receipt, _ = await escalated(core)
    await core.write("talk", "hello?")
    assert await core.leases.claim(receipt.case_id) is None


async def test_a_claim_keeps_others_from_deciding_until_it_is_released(core: Core) -> None:
    _, read = await escalated(core)
    await core.reviews.claim(read.id, "lee")
    await core.reviews.claim(read.id, "lee")
    with pytest.raises(ConflictError):
        await core.reviews.claim(read.id, "kim")
    with pytest.raises(ConflictError):
        await decide(core, read, "approve")
    with pytest.raises(ConflictError):
        await core.reviews.release(read.id, "kim")
    await core.reviews.release(read.id, "lee")
    await decide(core, read, "approve")


async def test_a_worker_that_dies_after_the_decision_changes_nothing(core: Core) -> None:
    _, read = await escalated(core)
    await core.reviews.decide(read.id, make_decision(action="approve", reviewer="kim"), seen=read.version)
    lease = await core.claim(read.case_id)
    work = await core.ledger.load(lease)
    assert work is not None
    await core.handler.run(work)  # and dies before the commit
    await core.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    await core.work(read.case_id)
    await core.deliver()
    assert (await core.said("talk")).count("agent: echo: a person please") == 1


async def test_a_take_over_while_the_graph_runs_keeps_the_draft_and_sends_nothing(core: Core) -> None:
    gate = Gate()
    slow = make_core(core.database, core.keyring, trivial_graph(gate))
    receipt = await slow.write("talk", "slow one")
    turn = asyncio.create_task(slow.work(receipt.case_id))
    await gate.reached.wait()
    await slow.cases.take_over(receipt.case_id, "kim")
    gate.open.set()
    await turn
    await slow.deliver()
    assert await slow.said("talk") == ["customer: slow one"]
    case = await slow.cases.read(receipt.case_id, reader="kim")
    assert (case.owner, case.owner_name, case.withheld_draft) == ("human", "kim", "echo: slow one")
    await slow.cases.hand_back(receipt.case_id, "kim")
    await slow.work(receipt.case_id)
    await slow.deliver()
    assert (await slow.said("talk"))[1:] == ["agent: echo: slow one"]


async def test_a_text_that_the_channel_cannot_send_is_refused_and_nothing_is_decided(core: Core) -> None:
    def strict(channel: ChannelName, text: str) -> None:
        raise InvalidMessageError(f"too long for {channel}")

    _, read = await escalated(core)
    reviews = Reviews(core.database, core.keyring, Cases(core.database, core.keyring, check_text=strict))
    with pytest.raises(InvalidMessageError):
        await reviews.decide(read.id, make_decision(action="edit", reviewer="kim", text="x"), seen=read.version)
    assert await core.rows("select 1 from decisions") == []


async def test_reading_a_customers_data_is_written_down(core: Core) -> None:
    receipt, _ = await escalated(core)
    await core.cases.read(receipt.case_id, reader="lee")
    rows = await core.rows("select kind, actor from events where kind like '%%.read' order by at")
    assert [(row["kind"], row["actor"]) for row in rows] == [("escalation.read", "kim"), ("case.read", "lee")]


async def test_what_does_not_exist_is_not_found(core: Core) -> None:
    nobody = EscalationId(uuid4())
    for ask in (core.reviews.read(nobody, reader="kim"), core.reviews.claim(nobody, "kim")):
        with pytest.raises(NotFoundError):
            await ask


async def test_a_case_that_waits_for_a_decision_is_neither_resolved_nor_taken_over_behind_it(core: Core) -> None:
    receipt, _ = await escalated(core)
    for act in (core.cases.resolve(receipt.case_id, "kim"), core.cases.take_over(receipt.case_id, "kim")):
        with pytest.raises(ConflictError):
            await act


@pytest.mark.parametrize("action", ["approve", "reject", "take_over"])
async def test_only_a_text_of_the_reviewers_can_cover_later_messages(core: Core, action: str) -> None:
    _, read = await escalated(core)
    decision = make_decision(action=action, reviewer="kim", reason="no" if action == "reject" else None)
    with pytest.raises(BadRequestError):
        await core.reviews.decide(read.id, decision, seen=read.version, covers_later=True)
