"""A made-up history, read back through the product's own repositories."""

from __future__ import annotations

import pytest

from channels.web import CHAT
from channels.web.signature import TokenSigner
from evals.loadtest.history import History, seeded_key
from evals.loadtest.questions import sample_answers, sample_questions
from evals.loadtest.seed import seed
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.turn import CaseId
from tests.core import Core, make_core

TEXTS = (sample_questions(), sample_answers())
TABLES = ("customers", "conversations", "cases", "case_work", "messages", "turns", "outbox", "escalations", "events")


@pytest.fixture
async def core(database: Database, keyring: Keyring) -> Core:
    return make_core(database, keyring)


async def count(core: Core, table: str) -> int:
    (row,) = await core.rows(f"select count(*) as rows from {table}")
    return int(row["rows"])


async def test_a_history_has_exactly_the_messages_and_cases_that_were_asked_for(core: Core) -> None:
    told: list[int] = []
    done = await seed(core.database, core.keyring, messages=2001, cases=301, texts=TEXTS, on_messages=told.append)
    assert await count(core, "messages") == done.messages == sum(told) == 2001
    assert await count(core, "cases") == await count(core, "case_work") == done.cases == 301
    assert all([await count(core, table) for table in TABLES])
    (row,) = await core.rows(
        "select count(*) as gaps from cases c where next_sequence - 1 <> (select count(*) from messages"
        " where case_id = c.id) or next_sequence - 1 <> (select max(sequence) from messages where case_id = c.id)"
    )
    assert row["gaps"] == 0


async def test_every_reference_is_there_and_checked_again_afterwards(core: Core) -> None:
    before = await core.rows("select conname, convalidated from pg_constraint where contype = 'f' order by conname")
    await seed(core.database, core.keyring, messages=400, cases=100, texts=TEXTS)
    assert before == await core.rows(
        "select conname, convalidated from pg_constraint where contype = 'f' order by conname"
    )


async def test_nothing_waits_and_every_reply_was_sent(core: Core) -> None:
    await seed(core.database, core.keyring, messages=1000, cases=200, texts=TEXTS, waiting=(3, 2))
    assert len(await core.reviews.queue()) == 3
    assert len(await core.cases.owned_by_people()) == 2
    assert await core.leases.claim_due(10) == []
    assert (await core.outbox.backlog()).pending == 0
    states = await core.rows("select distinct direction, state from messages order by 1, 2")
    assert [tuple(row.values()) for row in states] == [("in", "handled"), ("in", "human"), ("out", "delivered")]


async def test_staff_can_read_the_made_up_cases_and_what_waits_for_review(core: Core) -> None:
    await seed(core.database, core.keyring, messages=2000, cases=400, texts=TEXTS)
    (item, *_) = await core.reviews.queue()
    assert item.first_line in TEXTS[0]
    read = await core.reviews.read(item.id, reader="kim")
    assert {message.text for message in read.transcript} <= {*TEXTS[0], *TEXTS[1]}
    (owned, *_) = await core.cases.owned_by_people()
    assert owned.waiting >= 1
    case = await core.cases.read(CaseId(owned.id), reader="kim")
    assert case.customer_name is not None


async def test_a_web_customer_finds_the_made_up_conversation_and_goes_on_with_it(core: Core) -> None:
    await seed(core.database, core.keyring, messages=200, cases=20, texts=TEXTS)
    tokens = TokenSigner(core.keyring.derive("conversation tokens"))
    found = 0
    for number in range(20):
        thread = tokens.issue(seeded_key(number)).thread
        try:
            before = await core.seen(thread)
        except NotFoundError:  # by mail or phone
            continue
        receipt = await core.write(thread, "And one more thing?")
        assert receipt.position == len(before) + 1
        if receipt.waits:
            await core.work(receipt.case_id)
            await core.deliver()
            assert (await core.said(thread))[-1].startswith("agent: echo: And one more thing?")
            found += 1
    assert found


async def test_events_lie_in_the_partitions_of_their_months(core: Core) -> None:
    await seed(core.database, core.keyring, messages=1000, cases=100, texts=TEXTS)
    assert await count(core, "events_default") == 0
    (row,) = await core.rows("select count(distinct tableoid) as partitions from events")
    assert row["partitions"] >= 3


async def test_a_second_history_goes_on_beside_the_first(core: Core) -> None:
    for _ in range(2):
        await seed(core.database, core.keyring, messages=100, cases=20, texts=TEXTS)
    assert await count(core, "cases") == 40


async def test_a_database_with_customers_of_its_own_is_refused_unless_it_is_said_to_be_right(core: Core) -> None:
    await core.write("somebody", "hello")
    with pytest.raises(ConflictError, match="1 customer of its own"):
        await seed(core.database, core.keyring, messages=100, cases=20, texts=TEXTS)
    assert await count(core, "messages") == 1
    await seed(core.database, core.keyring, messages=100, cases=20, texts=TEXTS, beside_customers=True)
    assert await count(core, "messages") == 101


async def test_a_history_that_breaks_off_leaves_nothing_and_no_reference_missing(core: Core) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    references = await count(core, "pg_constraint")
    with pytest.raises(KeyboardInterrupt):
        await seed(core.database, core.keyring, messages=100, cases=20, texts=TEXTS, on_messages=stop)
    assert await count(core, "messages") == 0
    assert await count(core, "pg_constraint") == references


@pytest.mark.parametrize(("messages", "cases"), [(3, 2), (10, 0)])
def test_less_than_two_messages_a_case_are_refused(keyring: Keyring, messages: int, cases: int) -> None:
    with pytest.raises(BadRequestError):
        History(keyring, messages=messages, cases=cases, texts=TEXTS)


def test_more_cases_that_wait_for_people_than_there_are_are_refused(keyring: Keyring) -> None:
    with pytest.raises(BadRequestError, match="more cases wait"):
        History(keyring, messages=20, cases=10, texts=TEXTS, paused=8, owned=3)


async def test_the_channel_of_a_made_up_customer_is_one_that_they_know(core: Core) -> None:
    await seed(core.database, core.keyring, messages=1000, cases=200, texts=TEXTS)
    rows = await core.rows("select channel, count(*) as talks from conversations group by 1 order by 2 desc")
    assert [row["channel"] for row in rows] == [CHAT, "email", "whatsapp"]
