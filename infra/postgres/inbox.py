"""Receiving: a message is committed here before anybody is told that it arrived.

Crash before the commit: nothing is stored, the provider (or the browser) sends it again. Crash after the commit, before
the answer: it is sent again and found by (channel, provider message id). A hint wakes a worker after the commit; if the
hint is lost, the sweeper finds ``case_work.due_at``.

A known conversation costs two statements: one that reads the customer's key, because the text is sealed before it is
stored, and one that numbers, stores, wakes and logs at once. Somebody new, unproven and in a new talk, costs one more
at most. Who has proven an address may be known by it from another talk: then one transaction behind an advisory lock on
the address finds or creates what the message needs, as it does where a case has to be opened or a claim noted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import Rollback
from psycopg.errors import UniqueViolation
from uuid_utils.compat import uuid7

from channels.addresses import addressed
from channels.envelope import Envelope
from infra.crypto.keyring import CustomerKey, Keyring
from infra.postgres.aftermath import NOBODY, Aftermath, Judges
from infra.postgres.consents import confirm_consent, note_consent
from infra.postgres.database import Connection, Database
from infra.postgres.files import files_of, keep_files
from infra.postgres.life import ENDLESS, Life
from infra.postgres.pace import UNPACED, Pace
from infra.postgres.queries import load
from infra.postgres.receipts import Receipt, Stored, receipt_of
from infra.postgres.seals import key_of
from infra.postgres.storable import MAX_CHARACTERS, refuse_unstorable
from skills.errors import ConflictError, DatabaseUnavailableError
from skills.turn import CaseId, ConversationId, CustomerId, MessageId

__all__ = ["MAX_CHARACTERS", "Inbox", "Receipt", "Stored", "refuse_unstorable"]

_ATTEMPTS = 5


class Inbox:
    """Stores what customers write.

    Args:
        database: where it is stored.
        keyring: seals it.
        pace: how soon the turns of one case, and the new cases of one sender, may follow each other.
        life: for how long a resolved case goes on.
        judges: which messages after its end need no turn.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        pace: Pace = UNPACED,
        *,
        life: Life = ENDLESS,
        judges: Judges = NOBODY,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._pace = pace
        self._aftermath = Aftermath(life.reopen, judges)
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
        envelope = addressed(envelope)
        for _ in range(_ATTEMPTS):
            try:
                stored = await self._store(envelope, settle)
            except UniqueViolation:
                continue  # somebody else opened another case of the talk: look again
            receipt = stored or await self._duplicate(envelope)
            if receipt is not None:
                return receipt
        raise DatabaseUnavailableError("the case was resolved again and again while a message came in")

    async def _store(self, envelope: Envelope, settle: timedelta) -> Receipt | None:
        """The receipt; ``None`` when nothing was stored because the message is here, or the case was just resolved."""
        rating = self._aftermath.rating_in(envelope)
        plain = not (envelope.aliases or files_of(envelope) or envelope.consent) and rating is None
        async with self._database.connection() as connection:
            if plain and envelope.begins:
                begun = await self._begin(connection, envelope, settle)
                if begun is not None:
                    return begun.receipt
            known = await self._find_conversation(connection, envelope)
            if plain and known is None and not envelope.verified:
                begun = await self._begin(connection, envelope, settle)
                return None if begun is None else begun.receipt
            if plain and known is not None and known["case_id"] is not None and not envelope.claims:
                stored = await self._insert(connection, envelope, known, settle)
                return None if stored is None else stored.receipt
            async with connection.transaction():
                return await self._store_whole(connection, envelope, settle, rating)
            return None

    async def _store_whole(
        self, connection: Connection, envelope: Envelope, settle: timedelta, rating: int | None
    ) -> Receipt:
        """The message with all that it brings or changes besides.

        Raises:
            Rollback: it is here, or its case was just resolved; what was made for it is not kept without it.
        """
        way, indexes = await self._make_way(connection, envelope, rating), self._address_indexes(envelope)
        wished = await note_consent(connection, envelope, indexes)
        if wished and envelope.consent == "start":
            envelope = replace(envelope, automatic=True)  # answered by the confirmation
        if way is None:
            stored = await self._begin(connection, envelope, settle)
            if stored is not None:
                await self._prove(connection, envelope, stored.key, stored.customer_id)
                wished = await note_consent(connection, envelope, indexes)
        else:
            stored = await self._insert(connection, envelope, way, max(settle, way["delay"]))
        if stored is None:
            raise Rollback
        await keep_files(connection, envelope, stored.receipt.message_id, stored.key)
        if wished:
            case_id, sequence = stored.receipt.case_id, stored.receipt.sequence + 1
            await confirm_consent(connection, envelope, case_id, stored.key, sequence)
        if way is not None and rating is not None and way.get("survey_id") is not None:
            await self._aftermath.rate(connection, way["survey_id"], rating)
        return stored.receipt

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
        return receipt_of(row["id"], row, duplicate=True)

    async def _find_conversation(self, connection: Connection, envelope: Envelope) -> dict[str, Any] | None:
        cursor = await connection.execute(
            self._sql["find_conversation"],
            {
                "channel": envelope.channel,
                "thread_index": self._keyring.thread_index(envelope.channel, envelope.thread),
            },
        )
        known = await cursor.fetchone()
        if known is not None or not (envelope.related and envelope.verified):
            return known
        cursor = await connection.execute(
            self._sql["find_related"],
            {
                "channel": envelope.channel,
                "related": list(envelope.related),
                "address_index": self._keyring.address_index(envelope.channel, envelope.address),
            },
        )
        return await cursor.fetchone()

    async def _make_way(
        self, connection: Connection, envelope: Envelope, rating: int | None
    ) -> Mapping[str, Any] | None:
        """Find or create conversation and case, one writer an address at a time; ``None`` for somebody new."""
        known, identity = await self._look_up(connection, envelope)
        owner = known or identity
        if owner is None:
            return None
        proven = await self._prove(connection, envelope, key_of(self._keyring, owner), owner["customer_id"])
        if known is None:
            known = await self._begin_conversation(connection, envelope, {**owner, **proven})
        async with connection.pipeline():
            key = key_of(self._keyring, known)
            for claim in self._claims(envelope, key):
                await connection.execute(
                    self._sql["insert_claim"], {"customer_id": known["customer_id"], "key_id": key.id, **claim}
                )
            delay = timedelta(0)
            if rating is not None:
                known = {**known, **await self._aftermath.rated(connection, known["conversation_id"])}
            if known["case_id"] is None:
                known = {**known, **await self._aftermath.place(connection, envelope, known["conversation_id"])}
            if known["case_id"] is None:
                customer = {"customer_id": known["customer_id"]}
                recent = await (await connection.execute(self._sql["recent_cases"], customer)).fetchone()
                assert recent is not None  # an aggregate always has a row
                delay = self._pace.delay(recent["recent"])
                cursor = await connection.execute(
                    self._sql["open_case"],
                    {"id": uuid7(), "customer_id": known["customer_id"], "conversation_id": known["conversation_id"]},
                )
                case = await cursor.fetchone()
                known = {**known, "case_id": case["id"] if case else None}
        return {**known, "delay": delay}

    async def _look_up(
        self, connection: Connection, envelope: Envelope
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """The conversation and, if the address is proven, its owner; nobody else changes either until the commit.

        Raises:
            Rollback: they were joined with another customer, or parted, while this waited: look again.
        """
        indexes = self._address_indexes(envelope)
        for index in sorted(indexes):  # in one order everywhere, so that nobody waits in a circle
            await connection.execute(self._sql["lock_address"], {"address_index": index[:8]})
        proven = {"channel": envelope.channel, "address_indexes": indexes if envelope.verified else []}
        held = None
        while True:
            known = await self._find_conversation(connection, envelope)
            identity = await (await connection.execute(self._sql["find_identity"], proven)).fetchone()
            owner = known or identity
            if owner is None or owner["customer_id"] == held:
                return known, identity
            if held is not None:
                raise Rollback
            held = owner["customer_id"]  # read again once it is held: a merge may have ended while this waited
            await connection.execute(self._sql["hold_customer"], {"customer_id": held})

    async def _prove(
        self, connection: Connection, envelope: Envelope, key: CustomerKey, customer_id: UUID
    ) -> dict[str, Any]:
        """Write down which addresses the channel proves to be the owner's, unless they are; the writer's, if it is."""
        if not (envelope.aliases and envelope.verified):
            return {}
        own: dict[str, Any] = {}
        for address in (envelope.address, *envelope.aliases):
            identity_id = uuid7()
            cursor = await connection.execute(
                self._sql["insert_proven"],
                {
                    "id": identity_id,
                    "customer_id": customer_id,
                    "key_id": key.id,
                    "channel": envelope.channel,
                    "address_sealed": key.seal(address, place="identities.address_sealed", row=identity_id),
                    "address_index": self._keyring.address_index(envelope.channel, address),
                },
            )
            found = await cursor.fetchone()
            if address == envelope.address and found is not None:
                own = {"identity_id": found["id"]}
        return own

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
                "thread_index": self._keyring.thread_index(envelope.channel, envelope.thread),
            },
        )
        begun = await cursor.fetchone()
        if begun is not None:
            return {**identity, "conversation_id": begun["id"], "case_id": None}
        known = await self._find_conversation(connection, envelope)
        assert known is not None  # somebody else in the same thread was quicker, from another address
        return known

    async def _begin(self, connection: Connection, envelope: Envelope, settle: timedelta) -> Stored | None:
        """Store the first message of somebody new, and all that it needs; ``None`` when the talk or it is here."""
        customer_id, identity_id = CustomerId(uuid7()), uuid7()
        conversation_id, case_id, message_id = ConversationId(uuid7()), CaseId(uuid7()), MessageId(uuid7())
        wrapped, key = self._keyring.create(customer_id)
        name = (envelope.name or "").strip()[:200]
        claims = self._claims(envelope, key)
        values = {
            "customer_id": customer_id,
            "key_id": wrapped.id,
            "wrapped": wrapped.wrapped,
            "master_key_id": wrapped.master_key_id,
            "name_sealed": key.seal(name, place="customers.name_sealed", row=customer_id) if name else None,
            "language": envelope.language,
            "identity_id": identity_id,
            "channel": envelope.channel,
            "address_sealed": key.seal(envelope.address, place="identities.address_sealed", row=identity_id),
            "address_index": self._keyring.address_index(envelope.channel, envelope.address),
            "verified": envelope.verified,
            "claim_ids": [claim["id"] for claim in claims],
            "claim_channels": [claim["channel"] for claim in claims],
            "claim_addresses": [claim["address_sealed"] for claim in claims],
            "claim_indexes": [claim["address_index"] for claim in claims],
            "conversation_id": conversation_id,
            "thread_index": self._keyring.thread_index(envelope.channel, envelope.thread),
            "case_id": case_id,
            "message_id": message_id,
            "provider_message_id": envelope.provider_message_id,
            "body_sealed": key.seal(envelope.text, place="messages.body_sealed", row=message_id),
            "written_at": envelope.written_at,
            "settle": settle,
            **_besides(envelope, key, message_id),
            "event_id": uuid7(),
        }
        try:
            begun = await (await connection.execute(self._sql["begin"], values)).fetchone()
        except UniqueViolation:
            return None  # it came before, in another talk, or its address was proven meanwhile: look again
        if begun is None:
            return None
        waits = not envelope.automatic
        return Stored(
            Receipt(message_id, conversation_id, case_id, sequence=1, position=1, duplicate=False, waits=waits),
            key,
            customer_id,
        )

    def _claims(self, envelope: Envelope, key: CustomerKey) -> list[dict[str, Any]]:
        """The rows of what the writer says about themselves, unproven."""
        rows = []
        for claim in envelope.claims:
            identity_id = uuid7()
            rows.append(
                {
                    "id": identity_id,
                    "channel": claim.channel,
                    "address_sealed": key.seal(claim.address, place="identities.address_sealed", row=identity_id),
                    "address_index": self._keyring.address_index(claim.channel, claim.address),
                }
            )
        return rows

    async def _insert(
        self, connection: Connection, envelope: Envelope, known: Mapping[str, Any], settle: timedelta
    ) -> Stored | None:
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
                **_besides(envelope, key, message_id, quiet=known.get("quiet", False)),
                "into": known.get("into", "open"),
                "ahead": self._pace.ahead,
                "event_id": uuid7(),
            },
        )
        row = await cursor.fetchone()
        return (
            None
            if row is None
            else Stored(receipt_of(message_id, row, duplicate=False), key, CustomerId(known["customer_id"]))
        )

    def _address_indexes(self, envelope: Envelope) -> list[bytes]:
        """Of the writer's addresses, the one that they write from first."""
        return [
            self._keyring.address_index(envelope.channel, address) for address in (envelope.address, *envelope.aliases)
        ]


def _besides(envelope: Envelope, key: CustomerKey, message_id: MessageId, *, quiet: bool = False) -> dict[str, Any]:
    """The columns of a message that say more of it than its text; ``quiet``: it needs no turn."""
    detail = json.dumps(dict(envelope.detail)) if envelope.detail else None
    return {
        "detail_sealed": None if detail is None else key.seal(detail, place="messages.detail_sealed", row=message_id),
        "for_person": envelope.for_person,
        "automatic": envelope.automatic or quiet,
    }
