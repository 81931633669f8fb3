"""Proof by one-time code: what it joins, what it shows, and what nobody sees before it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from api.sender import Sender
from channels.addresses import EMAIL, WHATSAPP
from channels.envelope import Accepted, Refused, Unknown
from infra.postgres.verification import CodeLimits
from skills.errors import NotFoundError, NotProvenError, TooManyError, WrongCodeError
from skills.turn import ConversationId
from tests.core import Core
from tests.integration.core.identity import Identities

DANA = "dana@example.com"
KAYAK = "the blue kayak of my aunt"


@pytest.fixture
def people(core: Core) -> Identities:
    return Identities(core)


async def test_a_visitor_who_proves_a_known_address_becomes_its_owner_and_sees_the_earlier_talk(
    people: Identities,
) -> None:
    mailed = await people.mail("Dana@Example.com ", KAYAK)
    await people.answer(mailed)
    chatted = await people.chat("talk", "hello there", email=DANA)
    assert await people.customer_of(chatted) != await people.customer_of(mailed)

    proof = await people.prove("talk", DANA)
    assert proof.outcome == "joined"
    assert proof.until is not None
    assert await people.customer_of(chatted) == await people.customer_of(mailed)
    talks = await people.earlier.talks("talk")
    assert [(talk.channel, talk.first_line, talk.here) for talk in talks] == [
        ("chat", "hello there", True),
        ("email", KAYAK, False),
    ]
    said = await people.earlier.messages("talk", ConversationId(mailed.conversation_id))
    assert [(one.author, one.text) for one in said] == [("customer", KAYAK), ("agent", f"echo: {KAYAK}")]


async def test_an_address_that_nobody_had_is_the_visitors_and_mail_from_it_comes_to_the_same_customer(
    people: Identities,
) -> None:
    chatted = await people.chat("talk", "hello", email=DANA)
    assert (await people.prove("talk", DANA)).outcome == "new"
    mailed = await people.mail(DANA, "and now by mail")
    assert await people.customer_of(mailed) == await people.customer_of(chatted)
    assert (await people.prove("talk", DANA)).outcome == "known"
    rows = await people.core.rows("select count(*) as n from identities where channel = 'email'")
    assert rows[0]["n"] == 1  # what was claimed is now proven


async def test_before_a_proof_nothing_of_anybody_is_seen(people: Identities) -> None:
    mailed = await people.mail(DANA, KAYAK, name="Dana Zanzibar")
    await people.answer(mailed)
    chatted = await people.chat("talk", "and in blue?", email=DANA)
    with pytest.raises(NotProvenError):
        await people.earlier.talks("talk")
    with pytest.raises(NotProvenError):
        await people.earlier.messages("talk", ConversationId(mailed.conversation_id))
    turn = await people.turn(chatted)
    assert (turn.customer.verified, turn.customer.name, turn.elsewhere, turn.history) == (False, None, (), ())
    assert KAYAK not in repr(turn)
    assert "Zanzibar" not in repr(turn)


async def test_after_a_proof_the_agent_knows_what_was_said_elsewhere(people: Identities) -> None:
    mailed = await people.mail(DANA, "do you have it in red?")
    await people.answer(mailed)
    chatted = await people.chat("talk", "and in blue?")
    await people.prove("talk", DANA)
    turn = await people.turn(chatted)
    assert turn.customer.verified
    assert [(said.channel, said.author, said.text) for said in turn.elsewhere] == [
        ("email", "customer", "do you have it in red?"),
        ("email", "agent", "echo: do you have it in red?"),
    ]
    assert turn.messages[0].channel is None


@pytest.mark.parametrize("how", ["forgotten", "over"])
async def test_a_proof_that_is_over_shows_nothing_any_more(people: Identities, how: str) -> None:
    mailed = await people.mail(DANA, KAYAK, name="Dana Zanzibar")
    await people.answer(mailed)
    chatted = await people.chat("talk", "hello")
    await people.prove("talk", DANA)
    if how == "forgotten":
        await people.proofs.forget("talk")
    else:
        await people.core.rows("update conversations set proven_until = now() where channel = 'chat' returning id")
    with pytest.raises(NotProvenError):
        await people.earlier.talks("talk")
    turn = await people.turn(chatted)
    assert (turn.customer.verified, turn.customer.name, turn.elsewhere) == (False, None, ())
    assert (await people.earlier.standing("talk")).until is None


async def test_somebody_elses_code_in_a_talk_that_is_known_joins_nothing(people: Identities) -> None:
    mailed = await people.mail(DANA, KAYAK)
    other = await people.mail("eli@example.com", "something else")
    chatted = await people.chat("talk", "hello")
    await people.prove("talk", DANA)
    await people.proofs.forget("talk")  # and now somebody else sits at the same screen
    for address in ("eli@example.com", "new@example.com"):
        proof = await people.prove("talk", address)
        assert (proof.outcome, proof.until) == ("contested", None)
    with pytest.raises(NotProvenError):
        await people.earlier.talks("talk")
    dana = await people.customer_of(mailed)
    assert await people.customer_of(chatted) == dana
    assert await people.customer_of(other) != dana
    page = await people.customers.read(dana, reader="kim")
    assert [(match.customer_id, match.theirs, match.contested) for match in page.possible_matches] == [
        (await people.customer_of(other), True, True)
    ]


async def test_while_a_proof_counts_a_second_address_can_be_added(people: Identities) -> None:
    chatted = await people.chat("talk", "hello")
    await people.prove("talk", DANA)
    assert (await people.prove("talk", "+4915112345678", WHATSAPP)).outcome == "new"
    written = await people.whatsapp("+4915112345678", "from my phone")
    assert await people.customer_of(written) == await people.customer_of(chatted)


async def test_a_talk_of_somebody_else_cannot_be_read_by_its_id(people: Identities) -> None:
    mailed = await people.mail("eli@example.com", KAYAK)
    hidden = await people.chat("another", "never proven")
    await people.chat("talk", "hello")
    await people.prove("talk", DANA)
    for receipt in (mailed, hidden):
        with pytest.raises(NotFoundError):
            await people.earlier.messages("talk", ConversationId(receipt.conversation_id))
    with pytest.raises(NotFoundError):
        await people.earlier.messages("talk", ConversationId(uuid4()))


async def test_what_staff_joined_without_a_proof_is_not_shown_to_the_customer(people: Identities) -> None:
    unproven = await people.chat("another", KAYAK)
    chatted = await people.chat("talk", "hello")
    await people.prove("talk", DANA)
    source, into = await people.customer_of(unproven), await people.customer_of(chatted)
    await people.customers.merge(source, into, reviewer="kim")
    assert [talk.here for talk in await people.earlier.talks("talk")] == [True]
    with pytest.raises(NotFoundError):
        await people.earlier.messages("talk", ConversationId(unproven.conversation_id))
    assert (await people.turn(chatted)).elsewhere == ()
    turn = await people.turn(unproven)
    assert (turn.customer.verified, turn.elsewhere) == (False, ())


async def test_a_code_counts_once_typed_in_right_for_its_life_and_five_tries(core: Core) -> None:
    people = Identities(core)
    await people.chat("talk", "hello")
    code = await people.code("talk", DANA)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(4):
        with pytest.raises(WrongCodeError):
            await people.verifications.try_code("talk", wrong)
    assert (await people.verifications.try_code("talk", code)).channel == EMAIL
    with pytest.raises(WrongCodeError):
        await people.verifications.try_code("talk", code)  # the sixth look
    code = await people.code("talk", DANA)
    await core.rows("update verifications set expires_at = now() returning id")
    with pytest.raises(WrongCodeError):
        await people.verifications.try_code("talk", code)


async def test_only_the_newest_code_of_the_same_talk_counts(people: Identities) -> None:
    await people.chat("talk", "hello")
    await people.chat("another", "hello")
    older, newer = await people.code("talk", DANA), await people.code("talk", "eli@example.com")
    assert older != newer
    with pytest.raises(WrongCodeError):
        await people.verifications.try_code("talk", older)
    with pytest.raises(WrongCodeError):
        await people.verifications.try_code("another", newer)
    assert (await people.verifications.try_code("talk", newer)).channel == EMAIL


@pytest.mark.parametrize("text", ["", "12345", "\uff11\uff12\uff13\uff14\uff15\uff16", "a" * 40, "\ud800", "0000000"])
async def test_what_is_no_code_is_refused_like_a_wrong_one(people: Identities, text: str) -> None:
    await people.chat("talk", "hello")
    await people.code("talk", DANA)
    with pytest.raises(WrongCodeError):
        await people.verifications.try_code("talk", text)


async def test_twenty_guesses_at_once_are_five_tries(people: Identities) -> None:
    await people.chat("talk", "hello")
    code = await people.code("talk", DANA)
    wrong = [f"{(int(code) + n) % 1_000_000:06}" for n in range(1, 21)]
    await asyncio.gather(*(people.verifications.try_code("talk", one) for one in wrong), return_exceptions=True)
    with pytest.raises(WrongCodeError):
        await people.verifications.try_code("talk", code)
    assert (await people.core.rows("select tries from verifications"))[0]["tries"] == 5


@pytest.mark.parametrize("limit", ["an_hour_to_address", "a_day_to_address", "an_hour_from_talk", "an_hour"])
async def test_codes_are_limited_by_address_by_talk_and_by_hour(core: Core, limit: str) -> None:
    people = Identities(core, replace(CodeLimits(), **{limit: 2}))  # type: ignore[arg-type] # they are all numbers
    for number in range(3):
        await people.chat(f"talk {number}", "hello")
    asked = {
        "an_hour_from_talk": [("talk 0", f"{number}@example.com") for number in range(3)],
        "an_hour": [(f"talk {number}", f"{number}@example.com") for number in range(3)],
    }.get(limit, [(f"talk {number}", DANA) for number in range(3)])
    results = await asyncio.gather(
        *(people.verifications.ask(talk, channel=EMAIL, address=address) for talk, address in asked[:2])
    )
    assert results == [None, None]
    with pytest.raises(TooManyError):
        await people.verifications.ask(asked[2][0], channel=EMAIL, address=asked[2][1])


async def test_asking_does_the_same_for_an_address_that_is_known(people: Identities) -> None:
    await people.mail(DANA, KAYAK)
    for thread, address in (("one", DANA), ("two", "nobody@example.com")):
        await people.chat(thread, "hello")
        await people.verifications.ask(thread, channel=EMAIL, address=address)
    rows = await people.core.rows("select state, channel, tries, length(address_index) as n from verifications")
    assert rows[0] == rows[1]
    for thread in ("one", "two"):
        standing = await people.earlier.standing(thread)
        assert (standing.until, standing.mentioned) == (None, ())


async def test_without_a_message_there_is_no_talk_to_prove_anything_in(people: Identities) -> None:
    for act in (
        people.verifications.ask("nowhere", channel=EMAIL, address=DANA),
        people.verifications.try_code("nowhere", "123456"),
        people.proofs.forget("nowhere"),
        people.earlier.standing("nowhere"),
    ):
        with pytest.raises(NotFoundError):
            await act


async def test_no_event_has_an_address_or_a_code(people: Identities) -> None:
    await people.mail(DANA, KAYAK)
    await people.chat("talk", "hello", email=DANA)
    code = await people.code("talk", DANA)
    with pytest.raises(WrongCodeError):
        await people.verifications.try_code("talk", "no code")
    await people.proofs.prove(await people.verifications.try_code("talk", code))
    await people.customers.find(DANA, reader="kim")
    kinds = {row["kind"] for row in await people.core.rows("select kind from events")}
    assert kinds >= {
        *("identity.code_asked", "identity.code_sent", "identity.code_refused", "identity.proven"),
        *("customer.merged", "customer.searched"),
    }
    for table in ("events", "verifications"):
        written = str(await people.core.rows(f"select row_to_json(t)::text as line from {table} t"))
        assert "dana" not in written.lower()
        assert code not in written


async def test_an_address_that_is_mentioned_is_worth_an_offer_and_nothing_else(people: Identities) -> None:
    await people.chat("typed", "hello", email=DANA)
    await people.chat("said", "I am dana@example.com or +49 151 12345678")
    assert (await people.earlier.standing("typed")).mentioned == ("email",)
    assert (await people.earlier.standing("said")).mentioned == ("email", "phone")


async def test_a_code_is_sent_by_its_channel_and_again_when_nobody_knows(people: Identities) -> None:
    sender = Sender(
        outbox=people.core.outbox,
        channels={EMAIL: people.mailbox},
        signals=people.core.signals,
        metrics=people.core.metrics,
        codes=people.verifications,
    )
    people.mailbox.results = [Unknown("the line broke"), Refused("busy", retry=True), Accepted()]
    await people.chat("talk", "hello")
    await people.verifications.ask("talk", channel=EMAIL, address=DANA)
    for _ in range(3):
        assert await sender.send_codes() == 1
        await people.core.rows("update verifications set due_at = now() returning id")
    assert await sender.send_codes() == 0
    sent = people.mailbox.taken
    assert {(one.kind, one.address, one.text, one.id) for one in sent} == {
        ("code", DANA, sent[0].text, sent[0].id),
    }
    assert (await people.verifications.try_code("talk", people.mailbox.code())).channel == EMAIL
    assert await people.core.rows("select 1 from outbox") == []


async def test_a_code_whose_sender_died_is_sent_by_the_next_and_one_that_is_refused_is_not(people: Identities) -> None:
    await people.chat("talk", "hello")
    await people.verifications.ask("talk", channel=EMAIL, address=DANA)
    assert len(await people.verifications.claim(10, [EMAIL])) == 1
    assert await people.verifications.claim(10, [EMAIL]) == []
    await people.core.rows("update verifications set claimed_until = now() - interval '1 second' returning id")
    (again,) = await people.verifications.claim(10, [EMAIL])
    assert again.attempt == 2
    await people.verifications.failed(again, "no such mailbox")
    assert await people.verifications.claim(10, [EMAIL]) == []
    assert [event["data"]["error"] for event in await people.events("identity.code_failed")] == ["no such mailbox"]


async def test_codes_that_are_long_over_are_deleted(people: Identities) -> None:
    await people.chat("talk", "hello")
    await people.prove("talk", DANA)
    assert await people.verifications.forget() == 0
    await people.core.rows("update verifications set created_at = now() - interval '3 days' returning id")
    assert await people.verifications.forget() == 1
    assert await people.earlier.talks("talk")


async def test_a_proof_and_mails_from_the_same_address_at_once_make_one_customer(people: Identities) -> None:
    for number in range(6):
        address, thread = f"dana{number}@example.com", f"talk {number}"
        chatted = await people.chat(thread, "hello")
        code = await people.verifications.try_code(thread, await people.code(thread, address))
        proof, first, second = await asyncio.gather(
            people.proofs.prove(code), people.mail(address, "by mail"), people.mail(address, "and again")
        )
        assert proof.outcome in {"new", "joined"}
        assert len({await people.customer_of(receipt) for receipt in (chatted, first, second)}) == 1


async def test_two_visitors_who_prove_one_address_at_once_are_one_customer(people: Identities) -> None:
    threads = [f"talk {number}" for number in range(6)]
    receipts = [await people.chat(thread, f"hello from {thread}") for thread in threads]
    codes = [await people.verifications.try_code(thread, await people.code(thread, DANA)) for thread in threads[:5]]
    proofs = await asyncio.gather(*(people.proofs.prove(code) for code in codes))
    assert sorted(proof.outcome for proof in proofs) == ["joined"] * 4 + ["new"]
    assert len({await people.customer_of(receipt) for receipt in receipts[:5]}) == 1
    assert len(await people.earlier.talks("talk 0")) == 5


async def test_messages_of_a_talk_that_is_being_joined_all_land_with_its_customer(people: Identities) -> None:
    mailed = await people.mail(DANA, "hello")
    chatted = await people.chat("talk", "hello")
    code = await people.verifications.try_code("talk", await people.code("talk", DANA))
    await people.core.rows(
        "update cases set status = 'resolved', resolved_at = now() where id = %s returning id", chatted.case_id
    )
    proving = asyncio.create_task(people.proofs.prove(code))
    receipts = await asyncio.gather(
        *(people.chat("talk", f"line {number}", email="x@example.com") for number in range(8))
    )
    await proving
    dana = await people.customer_of(mailed)
    strays = await people.core.rows(
        "select c.id from cases c join conversations v on v.id = c.conversation_id where c.customer_id <> v.customer_id"
    )
    assert strays == []
    assert {receipt.case_id for receipt in receipts} != {chatted.case_id}
    assert await people.customer_of(receipts[0]) == dana
    claims = await people.core.rows("select distinct customer_id from identities where verified_at is null")
    assert [claim["customer_id"] for claim in claims] == [dana]


async def test_one_person_writes_by_web_then_mail_then_whatsapp_and_is_one_customer(people: Identities) -> None:
    number = "+4915112345678"
    web = await people.chat("talk", "do you ship to Austria?", name="Dana")
    await people.answer(web)
    mailed = await people.mail(DANA, "and in blue?")
    assert (await people.turn(mailed)).elsewhere == ()  # nothing links them yet
    await people.answer(mailed)
    assert (await people.prove("talk", DANA)).outcome == "joined"
    phoned = await people.whatsapp(number, "and by Friday?")
    assert (await people.turn(phoned)).elsewhere == ()
    await people.answer(phoned)
    assert (
        await people.prove("talk", number, WHATSAPP)
    ).outcome == "contested"  # two who proved something: staff decides
    mine, theirs = await people.customer_of(web), await people.customer_of(phoned)
    page = await people.customers.read(mine, reader="kim")
    assert [match.customer_id for match in page.possible_matches] == [theirs]
    await people.customers.merge(theirs, mine, reviewer="kim")

    again = await people.whatsapp(number, "are you there?")
    assert [said.text for said in (await people.turn(again)).elsewhere] == [
        "do you ship to Austria?",
        "echo: do you ship to Austria?",
        "and in blue?",
        "echo: and in blue?",
    ]
    assert {talk.channel for talk in await people.earlier.talks("talk")} == {"chat", "email", "whatsapp"}
    assert len({await people.customer_of(receipt) for receipt in (web, mailed, phoned, again)}) == 1
