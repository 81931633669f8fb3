"""Fills a database with a made-up history, so that what the product does over a million messages can be measured.

All of it is one transaction: broken off anywhere, nothing was written. References are checked once in the end, and the
tables are locked meanwhile, so the product should not run. A database with customers of its own is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

from api.commands.printing import plural
from evals.loadtest.history import History
from evals.loadtest.rows import COLUMNS
from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.queries import parse
from skills.errors import ConflictError

Texts = tuple[tuple[str, ...], tuple[str, ...]]
"""What customers write, and what is answered."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was written, and how long it took: the rows, and all of it with the checks in the end. Seconds."""

    messages: int
    cases: int
    rows: int
    writing_seconds: float
    seconds: float


async def seed(
    database: Database,
    keyring: Keyring,
    *,
    messages: int,
    cases: int,
    texts: Texts,
    waiting: tuple[int, int] | None = None,
    beside_customers: bool = False,
    on_messages: Callable[[int], None] = lambda _: None,
) -> Seeded:
    """Write a history, beside any that was written before.

    Args:
        database: migrated, and not in use.
        keyring: the service's own.
        messages: how many in all.
        cases: how many in all, each with a conversation.
        texts: see there.
        waiting: how many cases wait for a reviewer, and how many are a person's; a share of all, if left out.
        beside_customers: go on where there are real customers too. What is made up can't be taken out again.
        on_messages: is told how many messages were written since the last time.

    Raises:
        ConflictError: the database has customers of its own.
        BadRequestError: there are less than two messages a case, or more cases wait than there are.
    """
    sql = parse(files("evals.loadtest").joinpath("seed.sql").read_text(encoding="utf-8"))
    began = time.monotonic()
    rows = 0
    async with database.transaction() as connection:
        await connection.execute(sql["unhurried"])
        first = await _count(connection, sql["count"], beside_customers=beside_customers)
        paused, owned = waiting or (None, None)
        history = History(keyring, messages=messages, cases=cases, texts=texts, paused=paused, owned=owned, first=first)
        await connection.execute(sql["make_partitions"])
        await connection.execute(sql["drop_references"])
        for batch in history.batches():
            for table, lines in batch.items():
                rows += len(lines)
                statement = sql["copy"].format(table=table, columns=COLUMNS[table])
                async with connection.cursor() as cursor, cursor.copy(statement) as copy:
                    await copy.write("".join(lines))
            on_messages(len(batch["messages"]))
        written = time.monotonic()
        await connection.execute(sql["add_references"])
    async with database.connection() as connection:
        await connection.execute("set statement_timeout = 0")
        try:
            await connection.execute(sql["analyze"])
        finally:
            await connection.execute("reset statement_timeout")
    return Seeded(messages, cases, rows, written - began, time.monotonic() - began)


async def _count(connection: Connection, statement: LiteralString, *, beside_customers: bool) -> int:
    """How many conversations were made up before."""
    row = await (await connection.execute(statement)).fetchone()
    assert row is not None  # an aggregate always has a row
    if row["strangers"] and not beside_customers:
        raise ConflictError(
            f"the database has {plural(row['strangers'], 'customer')} of its own",
            hint="seed an empty one; or --beside-customers, if what is made up may stay among them for ever",
        )
    return int(row["seeded"])
