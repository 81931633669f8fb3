"""Who asked for notices of the status page by mail, and the outbox of these mails.

A notice is one row for each subscriber and each thing to tell of. It is claimed in a commit of its own before it is
handed over; one whose sender died in between is unknown and never sent again, for mail has no idempotency key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from infra.crypto.keyring import Keyring
from infra.postgres.database import Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.errors import NotFoundError, TooManyError
from skills.turn import CustomerId

_PLACE = "status_subscribers.address_sealed"
_AN_HOUR = 200
"""First mails in an hour: what strangers can make us send."""
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail to one subscriber. ``title`` and the rest are empty in the first one, which asks to confirm."""

    id: UUID
    subscriber_id: UUID
    address: str
    kind: Literal["confirm", "update", "report", "maintenance"]
    attempts: int
    title: str = ""
    phase: str = ""
    body: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Subscribers:
    """Keeps them.

    Args:
        database: where they are.
        keyring: seals their addresses, each with a key of its own.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("subscribers")

    async def ask(self, address: str) -> None:
        """Have the first mail sent to an address. Whoever is on the list already gets none, and nobody can tell.

        Args:
            address: as it is compared (``channels.addresses.mail_address``).

        Raises:
            TooManyError: too many first mails are on their way.
        """
        index = self._keyring.blind_index("status subscriber", address)
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["lock"], {"address_index": index})
            row = await (await connection.execute(self._sql["find"], {"address_index": index})).fetchone()
            if row is not None and (row["confirmed_at"] is not None or row["just_asked"]):
                return
            counted = await (await connection.execute(self._sql["waiting"])).fetchone()
            assert counted is not None  # a count always has a row
            if counted["waiting"] >= _AN_HOUR:
                raise TooManyError("too many ask for notices at the moment", hint="try again in an hour")
            if row is None:
                subscriber_id = uuid7()
                wrapped, key = self._keyring.create(CustomerId(subscriber_id))
                values = {
                    "subscriber_id": subscriber_id,
                    "key_id": wrapped.id,
                    "wrapped": wrapped.wrapped,
                    "master_key_id": wrapped.master_key_id,
                    "address_sealed": key.seal(address, place=_PLACE, row=subscriber_id),
                    "address_index": index,
                }
                await connection.execute(self._sql["add_key"], values)
                await connection.execute(self._sql["add"], values)
            else:
                subscriber_id = row["id"]
                await connection.execute(self._sql["ask_again"], {"subscriber_id": subscriber_id})
            await connection.execute(self._sql["ask"], {"id": uuid7(), "subscriber_id": subscriber_id})

    async def confirmed(self, subscriber_id: UUID) -> bool:
        """Whether they get notices; false while they have not confirmed.

        Raises:
            NotFoundError: they are not on the list.
        """
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["known"], {"subscriber_id": subscriber_id})).fetchone()
        if row is None:
            raise NotFoundError("this address is not on the list", hint="ask again on the status page")
        return row["confirmed_at"] is not None

    async def confirm(self, subscriber_id: UUID, now: datetime) -> None:
        """They do want notices.

        Raises:
            NotFoundError: they are not on the list any more.
        """
        values = {"subscriber_id": subscriber_id, "now": now}
        async with self._database.connection() as connection:
            if await (await connection.execute(self._sql["confirm"], values)).fetchone() is None:
                raise NotFoundError("this address is not on the list", hint="ask again on the status page")

    async def end(self, subscriber_id: UUID) -> None:
        """They want none any more: the address is erased. Nothing happens when it was."""
        async with self._database.connection() as connection:
            await connection.execute(self._sql["end"], {"subscriber_id": subscriber_id})

    async def forget(self) -> int:
        """Erase addresses that nobody confirmed within two days; how many."""
        async with self._database.connection() as connection:
            return (await connection.execute(self._sql["forget"])).rowcount

    async def queue(self, now: datetime) -> int:
        """Put what became public in the last six hours into the outbox, once for each subscriber; how many mails."""
        values = {"since": now - timedelta(hours=6), "oldest": now - timedelta(days=60)}
        async with self._database.connection() as connection:
            return (await connection.execute(self._sql["queue"], values)).rowcount

    async def claim(self, limit: int) -> list[Notice]:
        """Mails that are due; they are this sender's for five minutes."""
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["lost"])
            rows = await (await connection.execute(self._sql["claim"], {"limit": limit})).fetchall()
            ids = list({row["about"] for row in rows if row["kind"] != "confirm"})
            found = await (await connection.execute(self._sql["texts"], {"ids": ids})).fetchall() if ids else []
        # A report and its incident share an id: the phase tells them apart.
        texts = {(one["id"], one["phase"] == "report"): one for one in found}
        return [self._notice(row, texts.get((row["about"], row["kind"] == "report"), {})) for row in rows]

    async def sent(self, notice: Notice) -> None:
        """It was taken."""
        await self._settle(notice, "sent", None, timedelta(0))

    async def unknown(self, notice: Notice, code: str) -> None:
        """Nobody knows whether it was taken; it is not sent again."""
        await self._settle(notice, "unknown", code, timedelta(0))

    async def refused(self, notice: Notice, code: str, *, retry: bool) -> None:
        """It was not taken. ``retry``: it may be later; more slowly each time, eight times."""
        again = retry and notice.attempts < _TRIES
        await self._settle(notice, "pending" if again else "failed", code, timedelta(minutes=2**notice.attempts))

    async def _settle(self, notice: Notice, state: str, error: str | None, delay: timedelta) -> None:
        values = {"id": notice.id, "state": state, "error": error, "delay": delay}
        async with self._database.connection() as connection:
            await connection.execute(self._sql["settle"], values)

    def _notice(self, row: dict[str, Any], text: dict[str, Any]) -> Notice:
        address = key_of(self._keyring, row).open(bytes(row["address_sealed"]), place=_PLACE, row=row["subscriber_id"])
        return Notice(
            id=row["id"],
            subscriber_id=row["subscriber_id"],
            address=address,
            kind=row["kind"],
            attempts=row["attempts"],
            **{name: text[name] for name in ("title", "phase", "body", "starts_at", "ends_at") if name in text},
        )
