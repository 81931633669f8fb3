"""Who writes: known by the talk, by a proven address, or not at all; and what one message leaves in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.envelope import ClaimedAddress, Envelope
from channels.web import CHAT
from infra.postgres.database import Connection
from infra.postgres.inbox import MAX_CHARACTERS, Inbox, Receipt, Stored
from infra.postgres.pace import Pace
from infra.postgres.seals import key_of
from skills.errors import ConflictError, DatabaseUnavailableError, InvalidMessageError
from skills.turn import CaseId, ChannelName, Language
from tests.core import NOW, Core

MAIL = ChannelName("mail")
RESOLVE = "update cases set status = 'resolved', resolved_at = now() where id = %s returning 1"
KIM = ClaimedAddress(MAIL, "kim@example.com")


def a_mail(thread: str, *, address: str = "kim@example.com", key: str | None = None, text: str = "hello") -> Envelope:
    """A message whose address is proven."""
    return Envelope(
        channel=MAIL, provider_message_id=key or f"<{thread}>", thread=thread, address=address, verified=True, text=text
    )


def a_chat(thread: str, *, key: str | None = None, text: str = "hello") -> Envelope:
    """A first message in the browser."""
    return Envelope(
        channel=CHAT, provider_message_id=key or f"<{thread}>", thread=thread, address=thread, verified=False, text=text
    )


async def receive(core: Core, envelope: Envelope, *, settle: timedelta = NOW) -> Receipt:
    return await core.inbox.receive(envelope, settle=settle)


async def count(core: Core, table: str) -> int:
    (row,) = await core.rows(f"select count(*) as n from {table}")
    return int(row["n"])


async def customers_of(core: Core, *receipts: Receipt) -> list[Any]:
    """Whose conversations these are."""
    ids = [receipt.conversation_id for receipt in receipts]
    rows = await core.rows("select id, customer_id from conversations where id = any(%s)", ids)
    by_id = {row["id"]: row["customer_id"] for row in rows}
    return [by_id[conversation_id] for conversation_id in ids]


# ---- who writes


async def test_who_has_proven_an_address_is_known_by_it_in_another_talk(core: Core) -> None:
    first, second = [await receive(core, a_mail(thread)) for thread in ("one", "two")]
    stranger = await receive(core, a_mail("three", address="lee@example.com"))
    known, again, other = await customers_of(core, first, second, stranger)
    assert known == again != other
    assert len({first.case_id, second.case_id, stranger.case_id}) == 3
    assert (second.sequence, second.position) == (1, 1)
    assert (await core.claim(second.case_id)).case_id == second.case_id


async def test_the_same_address_on_another_channel_is_somebody_else(core: Core) -> None:
    mail = await receive(core, a_mail("one"))
    other = await receive(core, replace(a_mail("two"), channel=ChannelName("whatsapp")))
    known, stranger = await customers_of(core, mail, other)
    assert known != stranger


async def test_ten_talks_at_once_from_a_new_proven_address_are_one_customers(core: Core) -> None:
    receipts = await asyncio.gather(*(receive(core, a_mail(f"talk {n}")) for n in range(10)))
    assert len(set(await customers_of(core, *receipts))) == 1
    assert len({receipt.conversation_id for receipt in receipts}) == 10
    assert await count(core, "customers") == 1


async def test_two_known_people_who_begin_the_same_talk_at_once_are_in_one(core: Core) -> None:
    addresses = [f"{name}@example.com" for name in ("kim", "lee", "ada", "bob")]
    for address in addresses:
        await receive(core, a_mail(f"before of {address}", address=address))
    receipts = await asyncio.gather(
        *(receive(core, a_mail("shared", address=address, key=address)) for address in addresses)
    )
    assert len({receipt.conversation_id for receipt in receipts}) == 1
    assert len({receipt.case_id for receipt in receipts}) == 1
    assert sorted(receipt.sequence for receipt in receipts) == [1, 2, 3, 4]


async def test_known_people_who_write_at_once_after_their_case_was_resolved_open_one_case(core: Core) -> None:
    addresses = [f"{name}@example.com" for name in ("kim", "lee", "ada", "bob")]
    first = await receive(core, a_mail("shared", address=addresses[0]))
    await core.rows(RESOLVE, first.case_id)
    receipts = await asyncio.gather(
        *(receive(core, a_mail("shared", address=address, key=address)) for address in addresses)
    )
    assert {receipt.conversation_id for receipt in receipts} == {first.conversation_id}
    assert len({receipt.case_id for receipt in receipts} - {first.case_id}) == 1
    assert sorted(receipt.sequence for receipt in receipts) == [1, 2, 3, 4]


async def test_every_text_and_address_is_sealed_with_its_own_customers_key(core: Core) -> None:
    for n in range(2):
        for thread in ("one", "two", "three"):
            await receive(core, a_chat(thread, key=f"chat {thread} {n}"))
            await receive(core, a_mail(f"{thread} {n}", address=f"{thread}@example.com"))
            await receive(core, replace(a_chat(thread, key=f"claim {thread} {n}"), claims=(KIM,)))
    strangers = await core.rows(
        "select m.id from messages m join cases c on c.id = m.case_id join customers u on u.id = c.customer_id"
        " where m.key_id <> u.key_id union all"
        " select i.id from identities i join customers u on u.id = i.customer_id where i.key_id <> u.key_id"
    )
    assert strangers == []
    assert (await count(core, "customers"), await count(core, "messages")) == (6, 18)


async def test_what_somebody_only_claims_to_be_makes_them_nobody(core: Core) -> None:
    claims = await receive(core, replace(a_chat("chat"), claims=(KIM,)))
    proves = await receive(core, a_mail("mail"))
    claimant, owner = await customers_of(core, claims, proves)
    assert claimant != owner
    rows = await core.rows("select customer_id, channel, verified_at is null as claimed from identities order by id")
    assert [(row["customer_id"] == claimant, row["channel"], row["claimed"]) for row in rows] == [
        (True, CHAT, True),
        (True, MAIL, True),
        (False, MAIL, False),
    ]


@pytest.mark.parametrize("later", [False, True])
async def test_a_claim_is_written_down_once_however_often_it_is_made(core: Core, later: bool) -> None:
    first = a_chat("chat") if later else replace(a_chat("chat"), claims=(KIM,))
    await receive(core, first)
    again = [await receive(core, replace(a_chat("chat", key=f"again {n}"), claims=(KIM,))) for n in range(2)]
    assert [receipt.sequence for receipt in again] == [2, 3]
    assert [row["channel"] for row in await core.rows("select channel from identities order by id")] == [CHAT, MAIL]
    await receive(core, replace(a_chat("another chat"), claims=(KIM,)))
    await receive(core, replace(a_chat("chat", key="other"), claims=(ClaimedAddress(MAIL, "other@example.com"),)))
    await receive(core, replace(a_chat("chat", key="call"), claims=(ClaimedAddress(ChannelName("sms"), KIM.address),)))
    assert await count(core, "identities") == 6


async def test_a_message_with_a_claim_in_an_open_case_is_due_at_once_however_many_cases_there_were(core: Core) -> None:
    core.inbox = Inbox(core.database, core.keyring, Pace(cases_an_hour=1))
    cases: list[CaseId] = []
    for n in range(3):
        for resolved in cases[-1:]:
            await core.rows(RESOLVE, resolved)
        cases.append((await receive(core, a_chat("chat", key=f"{n}"))).case_id)
        await core.rows("update case_work set due_at = now() where case_id = %s returning 1", cases[-1])
        await core.work(cases[-1])
    claims = await receive(core, replace(a_chat("chat", key="claims"), claims=(KIM,)))
    assert claims.case_id == cases[-1] != cases[0]
    assert (await core.claim(cases[-1])).attempts == 1


async def test_a_talk_is_known_by_its_channel_and_thread(core: Core) -> None:
    chat, mail = await receive(core, a_chat("same")), await receive(core, a_mail("same"))
    assert chat.conversation_id != mail.conversation_id
    again = await receive(core, a_chat("same", key="again"))
    assert (again.conversation_id, again.duplicate, again.waits) == (chat.conversation_id, False, True)


# ---- the beginning of a talk


async def test_a_beginning_that_is_sent_again_finds_what_it_began(core: Core) -> None:
    envelope = replace(a_chat("chat"), begins=True)
    first, again = await receive(core, envelope), await receive(core, envelope)
    assert (first.duplicate, first.waits, first.sequence, first.position) == (False, True, 1, 1)
    assert again == replace(first, duplicate=True, waits=False)
    later = await receive(core, a_chat("chat", key="later"))
    assert later.conversation_id == first.conversation_id
    assert later.sequence > 1  # one that came again has used up a number
    assert await count(core, "customers") == 1


async def test_a_beginning_in_a_talk_that_has_begun_goes_on_with_it(core: Core) -> None:
    first = await receive(core, a_chat("chat"))
    second = await receive(core, replace(a_chat("chat", key="second"), begins=True))
    assert (second.conversation_id, second.case_id, second.sequence) == (first.conversation_id, first.case_id, 2)


async def test_the_same_message_in_another_talk_is_found_where_it_was_first(core: Core) -> None:
    first = await receive(core, a_chat("chat", key="same"))
    again = await receive(core, a_chat("another chat", key="same"))
    assert (again.message_id, again.conversation_id, again.duplicate) == (first.message_id, first.conversation_id, True)
    assert [await count(core, table) for table in ("customers", "conversations", "messages")] == [1, 1, 1]


async def test_a_proven_message_that_is_sent_again_in_another_talk_leaves_nothing_there(core: Core) -> None:
    await receive(core, a_mail("one", key="same"))
    assert (await receive(core, a_mail("two", key="same"))).duplicate
    assert [await count(core, table) for table in ("customers", "conversations", "cases")] == [1, 1, 1]


async def test_the_same_id_on_another_channel_is_another_message(core: Core) -> None:
    receipts = [await receive(core, a_chat("chat", key="same")), await receive(core, a_mail("mail", key="same"))]
    assert [receipt.duplicate for receipt in receipts] == [False, False]
    again = [await receive(core, a_chat("chat", key="same")), await receive(core, a_mail("mail", key="same"))]
    assert again == [replace(receipt, duplicate=True, waits=False) for receipt in receipts]
    with pytest.raises(ConflictError):
        await receive(core, a_mail("mail", key="same", text="something else"))


# ---- what a message leaves


async def test_a_new_customer_is_kept_with_name_and_language(core: Core) -> None:
    written = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    envelope = replace(a_chat("chat"), name=f"  {'K' * 250} ", language=Language("de"), written_at=written)
    await receive(core, envelope)
    (row,) = await core.rows(
        "select u.id, u.name_sealed, u.language, m.provider_time, k.id as key_id, k.customer_id, k.wrapped,"
        " k.master_key_id from customers u join customer_keys k on k.id = u.key_id join messages m on true"
    )
    assert (
        key_of(core.keyring, row).open(bytes(row["name_sealed"]), place="customers.name_sealed", row=row["id"])
        == "K" * 200
    )
    assert (row["language"], row["provider_time"]) == ("de", written)


@pytest.mark.parametrize("name", [None, "", "  "])
async def test_a_customer_without_a_name_has_none(core: Core, name: str | None) -> None:
    await receive(core, replace(a_chat("chat"), name=name))
    assert await core.rows("select name_sealed from customers") == [{"name_sealed": None}]


async def test_every_message_is_logged_as_the_customers(core: Core) -> None:
    receipts = [await receive(core, a_chat("chat", key=key)) for key in ("one", "two")]
    rows = await core.rows("select kind, case_id, actor, data from events order by at, id")
    assert [(row["kind"], row["case_id"], row["actor"], row["data"]) for row in rows] == [
        ("message.received", r.case_id, "customer", {"channel": "chat", "message_id": str(r.message_id)})
        for r in receipts
    ]


async def test_a_message_to_a_person_waits_for_nobody_else(core: Core) -> None:
    receipt = await receive(core, a_chat("chat"))
    await core.cases.take_over(receipt.case_id, "kim")
    later = await receive(core, a_chat("chat", key="later"))
    assert (later.sequence, later.waits) == (2, False)
    assert await core.leases.claim(receipt.case_id) is None


async def test_the_settle_time_counts_from_the_first_message_that_waits(core: Core) -> None:
    receipt = await receive(core, a_chat("chat"), settle=timedelta(minutes=10))
    await receive(core, a_chat("chat", key="later"), settle=timedelta(hours=1))
    (row,) = await core.rows("select due_at - now() < interval '11 minutes' as soon from case_work")
    assert row["soon"]
    await receive(core, a_chat("chat", key="latest"))
    assert (await core.claim(receipt.case_id)).attempts == 1


async def test_a_message_counts_in_its_own_case_and_conversation_only(core: Core) -> None:
    for thread in ("one", "two"):
        await receive(core, a_chat(thread))
    await receive(core, a_chat("one", key="later"))
    numbers = "select next_sequence, next_position from cases c join conversations v on v.id = c.conversation_id"
    rows = await core.rows(f"{numbers} order by c.opened_at, c.id")
    assert [(row["next_sequence"], row["next_position"]) for row in rows] == [(3, 3), (2, 2)]


@pytest.mark.parametrize(("length", "taken"), [(MAX_CHARACTERS, True), (MAX_CHARACTERS + 1, False)])
async def test_the_longest_message_is_taken_and_one_character_more_is_not(core: Core, length: int, taken: bool) -> None:
    if taken:
        assert (await receive(core, a_chat("chat", text="x" * length))).sequence == 1
    else:
        with pytest.raises(InvalidMessageError):
            await receive(core, a_chat("chat", text="x" * length))


class Unlucky(Inbox):
    """The case is resolved so often just before the message is stored."""

    times = 0
    asked = 0

    async def _insert(
        self, connection: Connection, envelope: Envelope, known: Mapping[str, Any], settle: timedelta
    ) -> Stored | None:
        self.asked += 1
        return None if self.asked <= self.times else await super()._insert(connection, envelope, known, settle)


@pytest.mark.parametrize(("times", "stored"), [(4, True), (5, False)])
async def test_a_message_whose_case_is_resolved_again_and_again_is_refused_in_the_end(
    core: Core, times: int, stored: bool
) -> None:
    await receive(core, a_chat("chat"))
    inbox = Unlucky(core.database, core.keyring)
    inbox.times = times
    if stored:
        assert (await inbox.receive(a_chat("chat", key="later"), settle=NOW)).sequence == 2
    else:
        with pytest.raises(DatabaseUnavailableError):
            await inbox.receive(a_chat("chat", key="later"), settle=NOW)
    assert inbox.asked == 5
