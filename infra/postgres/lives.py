"""What happens in a case without a message: silence ends it, a text asks whether it helped, a button is pressed.

Each look at a case is a transaction of its own that locks the case first and reads then. A message that was committed
before is seen; one that comes later waits for the lock, and goes on in what is there by then: nothing is lost either
way. Two schedulers at once, or one that is broken off, do each thing once: who comes second finds it done.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from uuid_utils.compat import uuid7

from infra.crypto.keyring import KeyDestroyedError, Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.life import Life, Step, next_step
from infra.postgres.notes import write_note
from infra.postgres.queries import load
from skills.conclude import TextName, text_for
from skills.errors import ConflictError, NotFoundError
from skills.turn import ChannelName, ConversationId

BATCH = 200
"""Cases that one round looks at."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a round did. ``more``: there were as many cases as a round looks at."""

    asked: int = 0
    closed: int = 0
    more: bool = False


class Lives:
    """Looks at cases that are at rest, and takes what customers say by a button.

    Args:
        database: where they are.
        keyring: seals what is said.
        life: what is set.
    """

    def __init__(self, database: Database, keyring: Keyring, life: Life) -> None:
        self._database = database
        self._keyring = keyring
        self._life = life
        self._sql = load("lives")
        self._hand_back = load("cases")["hand_back"]
        self._lock_case = load("turns")["lock_case"]

    async def look(self, limit: int = BATCH) -> Looked:
        """Look at the cases whose time has come, the longest due first."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["to_look_at"], {"limit": limit})).fetchall()
        done = [await self._look_at(row["case_id"]) for row in rows]
        return Looked(done.count("ask"), done.count("close"), more=len(rows) == limit)

    async def _look_at(self, case_id: UUID) -> str | None:
        async with self._database.transaction() as connection:
            facts = await self.facts(connection, case_id)
            if facts["look_at"] is None or facts["look_at"] > facts["now"]:
                return None  # another scheduler was quicker
            step = next_step(facts, self._life)
            try:
                await self._act(connection, facts, step)
            except KeyDestroyedError:
                step = Step()  # erased: there is nobody to ask
            await connection.execute(self._sql["look_again"], {"case_id": case_id, "look_at": step.look_at})
        return step.act

    async def _act(self, connection: Connection, facts: dict[str, Any], step: Step) -> None:
        if step.act == "ask":
            await self._say(connection, facts, "did_it_help", kind="follow_up")
        elif step.act == "close":
            if facts["owner"] == "human":
                await connection.execute(self._hand_back, {"case_id": facts["id"]})
            values = self._life.resolving(facts["id"], "silence", "assumed", actor="scheduler")
            await connection.execute(self._sql["resolve"], values)

    async def helped(self, channels: Collection[ChannelName], thread: str, *, helped: bool) -> ConversationId:
        """The customer says by a button whether their matter is settled. The same said twice has the effect of once.

        Yes resolves the case. No reopens it if it was resolved within the window, and offers a person.

        Raises:
            NotFoundError: nothing was ever written in this thread.
            ConflictError: something is being worked on in the case, or waits for a person.
        """
        indexes = [self._keyring.thread_index(channel, thread) for channel in channels]
        async with self._database.transaction() as connection:
            found = await connection.execute(
                self._sql["open_or_newest"], {"channels": list(channels), "indexes": indexes}
            )
            if (case := await found.fetchone()) is None:
                raise NotFoundError("there is no such conversation")
            facts = await self.facts(connection, case["id"])
            await (self._settled(connection, facts) if helped else self._not_settled(connection, facts))
        return ConversationId(facts["conversation_id"])

    async def _settled(self, connection: Connection, facts: dict[str, Any]) -> None:
        if facts["status"] == "resolved":
            return
        if facts["paused"] or facts["working"] or facts["waiting"]:
            raise ConflictError(
                "your message is being worked on", hint="wait for the answer, then say whether it helped"
            )
        if facts["owner"] == "human":
            await connection.execute(self._hand_back, {"case_id": facts["id"]})
        values = self._life.resolving(facts["id"], "customer", "confirmed", actor="customer")
        await connection.execute(self._sql["resolve"], values)

    async def _not_settled(self, connection: Connection, facts: dict[str, Any]) -> None:
        if facts["status"] == "resolved":
            window = {"conversation_id": facts["conversation_id"], "window": self._life.reopen}
            newest = await (await connection.execute(self._sql["newest_resolved"], window)).fetchone()
            if newest is None or newest["id"] != facts["id"]:
                raise ConflictError("this matter was settled long ago", hint="write to us; that begins a new one")
            await self.reopen(connection, facts["id"], actor="customer")
        elif facts["owner"] == "human" or facts["paused"] or facts["working"] or facts["waiting"]:
            return  # somebody is at it, and will answer
        if facts["author"] in {"agent", "human"}:
            await self._say(connection, facts, "not_helped", kind="reply")

    async def reopen(self, connection: Connection, case_id: UUID, *, actor: str) -> bool:
        """Open a resolved case again; false when it was open.

        Raises:
            ConflictError: the customer writes about another matter in the same talk by now.
        """
        try:
            row = await connection.execute(
                self._sql["reopen"], {"case_id": case_id, "actor": actor, "event_id": uuid7()}
            )
            return await row.fetchone() is not None
        except UniqueViolation:
            raise ConflictError("another case is open in this conversation", hint="go on in that one") from None

    async def facts(self, connection: Connection, case_id: UUID) -> dict[str, Any]:
        """What there is to know of a case, which is locked from now on."""
        await connection.execute(self._lock_case, {"case_id": case_id})
        row = await (await connection.execute(self._sql["facts"], {"case_id": case_id})).fetchone()
        if row is None:
            raise NotFoundError("there is no such case")
        return row

    async def _say(self, connection: Connection, facts: dict[str, Any], name: TextName, *, kind: str) -> None:
        text = text_for(facts["language"] or facts["own_language"], name)
        await write_note(connection, self._keyring, facts, text, kind=kind, intent_id=uuid7())
