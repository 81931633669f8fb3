"""Two at once, in both orders: the first stands at its commit with all its locks while the second comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from infra.crypto.keyring import Keyring
from skills.errors import ConflictError, LeaseLostError
from skills.turn import ChannelName
from tests.crossing import Pair, begun, commit, crossing, decide, paused, run, settled, states

pytestmark = pytest.mark.no_cover  # the same code again and again, in another order or with other data


CHAT, MAIL = ChannelName("chat"), ChannelName("mail")


@pytest.fixture
async def pair(database_url: str, keyring: Keyring) -> AsyncIterator[Pair]:
    async with crossing(database_url, keyring) as both:
        yield both


# ---- a message and a turn


async def test_a_message_that_commits_just_before_a_turn_supersedes_it(pair: Pair) -> None:
    turn = await begun(pair.second)
    received, committed = await pair.cross(pair.first.write("talk", "and this"), commit(pair.second, turn))
    assert received.waits
    assert committed == "superseded"
    await pair.second.leases.give_back(turn.lease, delay=timedelta(0), blameless=True)
    said = await settled(pair.second, turn.receipt.case_id)
    assert said == ["customer: hello", "customer: and this", "agent: echo: hello | and this"]


async def test_a_message_that_commits_just_after_a_turn_makes_the_next_one(pair: Pair) -> None:
    turn = await begun(pair.second)
    committed, received = await pair.cross(commit(pair.first, turn), pair.second.write("talk", "and this"))
    assert committed == "committed"
    assert received.waits
    said = await settled(pair.second, turn.receipt.case_id)
    assert sorted(said) == ["agent: echo: and this", "agent: echo: hello", "customer: and this", "customer: hello"]


@pytest.mark.parametrize("message_first", [True, False])
async def test_a_message_and_a_turn_given_back_leave_the_case_due(pair: Pair, message_first: bool) -> None:
    turn = await begun(pair.second)
    one, two = (pair.first, pair.second) if message_first else (pair.second, pair.first)
    both = [one.write("talk", "and this"), two.leases.give_back(turn.lease, delay=timedelta(0), blameless=True)]
    await pair.cross(*(both if message_first else reversed(both)))
    assert (await settled(pair.second, turn.receipt.case_id))[-1] == "agent: echo: hello | and this"


@pytest.mark.parametrize("message_first", [True, False])
async def test_a_message_and_the_pause_of_its_case_start_no_second_turn(pair: Pair, message_first: bool) -> None:
    turn = await begun(pair.second, "a person please")
    one, two = (pair.first, pair.second) if message_first else (pair.second, pair.first)
    both = [
        one.write("talk", "and this"),
        two.ledger.commit(turn.work, turn.outcome, may_supersede=False),
    ]
    await pair.cross(*(both if message_first else reversed(both)))
    assert await pair.second.leases.claim(turn.receipt.case_id) is None
    assert sorted(await states(pair.second)) == ["handled", "waiting"]
    (queued,) = await pair.second.reviews.queue()
    read = await pair.second.reviews.read(queued.id, reader="kim")
    assert [message.text for message in read.later_messages] == ["and this"]


# ---- two workers


@pytest.mark.parametrize("sweeps", [True, False])
async def test_of_two_claims_one_is_given(pair: Pair, sweeps: bool) -> None:
    receipt = await pair.second.write("talk", "hello")
    second = pair.second.leases.claim_due(10) if sweeps else pair.second.leases.claim(receipt.case_id)
    lease, other = await pair.cross(pair.first.leases.claim(receipt.case_id), second)
    assert lease.token == 1
    assert not other


async def test_a_commit_just_after_another_workers_claim_is_refused(pair: Pair) -> None:
    turn = await begun(pair.second)
    await pair.second.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    lease, committed = await pair.cross(pair.first.leases.claim(turn.receipt.case_id), commit(pair.second, turn))
    assert lease.token == turn.lease.token + 1
    assert committed is LeaseLostError
    assert await pair.second.rows("select 1 from outbox") == []


async def test_a_claim_just_after_a_late_commit_finds_nothing_to_do(pair: Pair) -> None:
    turn = await begun(pair.second)
    await pair.second.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    committed, lease = await pair.cross(commit(pair.first, turn), pair.second.leases.claim(turn.receipt.case_id))
    assert committed == "committed"
    assert lease is None
    assert await settled(pair.second, turn.receipt.case_id) == ["customer: hello", "agent: echo: hello"]


async def test_of_two_commits_of_one_turn_the_one_with_the_old_token_writes_nothing(pair: Pair) -> None:
    old = await begun(pair.second)
    await pair.second.rows("update case_work set leased_until = now() - interval '1 second' returning 1")
    new = await run(pair.first, old.receipt)
    assert await pair.cross(commit(pair.first, new), commit(pair.second, old)) == ("committed", LeaseLostError)
    assert await settled(pair.second, old.receipt.case_id) == ["customer: hello", "agent: echo: hello"]


async def test_one_turn_committed_twice_at_once_is_committed_once(pair: Pair) -> None:
    turn = await begun(pair.second)
    assert await pair.cross(commit(pair.first, turn), commit(pair.second, turn)) == ("committed", LeaseLostError)
    assert await settled(pair.second, turn.receipt.case_id) == ["customer: hello", "agent: echo: hello"]


@pytest.mark.parametrize("burial_first", [True, False])
async def test_a_burial_and_a_commit_of_one_lease_have_one_winner(pair: Pair, burial_first: bool) -> None:
    turn = await begun(pair.second)
    bury = pair.first if burial_first else pair.second
    both = [bury.dead_letters.bury(turn.lease, "ValueError"), commit(pair.second if burial_first else pair.first, turn)]
    results = await pair.cross(*(both if burial_first else reversed(both)))
    assert results[1] is LeaseLostError
    assert await states(pair.second) == ["dead" if burial_first else "handled"]
    assert len(await settled(pair.second, turn.receipt.case_id)) == 2


@pytest.mark.parametrize("burial_first", [True, False])
async def test_a_message_around_a_burial_is_a_persons_or_buried_too_and_never_lost(
    pair: Pair, burial_first: bool
) -> None:
    turn = await begun(pair.second)
    one, two = (pair.first, pair.second) if burial_first else (pair.second, pair.first)
    both = [one.dead_letters.bury(turn.lease, "ValueError"), two.write("talk", "and this")]
    await pair.cross(*(both if burial_first else reversed(both)))
    assert await states(pair.second) == ["dead", "human" if burial_first else "dead"]
    (letter,) = await pair.second.dead_letters.open()
    assert letter.last_sequence == (1 if burial_first else 2)


# ---- a person and a turn


async def test_a_reply_just_after_a_take_over_is_withheld(pair: Pair) -> None:
    turn = await begun(pair.second)
    case_id = turn.receipt.case_id
    await pair.cross(pair.first.cases.take_over(case_id, "kim"), commit(pair.second, turn))
    assert await settled(pair.second, case_id) == ["customer: hello"]
    assert (await pair.second.cases.read(case_id, reader="kim")).withheld_draft == "echo: hello"
    assert await states(pair.second) == ["human"]


async def test_a_take_over_just_after_a_reply_finds_it_said(pair: Pair) -> None:
    turn = await begun(pair.second)
    await pair.cross(commit(pair.first, turn), pair.second.cases.take_over(turn.receipt.case_id, "kim"))
    assert await settled(pair.second, turn.receipt.case_id) == ["customer: hello", "agent: echo: hello"]
    assert await states(pair.second) == ["handled"]


async def test_a_take_over_just_after_a_pause_is_refused_and_just_before_it_withholds_the_pause(pair: Pair) -> None:
    turn = await begun(pair.second, "a person please")
    case_id = turn.receipt.case_id
    _, refused = await pair.cross(commit(pair.first, turn), pair.second.cases.take_over(case_id, "kim"))
    assert refused is ConflictError
    other = await pair.second.write("other", "a person please")
    turn = await run(pair.second, other)
    await pair.cross(pair.first.cases.take_over(other.case_id, "kim"), commit(pair.second, turn))
    assert len(await pair.second.reviews.queue()) == 1
    assert (
        await pair.second.rows("select 1 from messages where case_id = %s and direction = 'out'", other.case_id) == []
    )


@pytest.mark.parametrize("person_first", [True, False])
async def test_a_persons_reply_and_a_turn_that_was_running_leave_one_answer(pair: Pair, person_first: bool) -> None:
    turn = await begun(pair.second)
    case_id = turn.receipt.case_id
    await pair.second.cases.take_over(case_id, "kim")
    one, two = (pair.first, pair.second) if person_first else (pair.second, pair.first)
    both = [one.cases.write(case_id, "kim", "a person's words", intent_id=uuid4()), commit(two, turn)]
    await pair.cross(*(both if person_first else reversed(both)))
    assert await settled(pair.second, case_id) == ["customer: hello", "human: a person's words"]
    assert await states(pair.second) == ["handled"]


@pytest.mark.parametrize("back_first", [True, False])
async def test_a_turn_from_before_a_take_over_says_nothing_after_the_case_was_handed_back(
    pair: Pair, back_first: bool
) -> None:
    turn = await begun(pair.second)
    case_id = turn.receipt.case_id
    await pair.second.cases.take_over(case_id, "kim")
    one, two = (pair.first, pair.second) if back_first else (pair.second, pair.first)
    both = [one.cases.hand_back(case_id, "kim"), commit(two, turn)]
    results = await pair.cross(*(both if back_first else reversed(both)))
    assert results == ((None, LeaseLostError) if back_first else ("committed", None))
    assert await settled(pair.second, case_id) == ["customer: hello", "agent: echo: hello"]
    assert len(await pair.second.rows("select 1 from turns where outcome = 'answered'")) == 1


@pytest.mark.parametrize("back_first", [True, False])
async def test_a_message_around_a_hand_back_is_answered_by_the_agent(pair: Pair, back_first: bool) -> None:
    receipt = await pair.second.write("talk", "hello")
    await pair.second.cases.take_over(receipt.case_id, "kim")
    one, two = (pair.first, pair.second) if back_first else (pair.second, pair.first)
    both = [one.cases.hand_back(receipt.case_id, "kim"), two.write("talk", "and this")]
    await pair.cross(*(both if back_first else reversed(both)))
    assert (await settled(pair.second, receipt.case_id))[-1] == "agent: echo: hello | and this"


@pytest.mark.parametrize("person_first", [True, False])
async def test_a_message_around_a_take_over_waits_for_the_person(pair: Pair, person_first: bool) -> None:
    receipt = await pair.second.write("talk", "hello")
    one, two = (pair.first, pair.second) if person_first else (pair.second, pair.first)
    both = [one.cases.take_over(receipt.case_id, "kim"), two.write("talk", "and this")]
    await pair.cross(*(both if person_first else reversed(both)))
    assert await states(pair.second) == ["human", "human"]
    assert await pair.second.leases.claim(receipt.case_id) is None


# ---- the end of a case


async def test_a_message_just_before_a_resolution_stops_it(pair: Pair) -> None:
    turn = await begun(pair.second)
    await commit(pair.second, turn)
    case_id = turn.receipt.case_id
    received, resolved = await pair.cross(
        pair.first.write("talk", "and this"), pair.second.cases.resolve(case_id, "kim")
    )
    assert resolved is ConflictError
    assert received.case_id == case_id
    assert (await settled(pair.second, case_id))[-1] == "agent: echo: and this"


async def test_a_message_just_after_a_resolution_opens_a_new_case(pair: Pair) -> None:
    turn = await begun(pair.second)
    await commit(pair.second, turn)
    _, received = await pair.cross(
        pair.first.cases.resolve(turn.receipt.case_id, "kim"), pair.second.write("talk", "and this")
    )
    assert received.case_id != turn.receipt.case_id
    assert received.waits
    assert (await settled(pair.second, received.case_id))[-1] == "agent: echo: and this"


@pytest.mark.parametrize("end_first", [True, False])
async def test_a_turn_that_was_running_says_nothing_into_a_resolved_case(pair: Pair, end_first: bool) -> None:
    turn = await begun(pair.second)
    case_id = turn.receipt.case_id
    await pair.second.cases.take_over(case_id, "kim")
    one, two = (pair.first, pair.second) if end_first else (pair.second, pair.first)
    both = [one.cases.resolve(case_id, "kim"), commit(two, turn)]
    await pair.cross(*(both if end_first else reversed(both)))
    assert await settled(pair.second, case_id) == ["customer: hello"]


# ---- reviewers


async def test_of_two_decisions_the_first_stands(pair: Pair) -> None:
    receipt, read = await paused(pair.second)
    _, late = await pair.cross(decide(pair.first, read, "answer"), decide(pair.second, read, "approve", by="lee"))
    assert late is ConflictError
    assert (await settled(pair.second, receipt.case_id))[1:] == [
        "system: A colleague will look at this.",
        "human: a person's words",
    ]


@pytest.mark.parametrize("message_first", [True, False])
async def test_a_decision_stands_only_on_what_was_there_when_it_was_made(pair: Pair, message_first: bool) -> None:
    _, read = await paused(pair.second)
    one, two = (pair.first, pair.second) if message_first else (pair.second, pair.first)
    both = [one.write("talk", "and this"), decide(two, read)]
    results = await pair.cross(*(both if message_first else reversed(both)))
    assert (ConflictError in results) == message_first


@pytest.mark.parametrize("burial_first", [True, False])
async def test_a_second_decision_is_refused_around_the_burial_of_the_turn(pair: Pair, burial_first: bool) -> None:
    receipt, read = await paused(pair.second)
    await decide(pair.second, read)
    lease = await pair.second.claim(receipt.case_id)
    if burial_first:
        _, late = await pair.cross(pair.first.dead_letters.bury(lease, "ValueError"), decide(pair.second, read))
    else:
        late, _ = await pair.cross(decide(pair.first, read), pair.second.dead_letters.bury(lease, "ValueError"))
    assert late is ConflictError
    assert await states(pair.second) == ["dead"]
    assert await pair.second.rows("select 1 from escalations where status <> 'closed'") == []


@pytest.mark.parametrize("message_first", [True, False])
async def test_a_message_around_the_resumption_makes_a_turn_of_its_own(pair: Pair, message_first: bool) -> None:
    receipt, read = await paused(pair.second)
    await decide(pair.second, read)
    turn = await run(pair.second, receipt)
    one, two = (pair.first, pair.second) if message_first else (pair.second, pair.first)
    both = [one.write("talk", "and this"), commit(two, turn)]
    results = await pair.cross(*(both if message_first else reversed(both)))
    assert "committed" in results
    said = await settled(pair.second, receipt.case_id)
    assert [line for line in said if line.startswith("agent")] == [
        "agent: echo: a person please",
        "agent: echo: and this",
    ]
