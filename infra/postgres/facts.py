"""What the company knows of its customers, kept so that only somebody who says it finds it.

A record is sealed under its customer's key. Beside it lie keyed hashes of its postcode, date of birth and the sound of
its name. A record that comes again is the same one, by a keyed hash of its number in the company's own books.

A batch is one transaction: killed half-way, whole batches are there, and the same file brought again goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from channels.addresses import EMAIL, WHATSAPP
from infra.crypto.keyring import CustomerKey, KeyDestroyedError, Keyring
from infra.customer_records import CustomerRecord
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.errors import ConflictError, NotFoundError
from skills.identify import keys_of
from skills.ports import FactKey, KnownFacts
from skills.turn import ChannelName, CustomerId

BATCH = 500
_PLACE = "customer_facts.facts_sealed"


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of records. ``erased``: their customers were erased, and stay so."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    erased: int = 0

    def __add__(self, other: Kept) -> Kept:
        """Both together."""
        return Kept(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.erased + other.erased,
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """A record about to be written: whose it is, and the key that seals it."""

    id: UUID
    customer_id: UUID
    key: CustomerKey
    record_index: bytes
    facts: KnownFacts


class CustomerFacts:
    """Keeps records.

    Args:
        database: where they are kept.
        keyring: seals them, and hashes what they are found by.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("facts")

    async def keep(self, records: Sequence[CustomerRecord], *, told_by: str) -> Kept:
        """Keep a batch of records. One whose address somebody proved is that customer's; else a customer is made.

        Raises:
            DatabaseUnavailableError: nothing of the batch was kept.
        """
        by_index = {self._record_index(record.number): record for record in records}
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["lock"])
            rows = await self._all(connection, "find", indexes=list(by_index))
            known = {bytes(row["record_index"]): row for row in rows}
            changed, unchanged, erased = self._compare(by_index, known)
            new = {index: record for index, record in by_index.items() if index not in known}
            added = await self._new(connection, new)
            await self._write(connection, [*added, *changed], told_by)
            kept = Kept(len(added), len(changed), unchanged, erased)
            if added or changed:
                await self._log(connection, told_by, added=kept.added, changed=kept.changed)
        return kept

    async def note(self, customer_id: CustomerId, facts: KnownFacts, *, told_by: str) -> None:
        """Keep what a member of staff says of a customer, in place of what they said before.

        Raises:
            NotFoundError: there is no such customer.
            ConflictError: the customer was erased.
        """
        index = self._record_index(f"customer {customer_id}")
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["lock"])
            owners = await self._all(connection, "owner", customer_id=customer_id)
            if not owners:
                raise NotFoundError("there is no such customer")
            try:
                key = key_of(self._keyring, owners[0])
            except KeyDestroyedError:
                raise ConflictError("this customer was erased") from None
            before = await self._all(connection, "find", indexes=[index])
            row_id = before[0]["id"] if before else uuid7()
            await self._write(connection, [_Row(row_id, customer_id, key, index, facts)], told_by)
            await self._log(connection, told_by, customer_id=str(customer_id))

    def _compare(
        self, records: Mapping[bytes, CustomerRecord], known: Mapping[bytes, Mapping[str, Any]]
    ) -> tuple[list[_Row], int, int]:
        """Records that changed, how many did not, and of how many the customer was erased."""
        changed, unchanged, erased = [], 0, 0
        for index, row in known.items():
            try:
                key = key_of(self._keyring, row)
            except KeyDestroyedError:
                erased += 1
                continue
            facts = records[index].facts
            if opened(key, row) == facts:
                unchanged += 1
            else:
                changed.append(_Row(row["id"], row["customer_id"], key, index, facts))
        return changed, unchanged, erased

    async def _new(self, connection: Connection, records: Mapping[bytes, CustomerRecord]) -> list[_Row]:
        """Rows of new records, with customers for those that nobody proved an address of."""
        owners = await self._owners(connection, list(records.values()))
        rows, customers, claims = [], [], []
        for index, record in records.items():
            owner = next((owners[address] for address in self._addresses(record) if address in owners), None)
            if owner is not None:
                rows.append(_Row(uuid7(), owner["id"], key_of(self._keyring, owner), index, record.facts))
                continue
            customer_id = CustomerId(uuid7())
            wrapped, key = self._keyring.create(customer_id)
            name = key.seal(record.facts.name, place="customers.name_sealed", row=customer_id)
            customers.append((wrapped.id, customer_id, wrapped.wrapped, wrapped.master_key_id, name, record.language))
            rows.append(_Row(uuid7(), customer_id, key, index, record.facts))
            for channel, address in _written(record):
                claim_id = uuid7()
                sealed = key.seal(address, place="identities.address_sealed", row=claim_id)
                address_index = self._keyring.address_index(channel, address)
                claims.append((claim_id, customer_id, key.id, channel, sealed, address_index))
        await self._insert(
            connection,
            "insert_customers",
            ("key_ids", "customer_ids", "wrapped_keys", "masters", "names_sealed", "languages"),
            customers,
        )
        await self._insert(
            connection,
            "insert_claims",
            ("claim_ids", "claimants", "claim_keys", "claim_channels", "claim_addresses", "claim_indexes"),
            claims,
        )
        return rows

    async def _owners(
        self, connection: Connection, records: Sequence[CustomerRecord]
    ) -> dict[tuple[str, bytes], dict[str, Any]]:
        """Who proved which address of these records; nobody who was erased."""
        indexes = [index for record in records for _, index in self._addresses(record)]
        rows = await self._all(connection, "owners", indexes=indexes) if indexes else []
        return {(row["channel"], bytes(row["address_index"])): row for row in rows if row["wrapped"] is not None}

    def _addresses(self, record: CustomerRecord) -> list[tuple[str, bytes]]:
        return [(channel, self._keyring.address_index(channel, address)) for channel, address in _written(record)]

    async def _write(self, connection: Connection, rows: Sequence[_Row], told_by: str) -> None:
        if not rows:
            return
        await connection.execute(
            self._sql["keep"],
            {
                "ids": [row.id for row in rows],
                "customer_ids": [row.customer_id for row in rows],
                "key_ids": [row.key.id for row in rows],
                "record_indexes": [row.record_index for row in rows],
                "facts_sealed": [row.key.seal(_text(row.facts), place=_PLACE, row=row.id) for row in rows],
                "told_by": told_by,
            },
        )
        keys = [(key_index(self._keyring, key), row.id) for row in rows for key in keys_of(row.facts)]
        await self._insert(connection, "keep_keys", ("value_indexes", "facts_ids"), keys)

    async def _insert(
        self, connection: Connection, block: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        if rows:
            values = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
            await connection.execute(self._sql[block], values)

    async def _all(self, connection: Connection, block: str, **values: object) -> list[dict[str, Any]]:
        return await (await connection.execute(self._sql[block], values)).fetchall()

    async def _log(self, connection: Connection, told_by: str, **data: object) -> None:
        values = {"event_id": uuid7(), "told_by": told_by, "data": Jsonb(data)}
        await connection.execute(self._sql["log"], values)

    def _record_index(self, number: str) -> bytes:
        return self._keyring.blind_index("customer record", number)


def key_index(keyring: Keyring, key: FactKey) -> bytes:
    """The blind index of a key by which records are found."""
    kind, value = key
    return keyring.blind_index(f"customer fact:{kind}", value)


def opened(key: CustomerKey, row: Mapping[str, Any]) -> KnownFacts:
    """What a row of ``customer_facts`` says.

    Raises:
        SealBrokenError: it was altered or moved.
    """
    told = json.loads(key.open(bytes(row["facts_sealed"]), place=_PLACE, row=row["id"]))
    born = None if told["born"] is None else date.fromisoformat(told["born"])
    return KnownFacts(told["name"], told["postcode"], born)


def _text(facts: KnownFacts) -> str:
    born = None if facts.born is None else facts.born.isoformat()
    return json.dumps({"name": facts.name, "postcode": facts.postcode, "born": born})


def _written(record: CustomerRecord) -> list[tuple[ChannelName, str]]:
    addresses = ((EMAIL, record.email), (WHATSAPP, record.phone))
    return [(channel, address) for channel, address in addresses if address is not None]
