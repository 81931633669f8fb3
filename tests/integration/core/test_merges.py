"""Joining customers and parting them: nothing is lost, nothing belongs to two, and nothing that runs breaks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from channels.addresses import EMAIL
from graph.review import make_decision
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from skills.errors import ConflictError, LeaseLostError, NotFoundError
from skills.turn import CaseId, CustomerId, EscalationId
from tests.core import Core, make_core
from tests.integration.core.identity import Identities
from tests.trivial import Gate, trivial_graph

DANA, ELI = "dana@example.com", "eli@example.com"


@pytest.fixture
def people(core: Core) -> Identities:
    return Identities(core)


async def two(people: Identities) -> tuple[CustomerId, CustomerId]:
    """Dana, who wrote by mail, and Eli, who wrote by mail and was answered."""
    dana = await people.mail(DANA, "a question", thread="dana", name="Dana")
    eli = await people.mail(ELI, "another question", thread="eli", name="Eli")
    await people.answer(eli)
    return await people.customer_of(dana), await people.customer_of(eli)


async def test_what_was_one_customers_is_the_others_and_goes_back_when_it_is_undone(people: Identities) -> None:
    dana, eli = await two(people)
    before = [await people.customers.read(one, reader="kim") for one in (dana, eli)]
    merge = await people.customers.merge(dana, eli, reviewer="kim")

    joined = await people.customers.read(eli, reader="kim")
    assert {known.address for known in joined.addresses} == {DANA, ELI}
    assert (joined.name, joined.conversations, len(joined.cases), joined.open_cases) == ("Eli", 2, 2, 2)
    gone = await people.customers.read(dana, reader="kim")
    assert (gone.merged_into, gone.conversations, gone.cases, gone.addresses) == (eli, 0, (), ())
    assert [(one.id, one.merged_by, one.undoable) for one in gone.merges] == [(merge, "kim", True)]

    later = await people.mail(DANA, "a new matter", thread="begun since")
    assert await people.customer_of(later) == eli
    assert await people.customers.unmerge(dana, reviewer="lee") == eli
    after = [await people.customers.read(one, reader="kim") for one in (dana, eli)]
    assert [one.addresses for one in after] == [one.addresses for one in before]
    assert after[0].conversations == 2  # what came in from Dana's address since is Dana's too
    assert after[1].cases == before[1].cases
    assert [one.undone_by for one in after[0].merges] == ["lee"]
    assert [(event["actor"]) for event in await people.events("customer.unmerged")] == ["lee"]
    await people.customers.merge(dana, eli, reviewer="kim")  # and it can be done again


async def test_everything_that_was_sealed_before_can_be_read_and_written_afterwards(people: Identities) -> None:
    dana, eli = await two(people)
    core = people.core
    escalated = await people.mail(DANA, "a person, please", thread="review")
    await core.work(escalated.case_id)
    owned = await people.mail(DANA, "and this", thread="owned")
    await core.cases.take_over(owned.case_id, "kim")
    await people.customers.merge(dana, eli, reviewer="kim")

    (waiting,) = await core.reviews.queue()
    read = await core.reviews.read(EscalationId(waiting.id), reader="kim")
    assert (read.request["messages"], read.customer_name, read.customer_id) == (["a person, please"], "Eli", eli)
    await core.reviews.decide(
        EscalationId(waiting.id), make_decision(action="edit", reviewer="kim", text="My own words."), seen=read.version
    )
    await core.work(escalated.case_id)
    await core.cases.write(owned.case_id, "kim", "From a person.", intent_id=uuid4())
    for receipt, said in ((escalated, "My own words."), (owned, "From a person.")):
        case = await core.cases.read(CaseId(receipt.case_id), reader="kim")
        assert case.transcript[-1].text == said
    more = await people.mail(DANA, "thank you", thread="review")
    turn = await people.turn(more)
    assert [message.text for message in turn.history] == [
        "a person, please",
        "A colleague will look at this.",
        "My own words.",
    ]
    assert turn.customer.id == eli


async def test_a_decision_that_was_taken_before_a_merge_is_applied_after_it(people: Identities) -> None:
    dana, eli = await two(people)
    core = people.core
    escalated = await people.mail(DANA, "a person, please", thread="review")
    await core.work(escalated.case_id)
    (waiting,) = await core.reviews.queue()
    read = await core.reviews.read(EscalationId(waiting.id), reader="kim")
    decision = make_decision(action="reject", reviewer="kim", reason="too short")
    await core.reviews.decide(EscalationId(waiting.id), decision, seen=read.version)
    await people.customers.merge(dana, eli, reviewer="kim")
    await core.work(escalated.case_id)
    (again,) = await core.reviews.queue()
    read = await core.reviews.read(EscalationId(again.id), reader="kim")
    assert read.request["proposal"].endswith("(again 1)")
    approved = make_decision(action="approve", reviewer="kim")
    await core.reviews.decide(EscalationId(again.id), approved, seen=read.version)
    await core.work(escalated.case_id)
    case = await core.cases.read(CaseId(escalated.case_id), reader="kim")
    assert case.transcript[-1].text.endswith("(again 1)")


@pytest.mark.parametrize("act", ["merge", "unmerge"])
async def test_a_turn_that_runs_meanwhile_writes_nothing_and_begins_anew(
    database: Database, keyring: Keyring, act: str
) -> None:
    gate = Gate()
    people = Identities(make_core(database, keyring, trivial_graph(gate)))
    dana, eli = await two(people)
    slow = await people.mail(DANA, "slow and steady", thread="slow")
    if act == "unmerge":
        await people.customers.merge(dana, eli, reviewer="kim")
    lease = await people.core.claim(slow.case_id)
    work = await people.core.ledger.load(lease)
    assert work is not None
    turning = asyncio.create_task(people.core.handler.handle(work))
    await gate.reached.wait()
    if act == "merge":
        await people.customers.merge(dana, eli, reviewer="kim")
    else:
        await people.customers.unmerge(dana, reviewer="kim")
    gate.open.set()
    with pytest.raises(LeaseLostError):
        await turning
    assert await people.core.rows("select 1 from outbox where case_id = %s", slow.case_id) == []
    await people.core.work(slow.case_id)  # it is due, and nothing counts against it
    (sent,) = await people.core.rows("select count(*) as n from outbox where case_id = %s", slow.case_id)
    assert sent["n"] == 1


async def test_joining_in_circles_is_refused_however_it_is_timed(people: Identities) -> None:
    dana, eli = await two(people)
    third = await people.customer_of(await people.mail("fay@example.com", "a third", thread="fay"))
    results = await asyncio.gather(
        people.customers.merge(dana, eli, reviewer="kim"),
        people.customers.merge(eli, third, reviewer="lee"),
        people.customers.merge(third, dana, reviewer="kim"),
        people.customers.merge(eli, dana, reviewer="lee"),
        return_exceptions=True,
    )
    assert all(isinstance(result, ConflictError) or not isinstance(result, BaseException) for result in results)
    rows = {row["id"]: row["merged_into"] for row in await people.core.rows("select id, merged_into from customers")}
    for customer in rows:
        seen, at = set(), customer
        while rows[at] is not None:
            assert at not in seen
            seen.add(at)
            at = rows[at]
    assert sum(merged is None for merged in rows.values()) >= 1


async def test_what_cannot_be_joined_is_refused_and_says_why(people: Identities) -> None:
    dana, eli = await two(people)
    with pytest.raises(ConflictError, match="one and the same"):
        await people.customers.merge(dana, dana, reviewer="kim")
    with pytest.raises(NotFoundError):
        await people.customers.merge(dana, CustomerId(uuid4()), reviewer="kim")
    await people.customers.merge(dana, eli, reviewer="kim")
    with pytest.raises(ConflictError, match="joined with another already"):
        await people.customers.merge(dana, eli, reviewer="kim")
    erased = await people.customer_of(await people.mail("fay@example.com", "a third", thread="fay"))
    await people.core.rows(
        "update customer_keys set wrapped = null, destroyed_at = now() where customer_id = %s returning id", erased
    )
    for source, into in ((erased, eli), (eli, erased)):
        with pytest.raises(ConflictError, match="erased"):
            await people.customers.merge(source, into, reviewer="kim")
    page = await people.customers.read(erased, reader="kim")
    assert (page.erased, page.name, [known.address for known in page.addresses]) == (True, None, [None])


async def test_what_cannot_be_undone_is_refused_and_says_why(core: Core) -> None:
    people = Identities(core)
    dana, eli = await two(people)
    with pytest.raises(NotFoundError):
        await people.customers.unmerge(dana, reviewer="kim")
    await people.customers.merge(dana, eli, reviewer="kim")
    third = await people.customer_of(await people.mail("fay@example.com", "a third", thread="fay"))
    await people.customers.merge(eli, third, reviewer="kim")
    with pytest.raises(ConflictError, match="joined with a third since"):
        await people.customers.unmerge(dana, reviewer="kim")
    assert await people.customers.unmerge(eli, reviewer="kim") == third
    late = Identities(core, undoable=timedelta(0))
    with pytest.raises(ConflictError, match="too long ago"):
        await late.customers.unmerge(dana, reviewer="kim")
    await people.customers.unmerge(dana, reviewer="kim")


async def test_a_text_that_rests_on_both_is_decided_on_before_they_are_parted(people: Identities) -> None:
    dana, eli = await two(people)
    await people.customers.merge(dana, eli, reviewer="kim")
    escalated = await people.mail(ELI, "a person, please", thread="since")
    await people.core.work(escalated.case_id)
    with pytest.raises(ConflictError) as refused:
        await people.customers.unmerge(dana, reviewer="kim")
    assert refused.value.changes == {"case_id": str(escalated.case_id)}
    (waiting,) = await people.core.reviews.queue()
    read = await people.core.reviews.read(EscalationId(waiting.id), reader="kim")
    assert {said["text"] for said in read.request["elsewhere"]} >= {"a question"}
    decision = make_decision(action="take_over", reviewer="kim")
    await people.core.reviews.decide(EscalationId(waiting.id), decision, seen=read.version)
    await people.core.work(escalated.case_id)
    await people.customers.unmerge(dana, reviewer="kim")


async def test_a_merge_by_proof_that_is_undone_leaves_the_talk_unproven(people: Identities) -> None:
    mailed = await people.mail(DANA, "a question")
    chatted = await people.chat("talk", "hello")
    visitor = await people.customer_of(chatted)
    await people.prove("talk", DANA)
    assert (await people.customers.read(visitor, reader="kim")).merges[0].merged_by == "proof"
    await people.customers.unmerge(visitor, reviewer="kim")
    assert await people.customer_of(chatted) == visitor
    assert await people.customer_of(mailed) != visitor
    assert (await people.earlier.standing("talk")).until is None
    turn = await people.turn(chatted)
    assert (turn.customer.verified, turn.elsewhere) == (False, ())


async def test_a_talk_that_proved_an_address_since_goes_where_the_address_goes(people: Identities) -> None:
    dana, eli = await two(people)
    await people.customers.merge(dana, eli, reviewer="kim")
    chatted = await people.chat("talk", "hello")
    visitor = await people.customer_of(chatted)
    await people.prove("talk", DANA)
    assert await people.customer_of(chatted) == eli
    await people.customers.unmerge(dana, reviewer="kim")
    assert await people.customer_of(chatted) == dana
    assert {talk.first_line for talk in await people.earlier.talks("talk")} == {"hello", "a question"}
    assert (await people.customers.read(visitor, reader="kim")).merged_into == dana
    await people.customers.unmerge(visitor, reviewer="kim")
    assert await people.customer_of(chatted) == visitor


async def test_customers_are_found_by_an_exact_address_however_it_is_written(people: Identities) -> None:
    dana, _ = await two(people)
    claiming = await people.customer_of(await people.chat("talk", "hello", email="DANA@example.com"))
    phoned = await people.customer_of(await people.whatsapp("+4915112345678", "hello"))
    found = await people.customers.find("  Dana@EXAMPLE.com ", reader="kim")
    assert [(one.id, one.proven) for one in found] == [(dana, True), (claiming, False)]
    assert [one.id for one in await people.customers.find("0049 151 12345678", reader="kim")] == [phoned]
    assert await people.customers.find("d.ana@example.com", reader="kim") == []
    events = await people.events("customer.searched")
    assert [event["actor"] for event in events] == ["kim"] * 3
    page = await people.customers.read(claiming, reader="kim")
    assert [(match.customer_id, match.theirs) for match in page.possible_matches] == [(dana, True)]
    assert page.addresses[0].channel == EMAIL
