"""Finds messages and customers by whole words, although everything is sealed.

A job of the scheduler (``write``) opens what came in, and keeps sixteen bits of a keyed hash for each word (ADR 29). So
a message costs nothing more while it arrives, and can be found by its words some seconds later. The point that is
reached is moved on in the transaction that writes the rows: killed anywhere, the next round goes on there. Two at once
write the same rows.

Tags are shared by words and so find too much. Whatever they find is opened and read before it is shown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from infra.crypto.keyring import KeyDestroyedError, Keyring, SealBrokenError
from infra.postgres.database import Connection, Database
from infra.postgres.housekeeping import nothing_to_check
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.search.words import (
    NAMES,
    every_word,
    excerpt,
    first_id,
    has_all,
    month_before,
    month_begins,
    month_of,
    searchable,
    tags,
    time_of,
)
from skills.turn import Author, CaseId, CustomerId, MessageId

BATCH = 500
"""Texts that are opened and written at once."""
SLACK = timedelta(hours=1)
"""How far behind others an id may come in: a long transaction, or the clock of another machine."""

_PLACES = {"messages": "messages.body_sealed", "customers": "customers.name_sealed"}
_STEP, _LATER_STEP = 100, 200
"""Messages that one look gives at most: the first one, and those after it."""
_ONE_BY_ONE = 5_000
"""Messages that are looked at one by one: enough to find a step's hits of a word that one in fifty has."""
_ONE_BY_ONE_OF_RARE = 500
"""The same, once a month has shown that the words are rarer."""
_MOST_STEPS, _MOST_FOUND, _MOST_OPENED = 24, 1_500, 300
"""Looks into the index, messages that it gave, and texts opened, before one search says how far it has come."""
_MOST_NAMES = 200


Fits = Callable[[list[UUID]], Awaitable[set[UUID]]]
"""Of some cases, those that are wanted."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many texts a round has read, and whether its time was up before its work was."""

    messages: int
    customers: int
    more: bool


@dataclass(frozen=True, slots=True)
class WordHit:
    """A message in which all the words stand."""

    message_id: MessageId
    case_id: CaseId
    author: Author
    line: str
    """The message around the first of them."""


@dataclass(frozen=True, slots=True)
class WordHits:
    """Hits, newest first. ``before``: where the search goes on; ``None`` when nothing older can be found."""

    hits: tuple[WordHit, ...]
    before: UUID | None


class Words:
    """The index of words.

    Args:
        database: where it is.
        keyring: opens texts, and hashes words.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("words")

    async def write(self, *, seconds: float = 20.0, check: Callable[[], Awaitable[None]] = nothing_to_check) -> Written:
        """Write down the words of what has come in since the last time.

        Args:
            seconds: how long to go on.
            check: asked before each batch; it raises to break off.
        """
        deadline = time.monotonic() + seconds
        done = {"messages": 0, "customers": 0}
        for name in ("customers", "messages"):
            read = BATCH
            while read == BATCH:
                if time.monotonic() >= deadline:
                    return Written(**done, more=True)
                await check()
                read = await self._batch(name)
                done[name] += read
        return Written(**done, more=False)

    async def behind_since(self, connection: Connection) -> datetime | None:
        """Since when messages can't be found by their words yet; ``None`` when all can."""
        row = await (await connection.execute(self._sql["behind"])).fetchone()
        return None if row is None else time_of(row["id"])

    async def find_messages(
        self, connection: Connection, wanted: Sequence[str], *, since: UUID, before: UUID, limit: int, fits: Fits
    ) -> WordHits:
        """Messages in which all these words stand, newest first, one for each case.

        Args:
            connection: on which to look.
            wanted: folded words, one at least.
            since: the oldest message id that counts.
            before: only messages with a lower id.
            limit: the most hits.
            fits: of some cases, those that are wanted.
        """
        hits: dict[UUID, WordHit] = {}
        found = opened = 0
        (span,) = await self._all(connection, "span")
        if span["oldest"] is None:
            return WordHits((), None)
        lowest, before = max(since, span["oldest"]), min(before, UUID(int=span["newest"].int + 1))
        month = month_of(before)
        step, one_by_one = _STEP, _ONE_BY_ONE
        for _ in range(_MOST_STEPS):
            if before <= lowest:
                return WordHits(tuple(hits.values()), None)
            if found >= _MOST_FOUND or opened >= _MOST_OPENED:
                break
            month_id = first_id(month_begins(month))
            rows = await self._all(
                connection,
                "tagged_messages",
                tags=tags(self._keyring, wanted, period=month),
                first_id=max(month_id, lowest),
                before_id=before,
                one_by_one=one_by_one,
                limit=step,
            )
            found += len(rows)
            fitting = await fits(list({row["case_id"] for row in rows} - hits.keys()))
            for row in rows:
                before = row["id"]
                if row["case_id"] in hits or row["case_id"] not in fitting:
                    continue
                opened += 1
                text = self._text(row, "messages", row["body_sealed"])
                if text is not None and has_all(text, wanted):
                    case_id = CaseId(row["case_id"])
                    hits[case_id] = WordHit(MessageId(before), case_id, row["author"], excerpt(text, wanted))
                    if len(hits) == limit:
                        return WordHits(tuple(hits.values()), before)
            if len(rows) < step:
                before, month, one_by_one = month_id, month_before(month), min(one_by_one, _ONE_BY_ONE_OF_RARE)
            step = _LATER_STEP
        return WordHits(tuple(hits.values()), before)

    async def find_customers(
        self, connection: Connection, wanted: Sequence[str], *, limit: int
    ) -> dict[CustomerId, str]:
        """Customers in whose names all these words stand, the newest first, with their names."""
        found: dict[CustomerId, str] = {}
        found_tags = tags(self._keyring, wanted, period=NAMES)
        rows = await self._all(
            connection, "tagged_customers", tags=found_tags, one_by_one=_ONE_BY_ONE, limit=_MOST_NAMES
        )
        for row in rows:
            name = self._text(row, "customers", row["name_sealed"])
            if name is not None and has_all(name, wanted):
                found[CustomerId(row["id"])] = name
                if len(found) == limit:
                    break
        return found

    async def _batch(self, name: Literal["messages", "customers"]) -> int:
        async with self._database.connection() as connection:
            reached = {row["name"]: row["reached"] for row in await self._all(connection, "progress")}
            from_ms = (reached.get(name, UUID(int=0)).int >> 80) - int(SLACK.total_seconds() * 1000)
            behind = UUID(int=max(from_ms, 0) << 80)
            block = "unwritten_messages" if name == "messages" else "unwritten_customers"
            rows = await self._all(connection, block, behind_id=behind, limit=BATCH)
        if not rows:
            return 0
        found = await asyncio.to_thread(self._tags_of, name, rows)
        values = {"ids": [row["id"] for row in rows], "key_ids": [row["key_id"] for row in rows], "tag_arrays": found}
        async with self._database.transaction() as connection:
            write = "write_messages" if name == "messages" else "write_customers"
            await connection.execute(self._sql[write], values)
            await connection.execute(self._sql["reach"], {"name": name, "reached": rows[-1]["id"]})
        return len(rows)

    def _tags_of(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """The tags of each text as an array of PostgreSQL's; none of one that nobody can read."""
        arrays = []
        for row in rows:
            text = self._text(row, name, row["sealed"]) or ""
            if name == "customers":
                found = tags(self._keyring, every_word(text), period=NAMES)
            else:
                found = tags(self._keyring, searchable(text), period=month_of(row["id"]))
            arrays.append("{" + ",".join(map(str, found)) + "}")
        return arrays

    def _text(self, row: Mapping[str, Any], name: str, sealed: bytes) -> str | None:
        try:
            return key_of(self._keyring, row).open(bytes(sealed), place=_PLACES[name], row=row["id"])
        except (KeyDestroyedError, SealBrokenError):
            return None

    async def _all(self, connection: Connection, block: str, **values: object) -> list[dict[str, Any]]:
        return await (await connection.execute(self._sql[block], values)).fetchall()
