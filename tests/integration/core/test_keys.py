"""A process whose keys are not those of the database says so, and one broken row blinds nobody."""

from __future__ import annotations

import pytest

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.keys import refuse_other_keys
from skills.errors import ConfigurationError
from tests.core import Core


async def test_the_same_keys_are_welcome_again_and_a_further_master_key_too(database: Database) -> None:
    await refuse_other_keys(database, Keyring({"a": b"a" * 32}, b"i" * 32))
    await refuse_other_keys(database, Keyring({"b": b"b" * 32, "a": b"a" * 32}, b"i" * 32))
    await refuse_other_keys(database, Keyring({"b": b"b" * 32}, b"i" * 32))


@pytest.mark.parametrize(
    ("keyring", "named"),
    [
        (Keyring({"a": b"x" * 32}, b"i" * 32), "master:a"),
        (Keyring({"a": b"a" * 32}, b"x" * 32), "index"),
        (Keyring({"a": b"x" * 32}, b"x" * 32), "index, master:a"),
    ],
)
async def test_other_keys_are_refused_by_name(database: Database, keyring: Keyring, named: str) -> None:
    await refuse_other_keys(database, Keyring({"a": b"a" * 32}, b"i" * 32))
    with pytest.raises(ConfigurationError, match=f"sealed with other keys: {named}$"):
        await refuse_other_keys(database, keyring)


async def test_a_database_that_was_never_migrated_is_a_clear_error(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("drop table key_fingerprints")
    with pytest.raises(ConfigurationError, match="pending"):
        await refuse_other_keys(database, Keyring({"a": b"a" * 32}, b"i" * 32))


async def test_one_row_that_does_not_open_hides_no_other_from_the_queue(core: Core) -> None:
    for thread in ("broken", "whole"):
        receipt = await core.write(thread, f"a person please, {thread}")
        await core.work(receipt.case_id)
    first, _ = await core.reviews.queue()
    await core.rows("update escalations set request_sealed = 'x' where id = %s returning 1", first.id)
    broken, whole = await core.reviews.queue()
    assert "does not" in broken.first_line or "not know" in broken.first_line
    assert whole.first_line == "a person please, whole"
