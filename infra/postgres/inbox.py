"""Receiving: a message is committed here before anybody is told that it arrived.

Crash before the commit: nothing is stored, the provider (or the browser) sends it again. Crash after the commit, before
the answer: it is sent again and found by (channel, provider message id). A hint wakes a worker after the commit; if the
hint is lost, the sweeper finds ``case_work.due_at``.

A known conversation costs two statements: one that reads the customer's key, because the text is sealed before it is
stored, and one that numbers, stores, wakes and logs at once. A new contact, conversation or case takes one transaction
behind an advisory lock on the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import Rollback
from uuid_utils.compat import uuid7

from channels.envelope import Envelope
from infra.crypto.keyring import CustomerKey, Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.errors import ConflictError, DatabaseUnavailableError, InvalidMessageError
from skills.turn import CaseId, ConversationId, CustomerId, MessageId

MAX_CHARACTERS = 20_000
"""The longest message that is taken in as text. A channel refuses or cuts a longer one before it comes here."""

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message was stored. ``duplicate``: it was already here, and nothing was written."""

    message_id: MessageId
    conversation_id: ConversationId
    case_id: CaseId
    sequence: int
    position: int
    duplicate: bool
    waits: bool
    """Whether a worker should look: false while a person owns the case."""


class Inbox:
    """Stores what customers write."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("inbox")

    async def receive(self, envelope: Envelope, *, settle: timedelta) -> Receipt:
        """Commit one message and say where it is.

        Args:
            envelope: verified and parsed by its channel.
            settle: how long the turn waits for more from the same customer.

        Raises:
            InvalidMessageError: empty, too long, or text that cannot be stored (a NUL, a lone surrogate).
            ConflictError: the same provider message id came before with another text.
            DatabaseUnavailableError: nothing was stored; it may be sent again.
        """
        refuse_unstorable(envelope.text)
        for _ in range(_ATTEMPTS):
            receipt = await self._store(envelope, settle) or await self._duplicate(envelope)
            if receipt is not None:
                return receipt
        raise DatabaseUnavailableError("the case was resolved again and again while a message came in")

    async def _store(self, envelope: Envelope, settle: timedelta) -> Receipt | None:
        """The receipt; ``None`` when nothing was stored because the message is here, or the case was just resolved."""
        async with self._database.connection() as connection:
            known = await self._find_conversation(connection, envelope)
            if known is not None and known["case_id"] is not None and not envelope.claims:
                return await self._insert(connection, envelope, known, settle)
            receipt: Receipt | None = None
            async with connection.transaction():
                way = await self._make_way(connection, envelope)
                receipt = await self._insert(connection, envelope, way, settle)
                if receipt is None:
                    raise Rollback  # what was made for the message is not kept without it
            return receipt

    async def _duplicate(self, envelope: Envelope) -> Receipt | None:
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["find_message"],
                {"channel": envelope.channel, "provider_message_id": envelope.provider_message_id},
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        text = key_of(self._keyring, row).open(bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"])
        if text != envelope.text:
            raise ConflictError(
                "this message id was used before for another text", hint="use a new id for every message"
            )
        return _receipt(row["id"], row, duplicate=True)

    async def _find_conversation(self, connection: Connection, envelope: Envelope) -> dict[str, Any] | None:
        cursor = await connection.execute(
            self._sql["find_conversation"],
            {"channel": envelope.channel, "thread_index": self._thread_index(envelope)},
        )
        return await cursor.fetchone()

    async def _make_way(self, connection: Connection, envelope: Envelope) -> Mapping[str, Any]:
        """Find or create identity, customer, conversation and open case, one writer an address at a time."""
        address_index = self._keyring.blind_index(f"address:{envelope.channel}", envelope.address)
        known, identity = await self._look_up(connection, envelope, address_index)
        async with connection.pipeline():
            if known is None:
                if identity is None:
                    identity = await self._create_customer(connection, envelope)
                known = await self._begin_conversation(connection, envelope, identity)
            key = key_of(self._keyring, known)
            for claim in envelope.claims:
                await self._write_identity(
                    connection,
                    "insert_claim",
                    known["customer_id"],
                    key,
                    claim.channel,
                    claim.address,
                    verified=False,
                )
            if known["case_id"] is None:
                cursor = await connection.execute(
                    self._sql["open_case"],
                    {"id": uuid7(), "customer_id": known["customer_id"], "conversation_id": known["conversation_id"]},
                )
                case = await cursor.fetchone()
                known = {**known, "case_id": case["id"] if case else None}
        return known

    async def _look_up(
        self, connection: Connection, envelope: Envelope, address_index: bytes
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """The conversation and, if the address is proven, its owner; nobody else changes either until the commit."""
        async with connection.pipeline():
            await connection.execute(self._sql["lock_address"], {"address_index": address_index[:8]})
            conversations = await connection.execute(
                self._sql["find_conversation"],
                {"channel": envelope.channel, "thread_index": self._thread_index(envelope)},
            )
            identities = await connection.execute(
                self._sql["find_identity"],
                {"channel": envelope.channel, "address_index": address_index if envelope.verified else b""},
            )
            return await conversations.fetchone(), await identities.fetchone()

    async def _begin_conversation(
        self, connection: Connection, envelope: Envelope, identity: Mapping[str, Any]
    ) -> dict[str, Any]:
        cursor = await connection.execute(
            self._sql["insert_conversation"],
            {
                "id": uuid7(),
                "customer_id": identity["customer_id"],
                "identity_id": identity["identity_id"],
                "channel": envelope.channel,
                "thread_index": self._thread_index(envelope),
            },
        )
        begun = await cursor.fetchone()
        if begun is not None:
            return {**identity, "conversation_id": begun["id"], "case_id": None}
        known = await self._find_conversation(connection, envelope)
        assert known is not None  # somebody else in the same thread was quicker, from another address
        return known

    async def _create_customer(self, connection: Connection, envelope: Envelope) -> dict[str, Any]:
        customer_id = CustomerId(uuid7())
        wrapped, key = self._keyring.create(customer_id)
        name = (envelope.name or "").strip()[:200]
        await connection.execute(
            self._sql["insert_customer"],
            {
                "key_id": wrapped.id,
                "customer_id": customer_id,
                "wrapped": wrapped.wrapped,
                "master_key_id": wrapped.master_key_id,
                "name_sealed": key.seal(name, place="customers.name_sealed", row=customer_id) if name else None,
                "language": envelope.language,
            },
        )
        identity_id = await self._write_identity(
            connection,
            "insert_identity",
            customer_id,
            key,
            envelope.channel,
            envelope.address,
            verified=envelope.verified,
        )
        return {
            "identity_id": identity_id,
            "customer_id": customer_id,
            "key_id": wrapped.id,
            "wrapped": wrapped.wrapped,
            "master_key_id": wrapped.master_key_id,
        }

    async def _write_identity(
        self,
        connection: Connection,
        statement: str,
        customer_id: UUID,
        key: CustomerKey,
        channel: str,
        address: str,
        *,
        verified: bool,
    ) -> UUID:
        identity_id = uuid7()
        await connection.execute(
            self._sql[statement],
            {
                "id": identity_id,
                "customer_id": customer_id,
                "key_id": key.id,
                "channel": channel,
                "address_sealed": key.seal(address, place="identities.address_sealed", row=identity_id),
                "address_index": self._keyring.blind_index(f"address:{channel}", address),
                "verified": verified,
            },
        )
        return identity_id

    async def _insert(
        self, connection: Connection, envelope: Envelope, known: Mapping[str, Any], settle: timedelta
    ) -> Receipt | None:
        message_id = MessageId(uuid7())
        key = key_of(self._keyring, known)
        cursor = await connection.execute(
            self._sql["insert_message"],
            {
                "id": message_id,
                "case_id": known["case_id"],
                "key_id": key.id,
                "channel": envelope.channel,
                "provider_message_id": envelope.provider_message_id,
                "body_sealed": key.seal(envelope.text, place="messages.body_sealed", row=message_id),
                "written_at": envelope.written_at,
                "settle": settle,
                "event_id": uuid7(),
            },
        )
        row = await cursor.fetchone()
        return None if row is None else _receipt(message_id, row, duplicate=False)

    def _thread_index(self, envelope: Envelope) -> bytes:
        return self._keyring.blind_index(f"thread:{envelope.channel}", envelope.thread)


def refuse_unstorable(text: str) -> None:
    """Raise InvalidMessageError for a text that is empty, too long, or that PostgreSQL and UTF-8 cannot hold."""
    if not text.strip():
        raise InvalidMessageError("the message is empty", hint="write something in 'text'")
    if len(text) > MAX_CHARACTERS:
        raise InvalidMessageError(
            f"the message has {len(text):,} characters", hint=f"at most {MAX_CHARACTERS:,} are taken"
        )
    if "\0" in text:
        raise InvalidMessageError("the message has a NUL character", hint="send text, not binary data")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidMessageError(
            "the message is not valid Unicode (a lone surrogate)", hint="encode the text as UTF-8"
        ) from None


def _receipt(message_id: UUID, row: Mapping[str, Any], *, duplicate: bool) -> Receipt:
    return Receipt(
        message_id=MessageId(message_id),
        conversation_id=ConversationId(row["conversation_id"]),
        case_id=CaseId(row["case_id"]),
        sequence=row["sequence"],
        position=row["position"],
        duplicate=duplicate,
        waits=not duplicate and row["state"] == "waiting",
    )
