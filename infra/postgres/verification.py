"""One-time codes: asked for by a visitor, sent to an address, typed in by whoever reads there.

pending ─▶ sending (committed before the call) ─▶ sent or failed. A code of which nobody knows whether it went is sent
again, for the same code twice does no harm. The code is a keyed hash of its row and address: it is stored nowhere, not
even sealed, and is the same however often it is sent.

Nothing here asks whether an address is known: the answer, and the work, are the same for every address.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from channels.envelope import Delivery
from channels.web import CHAT, FORM
from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.errors import NotFoundError, TooManyError, WrongCodeError
from skills.turn import ChannelName, ConversationId, Language, MessageId

DIGITS = 6
_PLACE = "verifications.address_sealed"
_WEB = (CHAT, FORM)


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """How often codes may be asked for and tried.

    A code of six digits stands against guessing by these alone: at most ``tries`` of a million for each code, and so
    many codes a day for an address, whoever asks.
    """

    life: timedelta = timedelta(minutes=10)
    tries: int = 5
    an_hour_to_address: int = 5
    a_day_to_address: int = 10
    an_hour_from_talk: int = 5
    an_hour: int = 500


@dataclass(frozen=True, slots=True)
class TriedCode:
    """A code that was the right one: which row it belongs to. Whose address that is, is decided next."""

    id: UUID
    conversation_id: ConversationId
    channel: ChannelName
    address_index: bytes


class Verifications:
    """Codes on their way.

    Args:
        database: where they are.
        keyring: seals addresses, makes the codes.
        text: what is sent with a code, from the customer's language and the digits.
        limits: how often.
        holder: names this sender in claims.
        hold: how long a claim holds.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        *,
        text: Callable[[Language | None, str], str],
        limits: CodeLimits,
        holder: str,
        hold: timedelta,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._text = text
        self.limits = limits
        self._holder = holder
        self._hold = hold
        self._secret = keyring.derive("one-time codes")
        self._sql = load("verification")

    async def ask(self, thread: str, *, channel: ChannelName, address: str, language: Language | None = None) -> None:
        """Have a code sent to an address, for the talk of this thread.

        Args:
            thread: of a token of the web's.
            channel: on which the code is sent.
            address: to which, as it is compared.
            language: of the page; the customer's otherwise.

        Raises:
            NotFoundError: nothing was ever written in this talk.
            TooManyError: to this address, from this talk, or in all. It says nothing about whose address it is.
        """
        index = self._keyring.address_index(channel, address)
        async with self._database.transaction() as connection:
            talk = await talk_of(connection, self._keyring, thread)
            for lock in sorted({index[:8], talk["conversation_id"].bytes[-8:]}):
                await connection.execute(self._sql["lock"], {"index": lock})
            await self._refuse_too_many(connection, talk["conversation_id"], index)
            key, verification_id = key_of(self._keyring, talk), uuid4()
            await connection.execute(
                self._sql["ask"],
                {
                    "id": verification_id,
                    "conversation_id": talk["conversation_id"],
                    "channel": channel,
                    "key_id": key.id,
                    "address_sealed": key.seal(address, place=_PLACE, row=verification_id),
                    "address_index": index,
                    "language": language or talk["language"],
                    "life": self.limits.life,
                    "event_id": uuid7(),
                },
            )

    async def try_code(self, thread: str, code: str) -> TriedCode:
        """The newest code's row, if this is it. The try is counted before anything is compared, and stays counted.

        Raises:
            NotFoundError: nothing was ever written in this talk.
            WrongCodeError: another code, one that is too old, or one too many tries. All are answered alike.
        """
        async with self._database.connection() as connection:
            talk = await talk_of(connection, self._keyring, thread)
            where = {"conversation_id": talk["conversation_id"], "most": self.limits.tries}
            row = await (await connection.execute(self._sql["try_code"], where)).fetchone()
            right = self._code(row["id"], bytes(row["address_index"])) if row else self._code(uuid4(), b"")
            same = hmac.compare_digest(right.encode(), code.encode("utf-8", "replace"))
            if row is None or not same:
                data = Jsonb({"conversation_id": str(talk["conversation_id"])})
                event = {"event_id": uuid7(), "kind": "identity.code_refused", "actor": "customer", "data": data}
                await connection.execute(self._sql["log"], event)
                raise WrongCodeError(hint="look for the newest one, or have another one sent")
        return TriedCode(
            row["id"], ConversationId(row["conversation_id"]), ChannelName(row["channel"]), bytes(row["address_index"])
        )

    async def claim(self, limit: int, channels: Collection[ChannelName]) -> list[Delivery]:
        """Codes that are due on these channels; they are this sender's until the claim runs out."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["claim"],
                {"channels": list(channels), "limit": limit, "holder": self._holder, "hold": self._hold},
            )
            return [self._delivery(row) for row in await cursor.fetchall()]

    async def sent(self, code: Delivery) -> None:
        """A channel has taken it."""
        await self._settle(code, "sent", None, timedelta(0))

    async def again(self, code: Delivery, reason: str, delay: timedelta) -> None:
        """Try again later, as long as the code counts."""
        await self._settle(code, "pending", reason, delay)

    async def failed(self, code: Delivery, reason: str) -> None:
        """It can't be sent."""
        await self._settle(code, "failed", reason, timedelta(0))

    async def forget(self) -> int:
        """Delete codes that are long over; how many."""
        async with self._database.connection() as connection:
            return (await connection.execute(self._sql["forget"])).rowcount

    async def _settle(self, code: Delivery, state: str, error: str | None, delay: timedelta) -> None:
        async with self._database.connection() as connection:
            await connection.execute(
                self._sql["settle"],
                {
                    "id": code.id,
                    "state": state,
                    "error": error,
                    "delay": delay,
                    "holder": self._holder,
                    "event_id": uuid7(),
                },
            )

    async def _refuse_too_many(self, connection: Connection, conversation_id: UUID, index: bytes) -> None:
        limits = self.limits
        asked = {"address_index": index, "conversation_id": conversation_id, "most": limits.an_hour}
        counted = await (await connection.execute(self._sql["count_asked"], asked)).fetchone()
        assert counted is not None  # aggregates always have a row
        most = {
            "to_address": limits.an_hour_to_address,
            "to_address_in_a_day": limits.a_day_to_address,
            "from_talk": limits.an_hour_from_talk,
            "in_all": limits.an_hour,
        }
        if any(counted[name] >= allowed for name, allowed in most.items()):
            raise TooManyError("too many codes were asked for", hint="try again later, or go on without one")

    def _delivery(self, row: dict[str, Any]) -> Delivery:
        language = None if row["language"] is None else Language(row["language"])
        return Delivery(
            id=row["id"],
            message_id=MessageId(row["id"]),
            conversation_id=ConversationId(row["conversation_id"]),
            channel=ChannelName(row["channel"]),
            text=self._text(language, self._code(row["id"], bytes(row["address_index"]))),
            address=key_of(self._keyring, row).open(bytes(row["address_sealed"]), place=_PLACE, row=row["id"]),
            attempt=row["attempts"],
            kind="code",
            author="system",
        )

    def _code(self, verification_id: UUID, index: bytes) -> str:
        digest = hmac.digest(self._secret, verification_id.bytes + index, "sha256")
        return f"{int.from_bytes(digest) % 10**DIGITS:0{DIGITS}}"


async def talk_of(connection: Connection, keyring: Keyring, thread: str) -> dict[str, Any]:
    """The talk of a token's thread, with its customer's key.

    Raises:
        NotFoundError: nothing was ever written in it.
    """
    cursor = await connection.execute(
        load("verification")["find_talk"],
        {"channels": list(_WEB), "thread_indexes": [keyring.thread_index(channel, thread) for channel in _WEB]},
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFoundError("there is no such conversation")
    return row


def proven_until(talk: dict[str, Any]) -> datetime | None:
    """Until when the talk's token counts as its owner's; ``None`` when it does not now."""
    until: datetime | None = talk["proven_until"]
    return until if talk["proven"] else None
