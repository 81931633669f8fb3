"""Finding customers by an address that somebody proved, and by what the company knows of them."""

from __future__ import annotations

from collections.abc import Sequence

from channels.addresses import CHANNELS_OF, normal
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.facts import key_index, opened
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.ports import FactKey, Known
from skills.turn import Claim, CustomerId

MOST_OPENED = 200
"""Records that one look-up opens; those that share most keys with what was said first."""


class PostgresDirectory:
    """``skills.ports.CustomerDirectory`` by blind index: exact values only, no list to read through."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("directory")

    async def verified_owners(self, claims: Sequence[Claim]) -> list[CustomerId]:
        """The customers who proved an address that is claimed here."""
        indexes = [
            self._keyring.address_index(channel, normal(channel, claim.value))
            for claim in claims
            if claim.kind == "email" or claim.kind == "phone"  # noqa: PLR1714 - what mypy understands
            for channel in CHANNELS_OF[claim.kind]
        ]
        if not indexes:
            return []
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["verified_owners"], {"indexes": indexes})
            return [CustomerId(row["customer_id"]) for row in await cursor.fetchall()]

    async def known_by(self, keys: Sequence[FactKey]) -> Known:
        """The customers of whom the company knows a fact with one of these keys, whoever they are part of by now."""
        if not keys:
            return Known()
        values = {"indexes": [key_index(self._keyring, key) for key in keys], "most": MOST_OPENED}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["known_by"], values)).fetchall()
        found = [(CustomerId(row["whose"]), opened(key_of(self._keyring, row), row)) for row in rows]
        return Known(found, rows[0]["among"] if rows else 0)
