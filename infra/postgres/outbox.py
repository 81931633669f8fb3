"""The outbox: texts that a commit wanted sent, and what became of each.

Crash before a claim commits: nothing was sent. Crash after it: the row says ``sending`` and its claim runs out; then it
is sent again only on a channel where twice has the effect of once (the web: our own database), and is ``unknown`` on
every other. Crash after the provider's answer, before it is settled: the same. Nothing is sent twice blindly: what is
unknown holds back what follows in its conversation, until the provider was asked (``infra.postgres.reconciliations``),
has reported (``infra.postgres.reports``), or a person says what became of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg.errors import LockNotAvailable, UniqueViolation
from uuid_utils.compat import uuid7

from channels.envelope import Delivery, File
from infra.crypto.keyring import KeyDestroyedError, Keyring, SealBrokenError
from infra.postgres.database import Connection, Database
from infra.postgres.files import load_files
from infra.postgres.queries import load
from infra.postgres.reports import heed_failure
from infra.postgres.seals import key_of
from skills.errors import ConflictError, NotFoundError
from skills.turn import CaseId, ChannelName, ConversationId, MessageId

Finding = Literal["arrived", "send_again", "given_up"]
"""What a person found out about a send, or decided: see ``Outbox.settle_by_hand``."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A text that did not arrive, or may not have: for a person to look at."""

    id: UUID
    case_id: CaseId
    channel: ChannelName
    kind: str
    state: Literal["failed", "unknown"]
    attempts: int
    error: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxBacklog:
    """What waits to be sent, for how long the oldest has, and what needs a person."""

    pending: int
    oldest_seconds: float
    unknown: int
    failed: int


class Outbox:
    """The outbox as one sender process sees it.

    Args:
        database: where it is.
        keyring: opens texts and addresses.
        holder: this process, as an operator would name it.
        hold: how long a claim holds; longer than any provider call may take.
    """

    def __init__(self, database: Database, keyring: Keyring, *, holder: str, hold: timedelta) -> None:
        self._database = database
        self._keyring = keyring
        self._holder = holder
        self._hold = hold
        self._sql = load("outbox")

    async def claim(
        self, limit: int, channels: Collection[ChannelName] | None = None, *, others: bool = False
    ) -> list[Delivery]:
        """Claim what is due, at most one text a conversation; committed before this returns.

        Args:
            limit: how many at most.
            channels: of these channels only, by default of all.
            others: of all channels but these.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["claim"],
                {
                    "holder": self._holder,
                    "hold": self._hold,
                    "limit": limit,
                    "channels": list(channels or ()),
                    "among": channels is not None and not others,
                },
            )
            opened = [await self._open(connection, row) for row in await cursor.fetchall()]
        return [delivery for delivery in opened if delivery is not None]

    async def _open(self, connection: Connection, row: Mapping[str, Any]) -> Delivery | None:
        """A claimed text; ``None`` for one that nobody can read, which is a person's and holds up nobody else's."""
        try:
            files = await load_files(connection, self._keyring, [row["message_id"]]) if row["has_files"] else {}
            return delivery_of(self._keyring, row, files.get(row["message_id"], ()))
        except (KeyDestroyedError, SealBrokenError) as error:
            lost = {"id": row["id"], "holder": self._holder, "state": "failed", "event_id": uuid7()}
            await connection.execute(self._sql["settle_lost"], {**lost, "error": type(error).__name__})
            return None

    async def sent(self, taken: Sequence[tuple[Delivery, str | None]]) -> int:
        """The channel took these, each with the provider's name for it; at most one of a conversation.

        A provider that names two messages alike does not undo the sending: the second keeps our own name for it.

        Returns:
            How many were settled: not those whose claim had run out and that somebody else has settled.
        """
        try:
            return await self._settle_sent(taken)
        except UniqueViolation:
            settled = 0
            for delivery, name in taken:
                try:
                    settled += await self._settle_sent([(delivery, name)])
                except UniqueViolation:
                    settled += await self._settle_sent([(delivery, None)])
            return settled

    async def _settle_sent(self, taken: Sequence[tuple[Delivery, str | None]]) -> int:
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                self._sql["settle_sent"],
                {
                    "holder": self._holder,
                    "ids": [delivery.id for delivery, _ in taken],
                    "names": [name for _, name in taken],
                    "event_ids": [uuid7() for _ in taken],
                },
            )
            settled = await cursor.fetchall()
            for row in settled:
                if row["failed"]:
                    await heed_failure(connection, row["id"])
        return len(settled)

    async def retry(self, delivery: Delivery, error: str, delay: timedelta, *, counts: bool = True) -> None:
        """To be sent later: the provider said so, or it was not even asked, which ``counts`` for no attempt."""
        async with self._database.connection() as connection:
            await connection.execute(
                self._sql["settle_retry"],
                {"id": delivery.id, "holder": self._holder, "error": error, "delay": delay, "counts": counts},
            )

    async def lost(self, delivery: Delivery, state: Literal["failed", "unknown"], error: str) -> None:
        """It did not arrive, or nobody knows: from now on a person's business."""
        async with self._database.connection() as connection:
            await connection.execute(
                self._sql["settle_lost"],
                {"id": delivery.id, "holder": self._holder, "state": state, "error": error, "event_id": uuid7()},
            )

    async def recover(self, repeatable: Collection[ChannelName]) -> int:
        """Settle what dead senders left in the middle of a call; how many there were."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["recover"], {"repeatable": list(repeatable)})
            return len(await cursor.fetchall())

    async def troubled(self, limit: int = 100) -> list[Trouble]:
        """What did not arrive or may not have, oldest first."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["troubled"], {"limit": limit})
            return [Trouble(**row) for row in await cursor.fetchall()]

    async def settle_by_hand(self, outbox_id: UUID, finding: Finding, person: str) -> CaseId:
        """Say what became of a text that is unknown or failed; what waited behind it goes on.

        ``arrived``: the customer has it; not of one that was refused. ``send_again``: it did not arrive, and goes out
        once more; of a refused one only while nothing later in its conversation went out. ``given_up``: it is not
        sent.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: it is no trouble, or not any more; the finding can't be true of it; or a sender is at work
                in its conversation all the time.
        """
        text = {"id": outbox_id}
        async with self._database.transaction() as connection:
            await self._lock_talk_of(connection, outbox_id)
            settled = await connection.execute(
                self._sql["settle_by_hand"], {**text, "finding": finding, "person": person, "event_id": uuid7()}
            )
            if (row := await settled.fetchone()) is not None:
                return CaseId(row["case_id"])
            now = await (await connection.execute(self._sql["state_of"], text)).fetchone()
        if now is None:
            raise NotFoundError("there is no such delivery", hint="`csagent deliveries list` shows those in trouble")
        raise _not_settled(now, finding)

    async def _lock_talk_of(self, connection: Connection, outbox_id: UUID) -> None:
        """No text comes into this one's conversation, and no sender claims or settles one, until the transaction ends.

        The conversation first, or a text that comes in meanwhile would not be locked. A sender takes the two the other
        way round, so its texts are waited for briefly only: what it does with them is a matter of milliseconds.
        """
        await connection.execute(self._sql["lock_conversation_of"], {"id": outbox_id})
        await connection.execute(self._sql["wait_briefly"])
        try:
            await connection.execute(self._sql["lock_texts"], {"id": outbox_id})
        except LockNotAvailable:
            raise ConflictError("a sender is at work in this conversation", hint="try again in a moment") from None

    async def backlog(self) -> OutboxBacklog:
        """The outbox at a glance."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["waiting"])).fetchone()
        assert row is not None  # an aggregate always has a row
        return OutboxBacklog(**row)


def delivery_of(keyring: Keyring, row: Mapping[str, Any], files: Sequence[File] = ()) -> Delivery:
    """A claimed row, opened."""
    address_row = {
        "key_id": row["address_key_id"],
        "customer_id": row["address_customer_id"],
        "wrapped": row["address_wrapped"],
        "master_key_id": row["address_master_key_id"],
    }
    return Delivery(
        id=row["id"],
        message_id=MessageId(row["message_id"]),
        conversation_id=ConversationId(row["conversation_id"]),
        channel=ChannelName(row["channel"]),
        text=key_of(keyring, row).open(bytes(row["body_sealed"]), place="messages.body_sealed", row=row["message_id"]),
        address=key_of(keyring, address_row).open(
            bytes(row["address_sealed"]), place="identities.address_sealed", row=row["identity_id"]
        ),
        attempt=row["attempts"],
        kind=row["kind"],
        author=row["author"],
        files=tuple(files),
    )


def _not_settled(now: Mapping[str, Any], finding: Finding) -> ConflictError:
    changes = dict(now)
    if now["state"] != "failed" or now["settled_by"] is not None:
        by = "" if now["settled_by"] is None else f", by {now['settled_by']}"
        return ConflictError(f"this delivery is {now['state']} already{by}", hint="look again", changes=changes)
    if finding == "arrived":
        return ConflictError(
            "the provider refused this one, so it did not arrive", hint="send_again or given_up", changes=changes
        )
    return ConflictError(
        "later texts went out since, and this one would come after them",
        hint="give it up, and write what it said in a text of yours",
        changes=changes,
    )
