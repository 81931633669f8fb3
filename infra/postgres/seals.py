"""From a row's key columns to the key that opens the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.crypto.keyring import CustomerKey, Keyring, WrappedKey
from skills.turn import CustomerId


def key_of(keyring: Keyring, row: Mapping[str, Any]) -> CustomerKey:
    """The customer's key out of a row that has ``key_id``, ``customer_id``, ``wrapped`` and ``master_key_id``."""
    wrapped = row["wrapped"]
    return keyring.unwrap(
        WrappedKey(
            id=row["key_id"],
            customer_id=CustomerId(row["customer_id"]),
            wrapped=None if wrapped is None else bytes(wrapped),
            master_key_id=row["master_key_id"],
        )
    )
