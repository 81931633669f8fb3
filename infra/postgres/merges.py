"""Joining two customers, and parting them again: what a proof and what a member of staff do in their transaction.

The source's talks, cases and addresses become the other's; ``customers.merged_into`` says where they went, and a row in
``merges`` what went. Keys stay: each row names the one that it was sealed with. Killed anywhere: nothing happened.

Both customers' rows are taken for the whole transaction. So two merges of one customer come one after the other, and
the second sees what the first did: a circle can't close. A message on its way holds its customer's row, so it is either
moved with the talk, or looks again afterwards. A turn that runs loses its lease and is loaded again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from infra.postgres.database import Connection
from infra.postgres.queries import load
from skills.errors import ConflictError, NotFoundError
from skills.turn import CustomerId

BY_PROOF = "proof"
"""Who joined two customers when nobody of staff did: a visitor who proved the other's address."""


class Merges:
    """Works inside the caller's transaction."""

    def __init__(self) -> None:
        self._sql = load("merges")

    async def lock(self, connection: Connection, *customers: CustomerId) -> dict[UUID, dict[str, Any]]:
        """Take the customers for this transaction, in one order everywhere; what is true of them now."""
        ids = {"ids": sorted(set(customers))}
        rows = await (await connection.execute(self._sql["lock_customers"], ids)).fetchall()
        return {row["id"]: row for row in rows}

    async def merge(self, connection: Connection, source: CustomerId, into: CustomerId, *, by: str) -> UUID:
        """Join ``source`` with ``into``; the id of the merge.

        Raises:
            NotFoundError: there is no such customer.
            ConflictError: they are one already, one of them was joined with a third, or was erased.
        """
        self._refuse(source, into, await self.lock(connection, source, into))
        await connection.execute(self._sql["lock_cases"], {"ids": [source]})
        merge_id = uuid7()
        # Before they move: afterwards they could not be told from the other's own, which have nothing to load again.
        await connection.execute(self._sql["fence"], {"ids": [source]})
        await connection.execute(
            self._sql["merge"],
            {"id": merge_id, "source_id": source, "into_id": into, "merged_by": by, "event_id": uuid7()},
        )
        return merge_id

    async def part(self, connection: Connection, source: CustomerId, *, by: str, window: timedelta) -> CustomerId:
        """Undo the merge of ``source``; with whom it had been joined.

        Raises:
            NotFoundError: this customer was not joined with another.
            ConflictError: too long ago, the other was joined with a third since, or a person decides in a case.
        """
        merge = await self._merge_of(connection, source, window)
        into = CustomerId(merge["into_id"])
        now = await self.lock(connection, source, into)
        merge = await self._merge_of(connection, source, window)
        if merge["into_id"] != into or now[into]["merged_into"] is not None:
            raise ConflictError("the other customer was joined with a third since", hint="undo that one first")
        if not merge["undoable"]:
            raise ConflictError("that was too long ago to be undone")
        await connection.execute(self._sql["lock_cases"], {"ids": [source, into]})
        since = {"into_id": into, "merged_at": merge["merged_at"]}
        review = await (await connection.execute(self._sql["under_review"], since)).fetchone()
        if review is not None:
            raise ConflictError(
                "a person decides in one of their cases about a text that was written since",
                hint="decide there first",
                changes={"case_id": str(review["case_id"])},
            )
        conversations, identities, later = list(merge["conversations"]), list(merge["identities"]), []
        followers = {**since, "identities": identities}
        for follower in await (await connection.execute(self._sql["later_merges"], followers)).fetchall():
            later.append(follower["id"])
            conversations += follower["conversations"]
            identities += follower["identities"]
        await connection.execute(self._sql["fence"], {"ids": [source, into]})
        await connection.execute(
            self._sql["part"],
            {
                "id": merge["id"],
                "source_id": source,
                "into_id": into,
                "conversations": conversations,
                "identities": identities,
                "later": later,
                "undone_by": by,
                "event_id": uuid7(),
            },
        )
        return into

    async def _merge_of(self, connection: Connection, source: CustomerId, window: timedelta) -> dict[str, Any]:
        values = {"source_id": source, "window": window}
        row = await (await connection.execute(self._sql["find_merge"], values)).fetchone()
        if row is None:
            raise NotFoundError("this customer was not joined with another")
        return row

    @staticmethod
    def _refuse(source: CustomerId, into: CustomerId, now: dict[UUID, dict[str, Any]]) -> None:
        if source == into:
            raise ConflictError("that is one and the same customer")
        for customer in (source, into):
            if customer not in now:
                raise NotFoundError("there is no such customer")
            if (joined := now[customer]["merged_into"]) is not None:
                raise ConflictError(
                    f"customer {customer} was joined with another already",
                    hint="choose that one, or undo it first",
                    changes={"customer_id": str(customer), "merged_into": str(joined)},
                )
            if now[customer]["erased"]:
                raise ConflictError(f"customer {customer} was erased", hint="there is nothing left to join")
