"""Customers who write while workers are killed and Redis is emptied, and what has to be true afterwards."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from infra.crypto.keyring import Keyring, decode_key
from infra.postgres.database import Database
from infra.postgres.queries import parse
from infra.postgres.seals import key_of
from tests.product import KEY, Product

EACH = 10
"""Messages of one conversation."""

STATE = parse("""
-- name: unsettled
select (select count(*) from messages where direction = 'in' and state = 'waiting')
    + (select count(*) from outbox where state <> 'sent') as n
-- name: counts
select (select count(*) from messages where direction = 'in' and state = 'handled') as handled,
    (select count(*) from outbox where state = 'unknown') as unknown
-- name: turns
select t.id, t.case_id, t.first_sequence, t.last_sequence,
    (select count(*) from outbox o where o.intent_id = t.id) as replies
from turns t order by t.case_id, t.first_sequence
-- name: messages
select m.id, m.conversation_id, m.author, m.body_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m join customer_keys k on k.id = m.key_id
order by m.conversation_id, m.position
""")


@dataclass(frozen=True)
class Verdict:
    """What became of the messages. ``reordered`` counts conversations, ``doubled`` turns with more than one reply."""

    messages: int
    faults: int
    lost: int
    reordered: int
    doubled: int
    unknown: int


class Scenario:
    """One run.

    Args:
        product: the running processes.
        database: theirs.
        conversations: how many customers write, ten messages each.
        kills: how often a worker is killed with -9, one a second, in turn.
        seed: of the customers' pauses.
        redis_url: emptied half-way, when there is one.
    """

    def __init__(
        self,
        product: Product,
        database: Database,
        *,
        conversations: int,
        kills: int,
        seed: int = 1,
        redis_url: str | None = None,
    ) -> None:
        self._product = product
        self._database = database
        self._conversations = conversations
        self._kills = kills
        self._seed = seed
        self._redis_url = redis_url

    async def run(self, *, patience: float = 60.0) -> Verdict:
        """Write everything under faults, wait until all is settled, and judge."""
        faults = asyncio.create_task(self._faults())
        await asyncio.gather(*(self._write_all(number) for number in range(self._conversations)))
        count = await faults
        async with asyncio.timeout(patience):
            while (await self._rows("unsettled"))[0]["n"]:  # noqa: ASYNC110 - other processes do the work
                await asyncio.sleep(0.2)
        return await self._judge(count)

    async def _faults(self) -> int:
        count = 0
        for n in range(self._kills):
            await asyncio.sleep(1.0)
            await self._product.kill(f"worker {n % 2}")
            count += 1
            if self._redis_url and n == self._kills // 2:
                async with Redis.from_url(self._redis_url) as client:
                    await client.flushall()
                count += 1
        return count

    async def _write_all(self, number: int) -> None:
        """One customer: ten numbered messages, in quick succession and with pauses."""
        dice = random.Random(self._seed * 1_000_003 + number)
        connection = await self._product.connect()
        token = None
        for n in range(EACH):
            taken = await connection.post_message(f"m{number}-{n}", token)
            token = taken["conversation_token"]
            await asyncio.sleep(dice.uniform(0, 3.0))
        connection.close()

    async def _judge(self, faults: int) -> Verdict:
        (counts,) = await self._rows("counts")
        turns = await self._rows("turns")
        conversations = self._texts(await self._rows("messages"))
        overlapping = sum(
            before["case_id"] == after["case_id"] and before["last_sequence"] >= after["first_sequence"]
            for before, after in pairwise(turns)
        )
        written = self._conversations * EACH
        return Verdict(
            messages=written,
            faults=faults,
            lost=written - counts["handled"] + sum(_unanswered(texts) for texts in conversations),
            reordered=sum(not _in_order(texts) for texts in conversations) + overlapping,
            doubled=sum(turn["replies"] != 1 for turn in turns),
            unknown=counts["unknown"],
        )

    def _texts(self, rows: Sequence[dict[str, Any]]) -> list[list[tuple[str, str]]]:
        """Each conversation as the customer sees it: author and text."""
        key = decode_key("test", KEY)
        keyring = Keyring({"test": key}, key)
        conversations: dict[UUID, list[tuple[str, str]]] = {}
        for row in rows:
            text = key_of(keyring, row).open(bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"])
            conversations.setdefault(row["conversation_id"], []).append((row["author"], text))
        return list(conversations.values())

    async def _rows(self, name: str) -> list[dict[str, Any]]:
        async with self._database.connection() as connection:
            return await (await connection.execute(STATE[name])).fetchall()


def _echoed(texts: Sequence[tuple[str, str]]) -> list[str]:
    return [part for author, text in texts if author == "agent" for part in re.findall(r"m\d+-\d+", text)]


def _unanswered(texts: Sequence[tuple[str, str]]) -> int:
    return len({text for author, text in texts if author == "customer"} - set(_echoed(texts)))


def _in_order(texts: Sequence[tuple[str, str]]) -> bool:
    """Every message was echoed once, in the order in which they were written."""
    written = [text for author, text in texts if author == "customer"]
    return _echoed(texts) == written and [int(text.partition("-")[2]) for text in written] == list(range(EACH))
