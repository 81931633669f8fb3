"""What nobody knows, asked of the provider: unknown sends, in pauses that grow, and not for ever.

Crash while asking: nothing has changed but that the next time is later. Crash after the answer: the provider is asked
again. Whatever is found is written only over the very call that was asked about: a person may have settled it
meanwhile, or it may have gone out again. What stays unknown holds back what follows it, until a person says what became
of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.errors import UniqueViolation
from uuid_utils.compat import uuid7

from channels.envelope import Absent, Arrived, ArrivedPartly, Delivery, Reconciled, Undecided
from infra.crypto.keyring import KeyDestroyedError, Keyring
from infra.postgres.database import Database
from infra.postgres.files import load_files
from infra.postgres.outbox import delivery_of
from infra.postgres.queries import load
from infra.postgres.reports import MOST_ATTEMPTS, heed_failure
from skills.turn import ChannelName

FIRST, LONGEST = timedelta(seconds=5), timedelta(hours=1)
"""The pause after the first question, doubled after each further one, and where the doubling ends."""
MOST = 16
"""How often a provider is asked about one text, over about seven hours."""


@dataclass(frozen=True, slots=True)
class UnknownSend:
    """A send of which nobody knows, to be asked about now."""

    delivery: Delivery
    handed_over_at: datetime
    known: tuple[str, ...]
    """The provider's names of messages that are no part of it."""
    reported: bool
    """Whether the provider has reported of some of it: then it is not absent."""
    reported_name: str | None
    """Its name for the message, once it has reported of all of it: then nobody has to be asked."""
    asked: int
    last: bool
    """Whether it is not asked about again after this."""


class Reconciliations:
    """The unknown sends as one sender process sees them.

    Args:
        database: where the outbox is.
        keyring: opens texts and addresses.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("reconciliations")

    async def claim(self, limit: int, channels: Collection[ChannelName]) -> list[UnknownSend]:
        """Those of these channels that are to be asked about now; nobody else asks about them in the meantime."""
        pauses = {"first": FIRST, "longest": LONGEST, "most": MOST}
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["claim"], {"channels": list(channels), "limit": limit, **pauses}
            )
            rows, claimed = await cursor.fetchall(), []
            sent_along = [row["message_id"] for row in rows if row["has_files"] and row["wrapped"] is not None]
            files = await load_files(connection, self._keyring, sent_along)
            for row in rows:
                others = await connection.execute(
                    self._sql["known"],
                    {name: row[name] for name in ("id", "message_id", "conversation_id")},
                )
                try:
                    delivery = delivery_of(self._keyring, row, files.get(row["message_id"], ()))
                except KeyDestroyedError:  # the customer was erased meanwhile: nobody can say which text it was
                    continue
                claimed.append(
                    UnknownSend(
                        delivery=delivery,
                        handed_over_at=row["handed_over_at"],
                        known=tuple(other["name"] for other in await others.fetchall()),
                        reported=row["reported"] > 0,
                        reported_name=row["reported_name"],
                        asked=row["reconciliations"],
                        last=row["last"],
                    )
                )
        return claimed

    async def settle(self, unknown: UnknownSend, found: Reconciled) -> bool:
        """Write down what was found; whether the conversation goes on now."""
        match found:
            case Arrived():
                return await self._arrived(unknown, found.provider_message_ids[0])
            case Absent() if not unknown.reported:
                return await self._settle_absent(unknown)
            case Absent():
                await self._note(unknown, "the provider has reported of it, and has it no more", again=False)
            case ArrivedPartly():
                there, all_of_it = len(found.provider_message_ids), len(found.provider_message_ids) + len(found.missing)
                await self._note(unknown, f"{there} of {all_of_it} messages arrived", again=False)
            case Undecided():
                await self._note(unknown, f"{found.reason} (asked {unknown.asked} times)", again=found.again)
        return False

    async def _arrived(self, unknown: UnknownSend, name: str) -> bool:
        try:
            return await self._settle_arrived(unknown, name)
        except UniqueViolation:  # the name is another message's: ours is kept
            return await self._settle_arrived(unknown, None)

    async def _settle_arrived(self, unknown: UnknownSend, name: str | None) -> bool:
        row = {"id": unknown.delivery.id, "handed_over_at": unknown.handed_over_at}
        async with self._database.transaction() as connection:
            cursor = await connection.execute(self._sql["settle_arrived"], {**row, "name": name, "event_id": uuid7()})
            settled = await cursor.fetchone()
            if settled is not None and settled["failed"]:
                await heed_failure(connection, unknown.delivery.id)
        return settled is not None

    async def _settle_absent(self, unknown: UnknownSend) -> bool:
        row = {"id": unknown.delivery.id, "handed_over_at": unknown.handed_over_at}
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["settle_absent"], {**row, "attempts": MOST_ATTEMPTS, "event_id": uuid7()}
            )
            return await cursor.fetchone() is not None

    async def _note(self, unknown: UnknownSend, error: str, *, again: bool) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                self._sql["note"],
                {
                    "id": unknown.delivery.id,
                    "handed_over_at": unknown.handed_over_at,
                    "error": error,
                    "again": again,
                },
            )
