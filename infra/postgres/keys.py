"""Sees that a process has the keys that its database was sealed with."""

from __future__ import annotations

from psycopg.errors import UndefinedTable

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import ConfigurationError


async def refuse_other_keys(database: Database, keyring: Keyring) -> None:
    """Remember the keys' fingerprints the first time, and compare them every time after.

    Raises:
        ConfigurationError: a key of this name was another one, or the database was never migrated.
    """
    sql = load("keys")
    fingerprints = keyring.fingerprints()
    given = {"names": list(fingerprints), "fingerprints": list(fingerprints.values())}
    async with database.connection() as connection:
        try:
            await connection.execute(sql["remember"], given)
        except UndefinedTable:
            raise ConfigurationError(
                "the migrations of the database are pending", hint="run `csagent migrate` first"
            ) from None
        strangers = [row["name"] for row in await (await connection.execute(sql["strangers"], given)).fetchall()]
    if strangers:
        raise ConfigurationError(
            f"the database was sealed with other keys: {', '.join(strangers)}",
            hint="restore them (CSAGENT_MASTER_KEYS, CSAGENT_INDEX_KEY, or keys.env in the folder): without them "
            "nobody reads what is there",
        )
