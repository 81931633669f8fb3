"""Finding customers by an address that somebody proved."""

from __future__ import annotations

from collections.abc import Sequence

from channels.addresses import CHANNELS_OF, normal
from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.turn import Claim, CustomerId


class PostgresDirectory:
    """``skills.ports.CustomerDirectory`` by blind index: exact addresses only, no list to read through."""

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
