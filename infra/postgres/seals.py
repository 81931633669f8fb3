"""From a row's key columns to the key that opens the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from infra.crypto.keyring import CustomerKey, Keyring, WrappedKey
from skills.turn import CustomerId


def key_of(keyring: Keyring, row: Mapping[str, Any], prefix: str = "") -> CustomerKey:
    """The customer's key out of a row that has ``key_id``, ``customer_id``, ``wrapped`` and ``master_key_id``.

    ``customer_id`` is the customer for whom the key was made, which may have been joined with another since. A
    ``prefix`` is that of all four columns, where a row has two keys.
    """
    wrapped = row[f"{prefix}wrapped"]
    return keyring.unwrap(
        WrappedKey(
            id=row[f"{prefix}key_id"],
            customer_id=CustomerId(row[f"{prefix}customer_id"]),
            wrapped=None if wrapped is None else bytes(wrapped),
            master_key_id=row[f"{prefix}master_key_id"],
        )
    )


def name_of(keyring: Keyring, row: Mapping[str, Any], prefix: str = "") -> str | None:
    """The customer's name out of a row that has ``name_sealed`` and the columns of its key (``key_of``)."""
    if row["name_sealed"] is None:
        return None
    key, place = key_of(keyring, row, prefix), "customers.name_sealed"
    return key.open(bytes(row["name_sealed"]), place=place, row=row[f"{prefix}customer_id"])


class Keys:
    """The keys of one row's parts: a customer who was joined with another has texts under several.

    Args:
        keyring: unwraps them, each once.
        row: has the columns of ``key_of``, and arrays ``other_keys``, ``other_customers``, ``other_wrapped`` and
            ``other_masters`` of all further keys; null when there are none.
    """

    def __init__(self, keyring: Keyring, row: Mapping[str, Any]) -> None:
        self._keyring = keyring
        self._rows = {row["key_id"]: row}
        if row["other_keys"] is not None:
            others = (row[f"other_{column}"] for column in ("keys", "customers", "wrapped", "masters"))
            for key_id, customer_id, wrapped, master in zip(*others, strict=True):
                self._rows[key_id] = {
                    "key_id": key_id,
                    "customer_id": customer_id,
                    "wrapped": wrapped,
                    "master_key_id": master,
                }
        self._unwrapped: dict[UUID, CustomerKey] = {}

    def __getitem__(self, key_id: UUID) -> CustomerKey:
        """The key of this id.

        Raises:
            KeyDestroyedError: its customer was erased.
        """
        if key_id not in self._unwrapped:
            self._unwrapped[key_id] = key_of(self._keyring, self._rows[key_id])
        return self._unwrapped[key_id]
