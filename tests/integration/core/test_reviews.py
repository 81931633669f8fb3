"""The list of reviews, what a reviewer reads, who is at it, and what a decision writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from channels.addresses import EMAIL
from channels.envelope import Envelope
from channels.web import CHAT
from graph.review import make_decision
from infra.postgres.escalations import Only, ReadEscalation
from infra.postgres.seals import key_of
from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.turn import ChannelName, EscalationId, Language
from tests.core import NOW, Core

ASKS = "a person please"
RUN_OUT = "update escalations set claimed_until = now() - interval '1 second' where id = %s returning 1"


async def paused(core: Core, thread: str = "talk", *texts: str) -> EscalationId:
    """A review of messages that ask for a person."""
    *_, receipt = [await core.write(thread, text) for text in texts or (ASKS,)]
    await core.work(receipt.case_id)
    (row,) = await core.rows("select id from escalations where case_id = %s and status = 'open'", receipt.case_id)
    return EscalationId(row["id"])


async def decided(core: Core, review: EscalationId, action: str = "approve", *, by: str = "kim", **words: str) -> None:
    read = await core.reviews.read(review, reader=by)
    decision = make_decision(action=action, reviewer=by, text=words.get("text"), reason=words.get("reason"))
    await core.reviews.decide(review, decision, seen=read.version)


async def seen(core: Core, review: EscalationId) -> ReadEscalation:
    return await core.reviews.read(review, reader="kim")


async def claimants(core: Core) -> list[str | None]:
    return [queued.claimed_by for queued in await core.reviews.queue()]


# ---- the list


async def test_the_list_has_what_is_open_the_nearest_deadline_first_and_as_much_as_was_asked_for(core: Core) -> None:
    reviews = [await paused(core, f"talk {n}") for n in range(4)]
    for minutes, review in zip((30, 10, 20, 5), reviews, strict=True):
        await core.rows(
            "update escalations set due_at = now() + make_interval(mins => %s) where id = %s returning 1",
            minutes,
            review,
        )
    await decided(core, reviews[3])
    assert [queued.id for queued in await core.reviews.queue()] == [reviews[n] for n in (1, 2, 0)]
    first = await core.reviews.queue(limit=1)
    assert ([queued.id for queued in first], first.total) == ([reviews[1]], 3)
    assert (await core.reviews.queue(only=Only(channel="email"))).total == 0


async def test_of_reviews_due_at_the_same_time_the_one_that_was_opened_first_is_first(core: Core) -> None:
    reviews = [await paused(core, f"talk {n}") for n in range(3)]
    await core.rows("update escalations set due_at = now() returning 1")
    assert [queued.id for queued in await core.reviews.queue()] == reviews


@pytest.mark.parametrize("how", ["turned down", "handed back", "answered"])
async def test_what_the_customer_was_promised_holds_as_long_as_nobody_has_answered(core: Core, how: str) -> None:
    review = await paused(core)
    promised = "update escalations set due_at = now() + interval '7 minutes' returning due_at, case_id"
    (first,) = await core.rows(promised)
    case_id = first["case_id"]
    if how == "turned down":
        await decided(core, review, "reject", reason="too short")
    elif how == "handed back":
        await decided(core, review, "take_over")
        await core.work(case_id)
        await core.cases.hand_back(case_id, "kim")
    else:
        await decided(core, review, "answer", text="I am on it.")
        await core.work(case_id)
        await core.write("talk", ASKS)
    await core.work(case_id)
    (again,) = await core.reviews.queue()
    assert (again.due_at == first["due_at"]) == (how != "answered")


async def test_a_line_of_the_list_says_where_why_and_until_when(core: Core) -> None:
    review = await paused(core)
    (queued,), read = await core.reviews.queue(), await seen(core, review)
    assert (queued.channel, queued.severity, queued.rules, queued.claimed_by) == (
        CHAT,
        "P2",
        ("asked_for_human",),
        None,
    )
    assert (queued.case_id, queued.due_at, queued.created_at) == (read.case_id, read.due_at, read.created_at)
    assert queued.due_at > queued.created_at


async def test_a_line_of_the_list_says_whose_it_is_and_whether_there_is_a_draft(core: Core) -> None:
    review = await paused(core, "hidden")
    named = Envelope(EMAIL, uuid4().hex, "talk", "a@x.test", verified=True, text=ASKS, name="Ada\nMoreau")
    await core.work((await core.inbox.receive(named, settle=NOW)).case_id)

    async def listed(*, draft: bool | None) -> list[tuple[str | None, bool | None]]:
        lines = await core.reviews.queue(only=Only(has_draft=draft))
        return [(queued.customer_name, queued.has_draft) for queued in lines]

    assert await listed(draft=None) == await listed(draft=True) == [(None, True), ("Ada Moreau", True)]
    assert await listed(draft=False) == []
    await core.rows("update escalations set has_draft = null where id = %s returning 1", review)
    assert await listed(draft=None) == [(None, None), ("Ada Moreau", True)]
    assert await listed(draft=True) == [("Ada Moreau", True)]


async def test_a_name_that_does_not_open_hides_no_line_of_the_list(core: Core) -> None:
    await paused(core)
    await core.rows("update customers set name_sealed = 'x' returning id")
    (queued,) = await core.reviews.queue()
    assert (queued.customer_name or "").startswith("(")
    assert queued.first_line == ASKS


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["a person\n\n please", " for me "], "a person please for me"),
        ([f"person {'x' * 113}"], f"person {'x' * 113}"),
        ([f"person {'x' * 114}"], f"person {'x' * 112}…"),
    ],
)
async def test_the_lists_first_line_is_what_was_written_cut_to_a_line(core: Core, texts: list[str], line: str) -> None:
    await paused(core, "talk", *texts)
    (queued,) = await core.reviews.queue()
    assert queued.first_line == line
    assert len(queued.first_line) <= 120


# ---- reading


async def test_a_reviewer_reads_of_this_case_and_customer_and_of_no_other(core: Core) -> None:
    mail = ChannelName("mail")
    named = {
        name: Envelope(
            channel=mail if name == "Bob" else CHAT,
            provider_message_id=name,
            thread=name,
            address=name,
            verified=False,
            text=ASKS,
            name=name,
            language=Language("de" if name == "Bob" else "en"),
        )
        for name in ("Ada", "Bob", "Cleo")
    }
    cases = {name: (await core.inbox.receive(envelope, settle=NOW)).case_id for name, envelope in named.items()}
    for case_id in cases.values():
        await core.work(case_id)
    await core.cases.set_segment(cases["Bob"], "vip", "kim")
    for _ in range(2):
        await core.write("Cleo", "and this")
    for queued in await core.reviews.queue():
        read = await seen(core, queued.id)
        (name,) = (name for name, case_id in cases.items() if case_id == read.case_id)
        bob = name == "Bob"
        assert (read.customer_name, read.customer_language) == (name, "de" if bob else "en")
        assert (read.channel, read.customer_segment) == (mail if bob else CHAT, "vip" if bob else "standard")
        newest = max(message.sequence for message in read.transcript if message.author == "customer")
        assert read.version.endswith(f".{newest}")
        assert len(read.later_messages) == (2 if name == "Cleo" else 0)


async def test_a_decision_waits_for_nobody_who_holds_another_case(core: Core) -> None:
    review, other = await paused(core), await core.write("another", "hello")
    read = await seen(core, review)
    async with core.database.connection() as connection, connection.transaction():
        await connection.execute("select from cases where id = %s for update", (other.case_id,))
        await core.reviews.decide(review, make_decision(action="approve", reviewer="kim"), seen=read.version)


async def test_a_reviewer_sees_the_customer_the_talk_and_what_came_later(core: Core) -> None:
    envelope = Envelope(
        channel=CHAT,
        provider_message_id="1",
        thread="talk",
        address="talk",
        verified=False,
        text="hello",
        name="Ada",
        language=Language("de"),
    )
    receipt = await core.inbox.receive(envelope, settle=NOW)
    await core.work(receipt.case_id)
    await core.deliver()
    review = await paused(core)
    await core.write("talk", "are you there?")
    read = await seen(core, review)
    assert (read.customer_name, read.customer_language, read.customer_segment) == ("Ada", "de", "standard")
    assert [message.text for message in read.transcript] == [
        "hello",
        "echo: hello",
        ASKS,
        "A colleague will look at this.",
        "are you there?",
    ]
    assert [message.text for message in read.later_messages] == ["are you there?"]
    assert (read.status, read.decided, read.claimed_by) == ("open", None, None)
    assert read.case_id == receipt.case_id


async def test_a_customer_without_a_name_is_shown_without_and_in_the_language_that_they_write(core: Core) -> None:
    read = await seen(core, await paused(core))
    assert (read.customer_name, read.customer_language) == (None, "en")


async def test_the_version_changes_with_each_message_of_the_customer_and_with_nothing_else(core: Core) -> None:
    review = await paused(core)
    first = (await seen(core, review)).version
    await core.deliver()
    await paused(core, "another talk")
    assert (await seen(core, review)).version == first
    await core.write("talk", "are you there?")
    assert (await seen(core, review)).version != first


async def test_what_was_decided_is_shown_with_who_decided_it(core: Core) -> None:
    review, other = [await paused(core, thread) for thread in ("talk", "another talk")]
    await decided(core, review, "take_over", by="lee")
    read = await seen(core, review)
    assert (read.status, read.decided) == ("decided", "take_over by lee")
    assert (await seen(core, other)).decided is None


# ---- who is at it


async def test_a_claim_is_shown_until_it_runs_out_and_then_anybody_has_it(core: Core) -> None:
    review = await paused(core)
    await paused(core, "another talk")
    await core.reviews.claim(review, "lee")
    assert await claimants(core) == ["lee", None]
    assert (await seen(core, review)).claimed_by == "lee"
    (row,) = await core.rows("select claimed_until - now() as left from escalations where id = %s", review)
    assert timedelta(minutes=14) < row["left"] <= timedelta(minutes=15)
    await core.rows(RUN_OUT, review)
    assert await claimants(core) == [None, None]
    assert (await seen(core, review)).claimed_by is None
    await core.reviews.claim(review, "kim")
    assert await claimants(core) == ["kim", None]


async def test_who_claims_again_has_it_for_longer(core: Core) -> None:
    review = await paused(core)
    await core.reviews.claim(review, "lee")
    await core.rows("update escalations set claimed_until = now() + interval '1 minute' returning 1")
    await core.reviews.claim(review, "lee")
    assert await core.rows("select claimed_until > now() + interval '14 minutes' as long from escalations") == [
        {"long": True}
    ]


async def test_a_release_frees_ones_own_claim_and_no_other(core: Core) -> None:
    review, other = [await paused(core, thread) for thread in ("talk", "another talk")]
    for claimed in (review, other):
        await core.reviews.claim(claimed, "lee")
    with pytest.raises(ConflictError) as refused:
        await core.reviews.release(review, "kim")
    assert refused.value.changes["claimed_by"] == "lee"
    await core.reviews.release(review, "lee")
    assert await claimants(core) == [None, "lee"]
    assert await core.rows("select claimed_until from escalations where id = %s", review) == [{"claimed_until": None}]
    with pytest.raises(ConflictError):
        await core.reviews.release(review, "lee")


async def test_what_is_decided_is_neither_claimed_nor_released(core: Core) -> None:
    review = await paused(core)
    await core.reviews.claim(review, "kim")
    await decided(core, review)
    for act in (core.reviews.claim(review, "lee"), core.reviews.release(review, "kim")):
        with pytest.raises(ConflictError) as refused:
            await act
        assert refused.value.changes["decided"] == "approve by kim"
        assert refused.value.changes["status"] == "decided"
    with pytest.raises(ConflictError, match="decided already: approve by kim"):
        await core.reviews.claim(review, "lee")


async def test_what_does_not_exist_is_not_found_by_anything(core: Core) -> None:
    nobody = EscalationId(uuid4())
    decision = make_decision(action="approve", reviewer="kim")
    for ask in (
        core.reviews.read(nobody, reader="kim"),
        core.reviews.claim(nobody, "kim"),
        core.reviews.release(nobody, "kim"),
        core.reviews.decide(nobody, decision, seen="x.1"),
    ):
        with pytest.raises(NotFoundError):
            await ask


# ---- decisions


async def test_only_who_claimed_it_decides_and_then_nobody_is_at_it_any_more(core: Core) -> None:
    review, other = [await paused(core, thread) for thread in ("talk", "another talk")]
    for claimed in (review, other):
        await core.reviews.claim(claimed, "kim")
    with pytest.raises(ConflictError, match="kim is at it") as taken:
        await decided(core, review, by="lee")
    assert taken.value.changes is not None
    assert (taken.value.changes["claimed_by"], taken.value.changes["decided"]) == ("kim", None)
    await decided(core, review, by="kim")
    rows = await core.rows("select status, claimed_by, claimed_until is null as free from escalations order by id")
    assert [(row["status"], row["claimed_by"], row["free"]) for row in rows] == [
        ("decided", None, True),
        ("open", "kim", False),
    ]


async def test_a_decision_is_kept_sealed_with_what_it_was_made_on_and_logged_without_its_words(core: Core) -> None:
    review = await paused(core)
    await core.write("talk", "are you there?")
    read = await seen(core, review)
    decision = make_decision(action="edit", reviewer="lee", text="My words.", reason=None)
    assert await core.reviews.decide(review, decision, seen=read.version, covers_later=True) == read.case_id
    (row,) = await core.rows(
        "select d.*, k.customer_id, k.wrapped, k.master_key_id from decisions d join customer_keys k on k.id = d.key_id"
    )
    sealed: Any = bytes(row["text_sealed"])
    assert key_of(core.keyring, row).open(sealed, place="decisions.text_sealed", row=row["id"]) == "My words."
    assert (row["escalation_id"], row["action"], row["reviewer"], row["reason_sealed"]) == (review, "edit", "lee", None)
    assert (row["seen_sequence"], row["covers_later"]) == (3, True)
    (event,) = await core.rows("select case_id, actor, data from events where kind = 'escalation.decided'")
    assert 0 <= event["data"].pop("seconds") < 60
    assert (event["case_id"], event["actor"]) == (read.case_id, "lee")
    assert event["data"] == {"escalation_id": str(review), "action": "edit"}


async def test_a_decision_makes_its_own_case_due_and_no_other(core: Core) -> None:
    review, _ = [await paused(core, thread) for thread in ("talk", "another talk")]
    await decided(core, review)
    (lease,) = await core.leases.claim_due(10)
    assert lease.case_id == (await seen(core, review)).case_id


async def test_a_decision_on_something_else_is_refused_with_what_is_there(core: Core) -> None:
    review = await paused(core)
    await core.deliver()
    await core.write("talk", "are you there?")
    decision = make_decision(action="approve", reviewer="kim")
    proposal, _, newest = (await seen(core, review)).version.partition(".")
    assert newest == "3"
    for version, changed, news in (
        (f"{proposal}.1", False, ["are you there?"]),
        (f"{proposal}.3x", False, [ASKS, "are you there?"]),
        ("0123.3", True, []),
        ("nonsense", True, [ASKS, "are you there?"]),
    ):
        with pytest.raises(ConflictError) as refused:
            await core.reviews.decide(review, decision, seen=version)
        changes = refused.value.changes
        assert (changes["proposal_changed"], changes["new_messages"]) == (changed, news)
        assert changes["version"] == f"{proposal}.3"
    assert await core.rows("select 1 from decisions") == []


async def test_an_action_that_is_not_offered_is_refused_with_what_is(core: Core) -> None:
    review = await paused(core)
    for _ in range(2):
        await decided(core, review, "reject", reason="no")
        read = await seen(core, review)
        await core.work(read.case_id)
        (queued,) = await core.reviews.queue()
        review = queued.id
    with pytest.raises(BadRequestError) as refused:
        await decided(core, review, "approve")
    assert refused.value.hint == "one of answer, take_over"
    assert await claimants(core) == [None]
