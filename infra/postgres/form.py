"""How often the public form brought the same text or named the same address within the hour.

Only keyed hashes are kept, for an hour: enough to notice a burst, too little to learn anything of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.queries import load

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often within the hour, this time included."""

    text: int
    address: int


class FormArrivals:
    """Counts what the public form brings."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("form")

    async def count(self, *, text: str, address: str) -> Repeats:
        """Count one message. Texts are the same when their words are.

        Raises:
            DatabaseUnavailableError: nothing was counted.
        """
        words = " ".join(_WORD.findall(text.casefold())) or text
        same_text = self._keyring.blind_index("form text", words)
        same_address = self._keyring.blind_index("form address", address.casefold())
        async with self._database.connection() as connection:
            # In one order everywhere, so that nobody waits in a circle.
            digests = sorted({same_text, same_address})
            cursor = await connection.execute(self._sql["count_arrivals"], {"digests": digests})
            counts = {bytes(row["digest"]): row["count"] for row in await cursor.fetchall()}
        return Repeats(text=counts[same_text], address=counts[same_address])

    async def forget(self) -> int:
        """Forget what is older than an hour; how many there were."""
        async with self._database.connection() as connection:
            return (await connection.execute(self._sql["forget_arrivals"])).rowcount
