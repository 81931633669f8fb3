"""A thousand messages through real processes, while workers are killed and Redis is emptied."""

from __future__ import annotations

import asyncio
import random
import re
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from infra.crypto.keyring import Keyring, decode_key
from infra.postgres.database import Database
from infra.postgres.queries import parse
from infra.postgres.seals import key_of
from tests.core import make_core
from tests.product import KEY, Product, environment

CONVERSATIONS = 100
EACH = 10
KILLS = 20

STATE = parse("""
-- name: inbound
select state, count(*) as n from messages where direction = 'in' group by state order by state
-- name: unsettled
select count(*) as n from messages where direction = 'in' and state = 'waiting'
-- name: undelivered
select count(*) as n from outbox where state <> 'sent'
-- name: turns
select t.id, t.case_id, t.first_sequence, t.last_sequence,
    (select count(*) from outbox o where o.intent_id = t.id) as replies,
    (select count(*) from messages m where m.turn_id = t.id and m.direction = 'in') as messages
from turns t order by t.case_id, t.first_sequence
""")


async def fetch(database: Database, name: str) -> list[dict[str, Any]]:
    async with database.connection() as connection:
        return await (await connection.execute(STATE[name])).fetchall()


async def settled(database: Database) -> bool:
    (unsettled,) = await fetch(database, "unsettled")
    (undelivered,) = await fetch(database, "undelivered")
    return not unsettled["n"] and not undelivered["n"]


async def write_all(product: Product, number: int) -> str:
    """One customer: ten numbered messages, in quick succession and with pauses; the conversation's token."""
    connection = await product.connect()
    token = None
    for n in range(EACH):
        taken = await connection.post_message(f"m{number}-{n}", token)
        token = taken["conversation_token"]
        await asyncio.sleep(random.Random(number * EACH + n).uniform(0, 3.0))
    connection.close()
    assert token is not None
    return str(token)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("redis", ["redis", "no redis"])
async def test_every_message_is_answered_once_and_in_order_while_workers_are_killed(
    database: Database, database_url: str, redis_url: str, redis: str
) -> None:
    prefix = uuid4().hex
    server = redis_url if redis == "redis" else None
    async with Product(environment(database_url, server, CSAGENT_REDIS_PREFIX=prefix)) as product:

        async def kill_workers() -> None:
            for n in range(KILLS if server else KILLS // 4):
                await asyncio.sleep(1.0)
                await product.kill(f"worker {n % 2}")
                if server and n == KILLS // 2:
                    async with Redis.from_url(server) as client:
                        await client.flushall()

        killing = asyncio.create_task(kill_workers())
        conversations = CONVERSATIONS if server else CONVERSATIONS // 4
        tokens = await asyncio.gather(*(write_all(product, number) for number in range(conversations)))
        await killing
        async with asyncio.timeout(60):
            while not await settled(database):  # noqa: ASYNC110 - other processes do the work
                await asyncio.sleep(0.2)

    assert await fetch(database, "inbound") == [{"state": "handled", "n": conversations * EACH}]
    turns = await fetch(database, "turns")
    assert all(turn["replies"] == 1 for turn in turns)
    assert sum(turn["messages"] for turn in turns) == conversations * EACH
    for before, after in pairwise(turns):
        if before["case_id"] == after["case_id"]:
            assert before["last_sequence"] < after["first_sequence"]
    key = decode_key("test", KEY)
    core = make_core(database, Keyring({"test": key}, key))
    assert len(set(tokens)) == conversations
    for thread in await core.rows("select id from conversations"):
        await every_message_was_echoed_in_order(core, thread["id"])


async def every_message_was_echoed_in_order(core: Any, conversation_id: Any) -> None:
    rows = await core.rows(
        "select m.id, m.author, m.body_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id"
        " from messages m join customer_keys k on k.id = m.key_id where m.conversation_id = %s order by m.position",
        conversation_id,
    )
    texts = [
        (row["author"], key_of(core.keyring, row).open(row["body_sealed"], place="messages.body_sealed", row=row["id"]))
        for row in rows
    ]
    written = [text for author, text in texts if author == "customer"]
    echoed = [part for author, text in texts if author == "agent" for part in re.findall(r"m\d+-\d+", text)]
    assert echoed == written
    assert [int(text.partition("-")[2]) for text in written] == list(range(EACH))
