"""How far a mailbox has been read, and which run is at it.

A run holds the mailbox under a token and renews it as it goes on. Killed, its hold ends by itself; hanging past it, its
token is old, and the cursor that it would move stays where the next run has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels.gmail.sync import Awaited, HeldMailbox
from infra.postgres.database import Database
from infra.postgres.queries import load
from skills.errors import LeaseLostError

HOLD = timedelta(seconds=30)
"""How long a run has a mailbox without a sign of life: longer than it takes to fetch the largest mails."""


@dataclass(frozen=True, slots=True)
class MailboxState:
    """A mailbox at a glance."""

    history_id: int | None
    began_at: datetime | None
    synced_at: datetime | None
    watch_until: datetime | None
    awaited: int
    """Mails that were named and could not be had yet."""


class Mailbox:
    """One mailbox's row.

    Args:
        database: where it is.
        address: the mailbox's.
        holder: this process, as an operator would name it.
        job: the scheduler's job that runs over it.
    """

    def __init__(self, database: Database, address: str, *, holder: str, job: str) -> None:
        self._database = database
        self._sql = load("mailboxes")
        self._address = {"address": address}
        self._holder = {"holder": holder, "hold": HOLD}
        self._job = job

    async def hold(self) -> HeldMailbox | None:
        """Take it; ``None`` while another run has it."""
        row = await self._one("hold", {**self._address, **self._holder})
        return None if row is None else HeldMailbox(**row)

    async def begin(self, held: HeldMailbox, history_id: int) -> None:
        """Its mails are taken in from here on.

        Raises:
            LeaseLostError: another run has it, or has begun.
        """
        await self._held("begin", held, {"history_id": history_id})

    async def renew(self, held: HeldMailbox) -> None:
        """The run is alive.

        Raises:
            LeaseLostError: another run has it.
        """
        await self._held("renew", held, {"hold": HOLD})

    async def advance(self, held: HeldMailbox, history_id: int) -> None:
        """Everything up to there is stored.

        Raises:
            LeaseLostError: another run has it.
        """
        await self._held("advance", held, {"history_id": history_id, "hold": HOLD})

    async def finish(self, held: HeldMailbox) -> bool:
        """The run has come to its end; whether another one was asked for meanwhile.

        Raises:
            LeaseLostError: another run has it.
        """
        return bool((await self._held("finish", held, {}))["wanted"])

    async def release(self, held: HeldMailbox) -> None:
        """Let another run have it."""
        await self._do("release", {**self._address, "token": held.token})

    async def want(self) -> None:
        """Ask for a run, soon."""
        await self._do("want", {**self._address, "job": self._job})

    async def watched_until(self) -> datetime | None:
        """Until when the provider tells of changes by itself."""
        state = await self.state()
        return None if state is None else state.watch_until

    async def watched(self, until: datetime) -> None:
        """It goes on telling."""
        await self._do("watched", {**self._address, "until": until})

    async def await_mail(self, mail_id: str) -> None:
        """Ask for this one again."""
        await self._do("await_mail", {**self._address, "mail_id": mail_id})

    async def forget_mail(self, mail_id: str) -> None:
        """Don't ask for it any more."""
        await self._do("forget_mail", {**self._address, "mail_id": mail_id})

    async def awaited(self, limit: int) -> Sequence[Awaited]:
        """The mails to ask for again."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["awaited"], {**self._address, "limit": limit})
            return [Awaited(**row) for row in await cursor.fetchall()]

    async def state(self) -> MailboxState | None:
        """At a glance; ``None`` before the first run."""
        row = await self._one("state", self._address)
        return None if row is None else MailboxState(**row)

    async def _held(self, block: str, held: HeldMailbox, values: dict[str, Any]) -> dict[str, Any]:
        row = await self._one(block, {**self._address, "token": held.token, **values})
        if row is None:
            raise LeaseLostError("another run has the mailbox now")
        return row

    async def _one(self, block: str, values: dict[str, Any]) -> dict[str, Any] | None:
        async with self._database.connection() as connection:
            return await (await connection.execute(self._sql[block], values)).fetchone()

    async def _do(self, block: str, values: dict[str, Any]) -> None:
        async with self._database.connection() as connection:
            await connection.execute(self._sql[block], values)
