"""What it changes that a visitor has typed in the right code, in one transaction behind the address's advisory lock.

Nobody had the address: it is the visitor's from now on. Somebody had it: the visitor, who never proved anything so far,
was that customer all along, and is joined with them. A visitor's customer who has proven something already is never
changed by a code alone: somebody else may sit at that screen by now, or one person has two histories, and a person of
staff decides. The talk itself counts as its owner's until the proof ends, or until it is forgotten here.

The inbox takes the same lock before it gives an address an owner, so that a mail that arrives meanwhile finds one
customer or makes one, never a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.merges import BY_PROOF, Merges
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.verification import TriedCode, talk_of
from skills.errors import DatabaseUnavailableError
from skills.turn import CustomerId

ProofOutcome = Literal["new", "known", "joined", "contested"]
"""The address is the visitor's now; it was; the visitor was joined with its owner; a person decides."""

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Proof:
    """What a right code led to. ``until``: how long the talk counts as its owner's; ``None`` if it does not."""

    outcome: ProofOutcome
    until: datetime | None


class Proofs:
    """Gives addresses to those who proved them.

    Args:
        database: where they are.
        keyring: seals them.
        life: how long a talk's token counts after a proof.
    """

    def __init__(self, database: Database, keyring: Keyring, *, life: timedelta) -> None:
        self._database = database
        self._keyring = keyring
        self._life = life
        self._merges = Merges()
        self._sql = load("proofs")
        self._lock = load("verification")["lock"]

    async def prove(self, code: TriedCode) -> Proof:
        """Act on a right code. The same code twice does the same as once.

        Raises:
            DatabaseUnavailableError: nothing was written; the same code can be typed in again.
        """
        for _ in range(_ATTEMPTS):
            async with self._database.transaction() as connection:
                await connection.execute(self._lock, {"index": code.address_index[:8]})
                proof = await self._decide(connection, code)
                if proof is not None:
                    return proof
        raise DatabaseUnavailableError("the customers were joined again and again meanwhile")

    async def forget(self, thread: str) -> None:
        """From now on the token of this thread proves nothing: somebody else may use this browser.

        Raises:
            NotFoundError: nothing was ever written in this thread.
        """
        async with self._database.transaction() as connection:
            talk = await talk_of(connection, self._keyring, thread)
            where = {"conversation_id": talk["conversation_id"]}
            await connection.execute(self._sql["forget_here"], where)
            await self._log(connection, "identity.forgotten", conversation_id=str(talk["conversation_id"]))

    async def _decide(self, connection: Connection, code: TriedCode) -> Proof | None:
        """What the code led to; ``None``, and nothing written, when the customers changed before they were held."""
        address = {"channel": code.channel, "address_index": code.address_index}
        talk, owner = await self._look(connection, code, address)
        await self._merges.lock(connection, *{CustomerId(talk["customer_id"]), *_owners(owner)})
        before = talk["customer_id"], _owners(owner)
        talk, owner = await self._look(connection, code, address)
        if before != (talk["customer_id"], _owners(owner)):
            return None
        mine = CustomerId(talk["customer_id"])
        outcome: ProofOutcome
        if owner is not None and owner["customer_id"] == mine:
            outcome, identity_id = "known", owner["identity_id"]
        elif talk["known"] and (owner is not None or not talk["proven"]):
            outcome, identity_id = "contested", await self._own(connection, code, talk, contested=True)
        elif owner is None:
            outcome, identity_id = "new", await self._own(connection, code, talk, contested=False)
        else:
            outcome, identity_id = "joined", owner["identity_id"]
            await self._merges.merge(connection, mine, CustomerId(owner["customer_id"]), by=BY_PROOF)
        until = None
        if outcome != "contested":
            proven = {"conversation_id": code.conversation_id, "identity_id": identity_id, "life": self._life}
            row = await (await connection.execute(self._sql["prove"], proven)).fetchone()
            assert row is not None  # conversations are never deleted
            until = row["proven_until"]
        await connection.execute(self._sql["mark_proven"], {"id": code.id})
        await self._log(
            connection,
            "identity.proven",
            outcome=outcome,
            channel=code.channel,
            verification_id=str(code.id),
            conversation_id=str(code.conversation_id),
        )
        return Proof(outcome, until)

    async def _look(
        self, connection: Connection, code: TriedCode, address: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        where = {"conversation_id": code.conversation_id}
        talk = await (await connection.execute(self._sql["standing"], where)).fetchone()
        assert talk is not None  # conversations are never deleted
        return talk, await (await connection.execute(self._sql["find_owner"], address)).fetchone()

    async def _own(self, connection: Connection, code: TriedCode, talk: Mapping[str, Any], *, contested: bool) -> UUID:
        """The identity of the talk's customer with this address, whether it was claimed before or not."""
        named = {"customer_id": talk["customer_id"], "channel": code.channel, "address_index": code.address_index}
        claim = self._sql["contest_claim" if contested else "upgrade_claim"]
        row = await (await connection.execute(claim, named)).fetchone()
        if row is None:
            source = await (await connection.execute(self._sql["address_of"], {"id": code.id})).fetchone()
            assert source is not None  # it was tried in this request
            address = key_of(self._keyring, source).open(
                bytes(source["address_sealed"]), place="verifications.address_sealed", row=code.id
            )
            key, identity_id = key_of(self._keyring, talk), uuid7()
            sealed = key.seal(address, place="identities.address_sealed", row=identity_id)
            values = {**named, "id": identity_id, "key_id": key.id, "address_sealed": sealed, "contested": contested}
            row = await (await connection.execute(self._sql["insert_identity"], values)).fetchone()
        assert row is not None  # inserted, or found
        identity: UUID = row["id"]
        return identity

    async def _log(self, connection: Connection, kind: str, **data: str) -> None:
        await connection.execute(
            self._sql["log"], {"event_id": uuid7(), "kind": kind, "actor": "customer", "data": Jsonb(data)}
        )


def _owners(owner: Mapping[str, Any] | None) -> tuple[CustomerId, ...]:
    return () if owner is None else (CustomerId(owner["customer_id"]),)
