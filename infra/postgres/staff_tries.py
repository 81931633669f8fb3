"""Tries to sign in: counted before a password is compared, by name and by network address.

They are kept as keyed hashes, for what was typed as a name may have been a password. One stays counted until somebody
signs in by that name, or an operator lets its owner begin anew.
"""

from __future__ import annotations

from datetime import timedelta

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from skills.errors import TooManyError

_WINDOW = timedelta(minutes=15)
_SQL = load("staff_tries")


class StaffTries:
    """Counts them.

    Args:
        database: where they are.
        keyring: for the keyed hashes.
        for_name: wrong passwords for one name in a quarter of an hour.
        from_address: the same from one network address.
    """

    def __init__(self, database: Database, keyring: Keyring, *, for_name: int, from_address: int) -> None:
        self._database = database
        self._keyring = keyring
        self._for_name = for_name
        self._from_address = from_address

    async def count(self, name: str, address: str, *, account: str | None) -> None:
        """Count one.

        Args:
            name: as the account would be called.
            address: the network's, from which it came.
            account: the account of this name, if there is one: for the records.

        Raises:
            TooManyError: it was tried too often, whether there is such a name or not.
        """
        indexes = {
            "name_index": self._index(name),
            "address_index": self._keyring.blind_index("staff address", address),
        }
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["lock_name"], {"name_index": indexes["name_index"][:8]})
            await connection.execute(_SQL["forget"])
            values = {**indexes, "window": _WINDOW}
            counted = await (await connection.execute(_SQL["count"], values)).fetchone()
            assert counted is not None  # counts always have a row
            of_name = counted["for_name"] >= self._for_name
            if not of_name and counted["from_address"] < self._from_address:
                await connection.execute(_SQL["keep"], {"id": uuid7(), **indexes})
                return
            mark = indexes["name_index" if of_name else "address_index"]
            data = {"of": "name" if of_name else "address", "mark": mark[:8].hex()}
            if account is not None:
                data["account"] = account
            held = {"event_id": uuid7(), "data": Jsonb(data), "window": _WINDOW}
            await connection.execute(_SQL["held"], held)
        raise TooManyError("too many wrong passwords", hint="try again in a quarter of an hour")

    async def clear(self, connection: Connection, name: str) -> None:
        """Forget those for this name."""
        await connection.execute(_SQL["clear"], {"name_index": self._index(name)})

    def _index(self, name: str) -> bytes:
        return self._keyring.blind_index("staff name", name)
