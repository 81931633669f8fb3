"""What a turn is told of the customer's other talks: the newest of them, of the last days, at the same price always."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.jobs import Retention, jobs
from infra.crypto.keyring import Keyring
from infra.postgres.checkpoints import SealedSerializer
from infra.postgres.queries import load
from skills.turn import Author, CustomerId, Message, MessageId
from tests.core import Core
from tests.integration.core.identity import Identities

DANA = "dana@example.com"


@pytest.fixture
def people(core: Core) -> Identities:
    return Identities(core)


async def test_the_newest_ten_of_the_last_week_that_were_seen_come_along_oldest_first(people: Identities) -> None:
    core = people.core
    old = await people.mail(DANA, "from long ago", thread="old")
    await core.rows(
        "update messages set received_at = now() - interval '8 days' where case_id = %s returning id", old.case_id
    )
    for number in range(12):
        await people.mail(DANA, f"line {number}", thread="busy")
    unsent = await people.mail(DANA, "answered, not delivered", thread="unsent")
    await core.work(unsent.case_id)
    turn = await people.turn(await people.mail(DANA, "and now?", thread="new"))
    texts = [said.text for said in turn.elsewhere]
    assert texts == [*(f"line {number}" for number in range(3, 12)), "answered, not delivered"]
    assert {said.channel for said in turn.elsewhere} == {"email"}
    assert turn.history == ()


async def test_an_earlier_case_of_the_same_talk_comes_along_once_it_is_over(people: Identities) -> None:
    first = await people.mail(DANA, "the first matter", thread="same")
    await people.answer(first)
    await people.core.cases.resolve(first.case_id, "kim")
    second = await people.mail(DANA, "the second", thread="same")
    assert second.case_id != first.case_id
    assert [said.text for said in (await people.turn(second)).elsewhere] == [
        "the first matter",
        "echo: the first matter",
    ]


async def test_a_part_of_the_customer_that_was_erased_is_left_out(people: Identities) -> None:
    chatted = await people.chat("talk", "from a chat")
    visitor = await people.customer_of(chatted)
    mailed = await people.mail(DANA, "by mail")
    await people.prove("talk", DANA)
    assert [said.text for said in (await people.turn(mailed)).elsewhere] == ["from a chat"]
    await people.core.rows(
        "update customer_keys set wrapped = null, destroyed_at = now() where customer_id = %s returning id", visitor
    )
    turn = await people.turn(mailed)
    assert (turn.elsewhere, turn.text) == ((), "by mail")


async def test_loading_reads_as_much_for_a_customer_of_many_cases_as_for_one_of_few(people: Identities) -> None:
    few = await people.mail("few@example.com", "hello", thread="few")
    many = await people.mail("many@example.com", "hello", thread="many")
    for receipt, cases in ((few, 8), (many, 400)):
        await people.core.rows(
            """
            with talks as (
                insert into conversations (id, customer_id, identity_id, channel, thread_index, created_at)
                select gen_random_uuid(), v.customer_id, v.identity_id, v.channel, decode(md5(v.id::text || n), 'hex'),
                    now() - n * interval '1 minute'
                from conversations v, generate_series(1, %s) n where v.id = %s
                returning id, customer_id, created_at
            ), opened as (
                insert into cases (id, customer_id, conversation_id, opened_at)
                select gen_random_uuid(), customer_id, id, created_at from talks returning id, conversation_id
            )
            insert into messages (id, case_id, conversation_id, key_id, sequence, position, direction, author, channel,
                provider_message_id, body_sealed, state)
            select gen_random_uuid(), o.id, o.conversation_id, m.key_id, n, n, 'in', 'customer', 'email',
                gen_random_uuid()::text, m.body_sealed, 'handled'
            from opened o, messages m, generate_series(1, 20) n where m.id = %s
            returning 1
            """,
            cases,
            receipt.conversation_id,
            receipt.message_id,
        )
    async with people.core.database.connection() as connection:
        await connection.execute("vacuum analyze")
        blocks = []
        for receipt in (few, many):
            await connection.execute(load("turns")["load_case"], {"case_id": receipt.case_id, "most": 50})
            plan: dict[str, Any] | None = await (
                await connection.execute(
                    "explain (analyze, buffers, format json) " + load("turns")["load_case"],
                    {"case_id": receipt.case_id, "most": 50},
                )
            ).fetchone()
            assert plan is not None
            blocks.append(plan["QUERY PLAN"][0]["Plan"]["Shared Hit Blocks"])
    assert blocks[1] <= blocks[0] * 1.5 + 20, blocks


@dataclass(frozen=True, slots=True)
class OldMessage:
    """A message as checkpoints of the release before have it."""

    id: MessageId
    sequence: int
    author: Author
    text: str
    received_at: datetime


def test_a_checkpoint_of_before_comes_to_life_without_what_it_did_not_know(keyring: Keyring) -> None:
    OldMessage.__module__, OldMessage.__qualname__, OldMessage.__name__ = "skills.turn", "Message", "Message"
    _, key = keyring.create(CustomerId(uuid4()))
    serializer = SealedSerializer(key, "thread")
    old = OldMessage(MessageId(UUID(int=1)), 1, "customer", "hello", datetime(2026, 1, 1, tzinfo=UTC))
    read = serializer.loads_typed(serializer.dumps_typed(old))
    assert read == Message(old.id, 1, "customer", "hello", old.received_at)
    assert replace(read, channel=None) == read


async def test_the_scheduler_forgets_codes_that_are_over(people: Identities) -> None:
    await people.chat("talk", "hello")
    await people.prove("talk", DANA)
    await people.core.rows("update verifications set created_at = now() - interval '3 days' returning id")
    found = {job.name: job for job in jobs(people.core.database, Retention(), people.verifications)}
    done = await found["codes"].run(None)  # type: ignore[arg-type] # it doesn't look at the reign
    assert done.counts == {"forgotten": 1}
    assert found["codes"].beat.every == timedelta(hours=1)
