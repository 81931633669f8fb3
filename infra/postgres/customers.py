"""Customers as staff see them: found by an exact address, read with all that is theirs, joined and parted.

Every look is written down with who looked, and never with what was looked for: an address has no place in an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from channels.addresses import EMAIL, WHATSAPP, normal
from channels.web import CHAT, FORM
from infra.crypto.keyring import KeyDestroyedError, Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.merges import Merges
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.storable import refuse_unstorable
from infra.postgres.views import log_view
from skills.errors import BadRequestError, NotFoundError
from skills.turn import CaseId, ChannelName, ConversationId, CustomerId, EscalationId, Owner

_LONGEST_ADDRESS = 320
_ADDRESSED = (EMAIL, WHATSAPP)


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """Somebody whose address it is (``proven``), or who says so."""

    id: CustomerId
    proven: bool
    channels: tuple[ChannelName, ...]


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """An address of a customer. ``address`` is ``None`` of one who was erased.

    ``contested``: it was proven by a code in a talk of this customer, who had proven another one before: whether they
    are one is for a person to say.
    """

    channel: ChannelName
    address: str | None
    proven_at: datetime | None
    contested: bool


@dataclass(frozen=True, slots=True)
class CaseOfCustomer:
    """A case in the list. ``proven``: its talk is this customer's beyond doubt."""

    id: CaseId
    conversation_id: ConversationId
    channel: ChannelName
    status: str
    owner: Owner
    owner_name: str | None
    opened_at: datetime
    resolved_at: datetime | None
    escalation_id: EscalationId | None
    proven: bool


@dataclass(frozen=True, slots=True)
class PossibleMatch:
    """Another customer who may be the same person. ``theirs``: they proved the address; else they only claim it."""

    customer_id: CustomerId
    channels: tuple[ChannelName, ...]
    theirs: bool
    contested: bool


@dataclass(frozen=True, slots=True)
class MergeOfCustomer:
    """A merge that this customer took part in. ``merged_by`` is ``proof`` when a one-time code did it."""

    id: UUID
    source_id: CustomerId
    into_id: CustomerId
    merged_by: str
    merged_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    undoable: bool
    undoable_until: datetime
    conversations: int
    """How many talks moved, and ``identities`` how many addresses."""
    identities: int
    reason: str | None
    undone_reason: str | None


@dataclass(frozen=True, slots=True)
class ReadCustomer:
    """Everything about a customer that staff may see at one place. ``erased``: nothing of it can be read any more."""

    id: CustomerId
    name: str | None
    language: str | None
    segment: str
    created_at: datetime
    merged_into: CustomerId | None
    erased: bool
    conversations: int
    open_cases: int
    addresses: tuple[KnownAddress, ...]
    cases: tuple[CaseOfCustomer, ...]
    possible_matches: tuple[PossibleMatch, ...]
    merges: tuple[MergeOfCustomer, ...]


class Customers:
    """The staff's side of customers.

    Args:
        database: where they are.
        keyring: opens what is sealed, and finds by address.
        undoable: how long a merge can be undone.
    """

    def __init__(self, database: Database, keyring: Keyring, *, undoable: timedelta) -> None:
        self._database = database
        self._keyring = keyring
        self.undoable = undoable
        self._merges = Merges()
        self._sql = load("customers")

    async def find(self, address: str, *, reader: str) -> list[FoundCustomer]:
        """Who has this very mail address or phone number, on any channel. That somebody asked is written down.

        Raises:
            BadRequestError: that is no address.
        """
        if not 0 < len(address.strip()) <= _LONGEST_ADDRESS or not address.strip().isprintable():
            raise BadRequestError("that is no address", hint="a whole mail address, or a number like +4915112345678")
        indexes = [self._keyring.address_index(channel, normal(channel, address.strip())) for channel in _ADDRESSED]
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["find"], {"indexes": indexes})).fetchall()
            await log_view(connection, "customer.searched", reader, found=[str(row["customer_id"]) for row in rows])
        return [
            FoundCustomer(CustomerId(row["customer_id"]), row["proven"], tuple(map(ChannelName, row["channels"])))
            for row in rows
        ]

    async def read(self, customer_id: CustomerId, *, reader: str) -> ReadCustomer:
        """One customer. That they were read is written down.

        Raises:
            NotFoundError: there is none with this id.
        """
        async with self._database.connection() as connection:
            read = await self._read(connection, customer_id)
            await log_view(connection, "customer.read", reader, customer_id=str(customer_id))
        return read

    async def merge(self, source: CustomerId, into: CustomerId, *, reviewer: str, reason: str | None = None) -> UUID:
        """Join ``source`` with ``into``, on a person's word; the id of the merge. It can be undone for a time.

        Args:
            source: whose talks, cases and addresses move.
            into: whose they become.
            reviewer: who says so.
            reason: why, in their words; it is kept sealed.

        Raises:
            NotFoundError: there is no such customer.
            ConflictError: they are one already, one of them was joined with a third, or was erased.
        """
        async with self._database.transaction() as connection:
            merge_id = await self._merges.merge(connection, source, into, by=reviewer)
            await self._give_reason(connection, "give_reason", source, merge_id, reason)
        return merge_id

    async def unmerge(self, source: CustomerId, *, reviewer: str, reason: str | None = None) -> CustomerId:
        """Part ``source`` from whom it was joined with, and say who that is.

        Args:
            source: who becomes a customer of their own again.
            reviewer: who says so.
            reason: why, in their words; it is kept sealed.

        Raises:
            NotFoundError: it was not joined with anybody.
            ConflictError: it can't be undone, or not yet.
        """
        async with self._database.transaction() as connection:
            merge = await (await connection.execute(self._sql["live_merge"], {"source_id": source})).fetchone()
            parted = await self._merges.part(connection, source, by=reviewer, window=self.undoable)
            assert merge is not None  # or there was nothing to part
            await self._give_reason(connection, "give_reason_undone", source, merge["id"], reason)
        return parted

    async def _give_reason(
        self, connection: Connection, block: str, source: CustomerId, merge_id: UUID, reason: str | None
    ) -> None:
        """Keep why two were joined or parted, under the source's own key."""
        if reason is None:
            return
        refuse_unstorable(reason)
        row = await (await connection.execute(self._sql["key"], {"customer_id": source})).fetchone()
        assert row is not None  # it was locked
        key = key_of(self._keyring, row)
        column = "reason_sealed" if block == "give_reason" else "undone_reason_sealed"
        sealed = key.seal(reason, place=f"merges.{column}", row=merge_id)
        await connection.execute(self._sql[block], {"id": merge_id, "key_id": key.id, "reason_sealed": sealed})

    async def beginning(self, first: UUID, last: UUID) -> list[CustomerId]:
        """Ids of customers between two, ends included; two at most, for more than one is too many."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["begins"], {"first_id": first, "last_id": last})
            return [CustomerId(row["id"]) for row in await cursor.fetchall()]

    async def _read(self, connection: Connection, customer_id: CustomerId) -> ReadCustomer:
        of = {"customer_id": customer_id, "nameless": [CHAT, FORM], "window": self.undoable}
        row = await (await connection.execute(self._sql["read"], of)).fetchone()
        if row is None:
            raise NotFoundError("there is no such customer")
        rows = {
            name: await (await connection.execute(self._sql[name], of)).fetchall()
            for name in ("identities", "cases", "matches", "merges")
        }
        return ReadCustomer(
            id=customer_id,
            name=self._opened(row, "name_sealed", place="customers.name_sealed"),
            language=row["language"],
            segment=row["segment"],
            created_at=row["created_at"],
            merged_into=None if row["merged_into"] is None else CustomerId(row["merged_into"]),
            erased=row["wrapped"] is None,
            conversations=row["conversations"],
            open_cases=row["open_cases"],
            addresses=tuple(
                KnownAddress(
                    channel=ChannelName(known["channel"]),
                    address=self._opened(known, "address_sealed", place="identities.address_sealed"),
                    proven_at=known["verified_at"],
                    contested=known["contested_at"] is not None,
                )
                for known in rows["identities"]
            ),
            cases=tuple(CaseOfCustomer(**case) for case in rows["cases"]),
            possible_matches=tuple(
                PossibleMatch(
                    CustomerId(match["customer_id"]),
                    tuple(map(ChannelName, match["channels"])),
                    match["theirs"],
                    match["contested"],
                )
                for match in rows["matches"]
            ),
            merges=tuple(self._merge(merge) for merge in rows["merges"]),
        )

    def _merge(self, row: Mapping[str, Any]) -> MergeOfCustomer:
        return MergeOfCustomer(
            id=row["id"],
            source_id=CustomerId(row["source_id"]),
            into_id=CustomerId(row["into_id"]),
            merged_by=row["merged_by"],
            merged_at=row["merged_at"],
            undone_by=row["undone_by"],
            undone_at=row["undone_at"],
            undoable=row["undoable"],
            undoable_until=row["merged_at"] + self.undoable,
            conversations=row["talks"],
            identities=row["addresses"],
            reason=self._opened(row, "reason_sealed", place="merges.reason_sealed"),
            undone_reason=self._opened(row, "undone_reason_sealed", place="merges.undone_reason_sealed"),
        )

    def _opened(self, row: Mapping[str, Any], column: str, *, place: str) -> str | None:
        """A sealed column of a row, ``None`` when it is empty or its customer was erased."""
        if row[column] is None:
            return None
        try:
            return key_of(self._keyring, row).open(bytes(row[column]), place=place, row=row["id"])
        except KeyDestroyedError:
            return None
