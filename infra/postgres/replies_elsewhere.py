"""A person answered a customer past us, in the channel's own program: it is recorded, and the person has the case.

One transaction under the case's lock, so it is there whole or not at all, and the same reply a second time changes
nothing. A turn that runs meanwhile finds another version of the owner when it commits: its draft is kept for the person
and nothing of it is sent. An escalation that nobody has decided is withdrawn, as by a take-over; the customer's
messages that were written before the reply are answered by it, later ones wait for the person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from channels.envelope import Envelope
from infra.crypto.keyring import Keyring
from infra.postgres.database import Connection, Database
from infra.postgres.files import keep_files
from infra.postgres.inbox import refuse_unstorable
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from skills.turn import CaseId, MessageId

OWNER = "mailbox"
"""Who has such a case: somebody who writes in the mailbox. Which person, nobody says."""


class RepliesElsewhere:
    """Records what people write past us.

    Args:
        database: where it is stored.
        keyring: seals it.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._sql = load("replies_elsewhere")
        self._turns = load("turns")

    async def record(self, reply: Envelope, *, talks: Sequence[str], recipients: Sequence[str]) -> CaseId | None:
        """Store it as delivered and give the case to the person.

        Args:
            reply: its text, files, time and names; the address and the thread in it mean nothing.
            talks: the threads in which it may stand, as the channel calls them.
            recipients: whom it went to.

        Returns:
            The case; ``None`` when it is here already, or went to nobody who has written to us.

        Raises:
            InvalidMessageError: empty, too long, or text that cannot be stored.
            DatabaseUnavailableError: nothing was stored; it may be recorded again.
        """
        refuse_unstorable(reply.text)
        async with self._database.transaction() as connection:
            case_id = await self._locked_case(connection, reply, talks, recipients)
            written = case_id is not None and await self._write(connection, reply, case_id)
            return case_id if written else None

    async def _locked_case(
        self, connection: Connection, reply: Envelope, talks: Sequence[str], recipients: Sequence[str]
    ) -> CaseId | None:
        """The newest case of the talk, which nobody else changes until the transaction ends."""
        found = await connection.execute(
            self._sql["find_talk"],
            {
                "channel": reply.channel,
                "thread_indexes": [self._keyring.thread_index(reply.channel, talk) for talk in talks],
                "related": list(reply.related),
                "address_indexes": [self._keyring.address_index(reply.channel, one) for one in recipients],
            },
        )
        talk = await found.fetchone()
        if talk is None:
            return None
        locked = None
        while True:
            newest = await (await connection.execute(self._sql["newest_case"], talk)).fetchone()
            if newest is None or newest["case_id"] == locked:
                return None if newest is None else CaseId(newest["case_id"])
            # Locked first and read then: see Cases._lock. While we waited it may have been resolved, and another begun.
            await connection.execute(self._turns["lock_case"], newest)
            locked = newest["case_id"]

    async def _write(self, connection: Connection, reply: Envelope, case_id: CaseId) -> bool:
        case = {"case_id": case_id}
        names = {"channel": reply.channel, "provider_message_id": reply.provider_message_id}
        row = await (await connection.execute(self._sql["read_case"], {**case, **names})).fetchone()
        if row is None or row["known"]:
            return False
        key, message_id = key_of(self._keyring, row), MessageId(uuid7())
        await connection.execute(
            self._sql["write"],
            {
                **case,
                **names,
                "id": message_id,
                "key_id": key.id,
                "body_sealed": key.seal(reply.text, place="messages.body_sealed", row=message_id),
                "detail_sealed": key.seal(
                    json.dumps(dict(reply.detail)), place="messages.detail_sealed", row=message_id
                ),
                "written_at": reply.written_at,
            },
        )
        await keep_files(connection, reply, message_id, key)
        # Of a case that is over too: what the customer answers opens it again, and is the person's.
        withdrawn = await self._take_over(connection, reply, case_id, row["next_sequence"])
        data = Jsonb({"channel": reply.channel, "message_id": str(message_id), "withdrew_review": withdrawn})
        await connection.execute(self._sql["log"], {**case, "event_id": uuid7(), "owner_name": OWNER, "data": data})
        return True

    async def _take_over(self, connection: Connection, reply: Envelope, case_id: CaseId, sequence: int) -> bool:
        """The case is the person's; whether a review was withdrawn for it."""
        case: dict[str, object] = {"case_id": case_id}
        await connection.execute(self._sql["take_over"], {**case, "owner_name": OWNER})
        await connection.execute(self._sql["answered"], {**case, "written_at": reply.written_at})
        decision: UUID = uuid7()
        withdrawn = await connection.execute(
            self._sql["withdraw"], {**case, "decision_id": decision, "owner_name": OWNER, "sequence": sequence}
        )
        if await withdrawn.fetchone() is not None:
            await connection.execute(self._turns["clear_thread"], {"thread_id": str(case_id)})
            return True
        await connection.execute(self._sql["rest"], case)
        return False
