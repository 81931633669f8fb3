"""Conversations as staff look for them: listed by filters, or found by an address, a name, an id, a topic or words.

A page costs the same however many there are: a source gives a bounded number of cases, the newest first, and the answer
says where to go on, even when nothing on the way was wanted. Nothing is counted. Every page leaves an event that says
who was shown which cases, and never what was looked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast, get_args
from uuid import UUID

from channels.addresses import EMAIL, WHATSAPP
from infra.crypto.keyring import KeyDestroyedError, Keyring, SealBrokenError
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.views import log_view
from infra.postgres.words import Words
from infra.search.query import Kind, Query, read_query
from infra.search.words import excerpt, first_id
from skills.errors import BadRequestError
from skills.language import fold
from skills.turn import Author, CaseId, ChannelName, ConversationId, CustomerId, EscalationId, MessageId, Owner

FoundBy = Literal["list", "address", "id", "topic", "name", "words"]

_REACH = 4000
"""Cases that are looked at for one page when filters may leave most of them out."""
_MOST_IDS = 50
_MOST_CUSTOMERS = 20
_FIRST_OF_NAMES = 10
"""Cases of customers of that name that stand before what is found by words."""
_HEX = re.compile(r"[0-9a-f]{32}")
_FIRST, _LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which cases are wanted; ``None`` is any.

    Attributes:
        state: ``open`` or ``resolved``.
        owner: who has them now; ``person`` by name.
        since: opened from then on, and before ``until``.
    """

    state: str | None = None
    channel: str | None = None
    topic: str | None = None
    language: str | None = None
    owner: Owner | None = None
    person: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    customer_id: CustomerId | None = None

    @property
    def span(self) -> tuple[UUID, UUID]:
        """The first case id that counts, and the first that does not any more."""
        return (
            _FIRST if self.since is None else first_id(self.since),
            _LAST if self.until is None else first_id(self.until),
        )

    @property
    def values(self) -> dict[str, object]:
        """For the block ``fitting``."""
        return {
            "wanted_state": self.state,
            "wanted_channel": self.channel,
            "wanted_topic": self.topic,
            "wanted_language": self.language,
            "wanted_owner": self.owner,
            "wanted_person": self.person,
            "wanted_customer": self.customer_id,
            "wanted_from": None if self.since is None else first_id(self.since),
            "wanted_until": None if self.until is None else first_id(self.until),
        }


@dataclass(frozen=True, slots=True)
class FoundCase:
    """A line of the list. ``line``: the message that was found, else the customer's first words."""

    case_id: CaseId
    conversation_id: ConversationId
    channel: ChannelName
    status: str
    owner: Owner
    owner_name: str | None
    opened_at: datetime
    last_at: datetime
    resolved_at: datetime | None
    language: str | None
    topic: str | None
    customer_id: CustomerId
    customer_name: str | None
    escalation_id: EscalationId | None
    line: str
    found_by: FoundBy
    author: Author = "customer"
    """Who wrote the line."""
    message_id: MessageId | None = None


@dataclass(frozen=True, slots=True)
class NamedCustomer:
    """A customer whom the query names."""

    id: CustomerId
    name: str | None


@dataclass(frozen=True, slots=True)
class FoundCases:
    """A page. ``after``: where the next begins; ``None`` at the end. A page may be empty and not the last."""

    kind: FoundBy
    items: tuple[FoundCase, ...]
    customers: tuple[NamedCustomer, ...]
    after: str | None
    behind_since: datetime | None
    """Since when messages can't be found by their words yet."""


class ConversationSearch:
    """Lists and finds cases for staff.

    Args:
        database: where they are.
        keyring: opens what is shown, and finds by address.
        words: finds by words and names.
    """

    def __init__(self, database: Database, keyring: Keyring, words: Words) -> None:
        self._database = database
        self._keyring = keyring
        self._words = words
        self._sql = load("search")

    async def listed(self, filters: Filters, *, reader: str, after: str | None = None, limit: int = 50) -> FoundCases:
        """A page of cases, the newest first. Which ones were shown is written down.

        Raises:
            BadRequestError: ``after`` is not from an earlier page.
        """
        _, before = _cursor(after, ("list",), "list")
        async with self._database.connection() as connection:
            items, reached = await self._page(connection, filters, before, limit)
            await log_view(connection, "conversations.listed", reader, cases=_ids(items))
        return FoundCases("list", items, (), _after("list", reached), None)

    async def found(
        self,
        text: str,
        filters: Filters,
        *,
        reader: str,
        by: Kind | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> FoundCases:
        """A page of what somebody typed. Which cases were shown is written down, what was typed is not.

        Args:
            text: a whole address, a name, an id or its beginning, a topic, or words, all of which have to stand in a
                message.
            filters: which of the cases found are wanted.
            reader: who looks.
            by: what the text is; else it is recognised.
            after: from the page before.
            limit: the most lines.

        Raises:
            BadRequestError: the text can't be searched for (so), or ``after`` is not from an earlier page.
        """
        query = read_query(text)
        kind, before = _cursor(after, get_args(Kind), by)
        async with self._database.connection() as connection:
            known = await self._recognised(connection, query, cast("Kind | None", kind))
            if known == "words":
                page = await self._by_words(connection, query, filters, before, limit)
            else:
                page = await self._by_key(connection, known, query, filters, before, limit)
            customers = [str(one.id) for one in page.customers]
            cases = _ids(page.items)
            await log_view(connection, "conversations.searched", reader, by=known, cases=cases, customers=customers)
        return page

    async def topics(self) -> list[str]:
        """What turns are about, each once, in order."""
        async with self._database.connection() as connection:
            return await self._topics(connection)

    async def _topics(self, connection: Connection) -> list[str]:
        return [row["topic"] for row in await self._all(connection, "topics")]

    async def _recognised(self, connection: Connection, query: Query, by: Kind | None) -> Kind:
        if by is not None:
            if (by == "address" and query.address is None) or (by == "id" and query.ids is None):
                raise BadRequestError(f"that is no {by}", hint="search by words instead")
            return by
        if query.address is not None:
            return "address"
        if query.ids is not None:
            (row,) = await self._all(connection, "of_ids", **_range(query.ids))
            if row["ids"] or row["customers"]:
                return "id"
        return "topic" if await self._topic(connection, query) is not None else "words"

    async def _topic(self, connection: Connection, query: Query) -> str | None:
        wanted = fold(query.text)
        return next((topic for topic in await self._topics(connection) if fold(topic) == wanted), None)

    async def _by_key(
        self, connection: Connection, kind: Kind, query: Query, filters: Filters, before: UUID, limit: int
    ) -> FoundCases:
        """By everything but words: a source of cases of its own."""
        customers: list[NamedCustomer] = []
        if kind == "topic":
            topic = await self._topic(connection, query) or query.text
            items, reached = await self._page(connection, replace(filters, topic=topic), before, limit, kind)
            return FoundCases(kind, items, (), _after(kind, reached), None)
        if kind == "id":
            assert query.ids is not None  # recognised so
            (row,) = await self._all(connection, "of_ids", **_range(query.ids))
            customers = await self._customers(connection, row["customers"])
            fitting = await self._fitting(connection, filters, row["ids"], _MOST_IDS)
            items = await self._lines(connection, fitting, kind)
            theirs = (
                await self._page(connection, filters, before, limit, kind, of=customers) if customers else ((), None)
            )
            seen = set(fitting)
            items += tuple(item for item in theirs[0] if item.case_id not in seen)
            return FoundCases(kind, items, tuple(customers), None, None)
        if kind == "address":
            indexes = [self._keyring.address_index(channel, query.address or "") for channel in (EMAIL, WHATSAPP)]
            rows = await self._all(connection, "with_address", indexes=indexes, limit=_MOST_CUSTOMERS)
            customers = await self._customers(connection, [row["customer_id"] for row in rows])
        else:
            named = await self._words.find_customers(connection, query.name, limit=_MOST_CUSTOMERS)
            customers = await self._customers(connection, list(named))
        if not customers:
            return FoundCases(kind, (), (), None, None)
        items, reached = await self._page(connection, filters, before, limit, kind, of=customers)
        return FoundCases(kind, items, tuple(customers), _after(kind, reached), None)

    async def _by_words(
        self, connection: Connection, query: Query, filters: Filters, before: UUID, limit: int
    ) -> FoundCases:
        """What was said; on the first page the newest cases of customers who are called so before it."""
        first: tuple[FoundCase, ...] = ()
        customers: list[NamedCustomer] = []
        if before == _LAST and query.name:
            named = await self._words.find_customers(connection, query.name, limit=_MOST_CUSTOMERS)
            customers = await self._customers(connection, list(named))
            if customers:
                first, _ = await self._page(connection, filters, before, _FIRST_OF_NAMES, "name", of=customers)
        if not query.words:
            return FoundCases("words", first, tuple(customers), None, None)

        async def fits(cases: list[UUID]) -> set[UUID]:
            return set(await self._fitting(connection, filters, cases, len(cases)))

        since, _ = filters.span
        found = await self._words.find_messages(
            connection, query.words, since=since, before=before, limit=limit, fits=fits
        )
        shown = {item.case_id for item in first}
        hits = {hit.case_id: hit for hit in found.hits if hit.case_id not in shown}
        lines = await self._lines(connection, list(hits), "words")
        items = tuple(
            replace(item, line=hit.line, author=hit.author, message_id=hit.message_id)
            for item, hit in ((item, hits[item.case_id]) for item in lines)
        )
        behind = await self._words.behind_since(connection)
        return FoundCases("words", first + items, tuple(customers), _after("words", found.before), behind)

    async def _page(
        self,
        connection: Connection,
        filters: Filters,
        before: UUID,
        limit: int,
        found_by: FoundBy = "list",
        of: Sequence[NamedCustomer] = (),
    ) -> tuple[tuple[FoundCase, ...], UUID | None]:
        """Cases before an id, and the id before which the next page looks."""
        first, until = filters.span
        customers = [one.id for one in of] or ([filters.customer_id] if filters.customer_id else [])
        if customers:
            source = "of_customers"
        elif filters.topic is not None:
            source = "of_topic"
        elif filters.owner == "human" and filters.state == "open":
            source = "of_people"
        else:
            source = "newest"
        plain = not any(filters.values.values())
        values = {"first_id": first, "before_id": min(before, until), "customers": customers}
        reach = limit if plain else _REACH
        (row,) = await self._all(connection, source, wanted_topic=filters.topic, reach=reach, **values)
        fitting = await self._fitting(connection, filters, row["ids"], limit)
        items = await self._lines(connection, fitting, found_by)
        if len(fitting) == limit:
            return items, fitting[-1]
        return items, row["ids"][-1] if len(row["ids"]) == reach else None

    async def _fitting(self, connection: Connection, filters: Filters, ids: list[UUID], limit: int) -> list[UUID]:
        if not ids:
            return []
        rows = await self._all(connection, "fitting", ids=ids, limit=limit, **filters.values)
        return [row["id"] for row in rows]

    async def _lines(self, connection: Connection, ids: list[UUID], found_by: FoundBy) -> tuple[FoundCase, ...]:
        rows = await self._all(connection, "lines", ids=ids) if ids else []
        return tuple(
            FoundCase(
                case_id=CaseId(row["case_id"]),
                conversation_id=ConversationId(row["conversation_id"]),
                channel=ChannelName(row["channel"]),
                status=row["status"],
                owner=row["owner"],
                owner_name=row["owner_name"],
                opened_at=row["opened_at"],
                last_at=row["last_at"],
                resolved_at=row["resolved_at"],
                language=row["language"],
                topic=row["topic"],
                customer_id=CustomerId(row["customer_id"]),
                customer_name=self._opened(row, "name_sealed", row["customer_id"], "customers.name_sealed", "name_"),
                escalation_id=None if row["escalation_id"] is None else EscalationId(row["escalation_id"]),
                line=excerpt(
                    self._opened(row, "body_sealed", row["opening_id"], "messages.body_sealed", "text_") or "", ()
                ),
                found_by=found_by,
            )
            for row in rows
        )

    async def _customers(self, connection: Connection, ids: Sequence[UUID]) -> list[NamedCustomer]:
        rows = await self._all(connection, "customers", customers=list(ids)) if ids else []
        return [
            NamedCustomer(CustomerId(row["id"]), self._opened(row, "name_sealed", row["id"], "customers.name_sealed"))
            for row in rows
        ]

    def _opened(self, row: Mapping[str, Any], column: str, of: UUID, place: str, prefix: str = "") -> str | None:
        """A sealed column; ``None`` where it is empty, or nobody can read it: one row must not hide the others."""
        if row[column] is None:
            return None
        try:
            return key_of(self._keyring, row, prefix).open(bytes(row[column]), place=place, row=of)
        except (KeyDestroyedError, SealBrokenError):
            return None

    async def _all(self, connection: Connection, block: str, **values: object) -> list[dict[str, Any]]:
        return await (await connection.execute(self._sql[block], values)).fetchall()


def _range(ids: tuple[UUID, UUID]) -> dict[str, object]:
    return {"first_id": ids[0], "last_id": ids[1], "limit": _MOST_IDS}


def _ids(items: Sequence[FoundCase]) -> list[str]:
    return [str(item.case_id) for item in items]


def _after(kind: FoundBy, reached: UUID | None) -> str | None:
    return None if reached is None else f"{kind}.{reached.hex}"


def _cursor(after: str | None, kinds: Sequence[str], by: str | None) -> tuple[str | None, UUID]:
    """What an earlier page was of, and the id before which the next begins."""
    if after is None:
        return by, _LAST
    kind, _, digits = after.partition(".")
    if kind not in kinds or not _HEX.fullmatch(digits):
        raise BadRequestError("`after` is not from an earlier page", hint="begin with the first page")
    return kind, UUID(hex=digits)
