"""Dead letters: what killed its worker, or failed, five times in a row.

Buried in one transaction: the messages are marked, the case goes to people, the customer is told, and a row says why.
From then on the conversation goes on with a person: what the customer writes waits for them until they hand the case
back.

A person ends a dead letter: by a retry, which gives its messages and the case back to the agent as a fresh turn; by
discarding it, for a stated reason; or by resolving the case. Retry and discard are one transaction each under the
case's lock, and the same one a second time changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from graph.ports import Lease
from infra.crypto.keyring import KeyDestroyedError, Keyring, SealBrokenError
from infra.postgres.cases import TranscriptMessage
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from infra.postgres.seals import key_of
from infra.postgres.storable import refuse_unstorable
from infra.postgres.views import log_view
from skills.errors import BadRequestError, ConflictError, LeaseLostError, NotFoundError
from skills.turn import CaseId, ChannelName, Language

LONGEST_REASON = 2000
"""Characters of the reason for which a letter is discarded."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Messages ``first_sequence`` to ``last_sequence`` of a case, given up because of ``error``."""

    id: UUID
    case_id: CaseId
    first_sequence: int
    last_sequence: int
    error: str
    attempts: int | None
    created_at: datetime
    messages: int
    """How many of the customer's messages are in it."""


@dataclass(frozen=True, slots=True)
class ReadDeadLetter:
    """A dead letter with the talk around it, for the person who decides what becomes of it."""

    id: UUID
    case_id: CaseId
    channel: ChannelName
    error: str
    attempts: int | None
    created_at: datetime
    case_status: str
    owner: str
    owner_name: str | None
    told: TranscriptMessage | None
    """The note that the customer got, and how its delivery went."""
    messages: tuple[TranscriptMessage, ...]
    """The customer's messages that were given up; empty when they were erased."""
    transcript: tuple[TranscriptMessage, ...]
    resolution: str | None
    """``retried``, ``discarded`` or ``case_resolved`` once it is over."""
    resolved_by: str | None
    resolved_at: datetime | None
    reason: str | None


class DeadLetters:
    """Buries what can't be worked, shows it, and ends it.

    Args:
        database: where it goes.
        keyring: seals the note to the customer, opens what they wrote.
        notice: the note, in the customer's language.
    """

    def __init__(self, database: Database, keyring: Keyring, *, notice: Callable[[Language | None], str]) -> None:
        self._database = database
        self._keyring = keyring
        self._notice = notice
        self._sql = load("dead_letters")
        self._turns = load("turns")

    async def bury(self, lease: Lease, error: str) -> None:
        """Give up on what this lease was for.

        Raises:
            LeaseLostError: another worker has the case now.
        """
        async with self._database.transaction() as connection:
            case = {"case_id": lease.case_id}
            locked = await (await connection.execute(self._turns["lock_case"], case)).fetchone()
            work = await connection.execute(self._turns["lock_work"], {**case, "token": lease.token})
            if locked is None or await work.fetchone() is None:
                raise LeaseLostError
            head = await (await connection.execute(self._sql["addressee"], case)).fetchone()
            span = await (await connection.execute(self._sql["span"], {**case, "turn_id": lease.turn_id})).fetchone()
            assert head is not None and span is not None  # noqa: PT018 - both rows are there by construction
            if span["first_sequence"] is not None:
                await connection.execute(
                    self._sql["bury"],
                    {
                        **case,
                        **span,
                        "id": uuid7(),
                        "turn_id": lease.turn_id,
                        "error": error,
                        "attempts": lease.attempts,
                    },
                )
                await self._tell(connection, head, lease, sequence=locked["next_sequence"])
                await connection.execute(self._turns["leave_to_person"], case)
                await self._log(connection, "turn.dead", lease.case_id, "agent", error=error)
            await connection.execute(self._turns["finish_work"], {**case, "paused": False})

    async def _tell(self, connection: Connection, head: Mapping[str, Any], lease: Lease, *, sequence: int) -> None:
        """The note to the customer. One whose key is gone can be told nothing, and is buried all the same."""
        try:
            key = key_of(self._keyring, head)
        except (KeyDestroyedError, SealBrokenError):
            return
        message_id = uuid7()
        text = self._notice(None if head["language"] is None else Language(head["language"]))
        await connection.execute(
            self._turns["write_outgoing"],
            {
                "case_id": lease.case_id,
                "id": message_id,
                "key_id": key.id,
                "sequence": sequence,
                "author": "system",
                "body_sealed": key.seal(text, place="messages.body_sealed", row=message_id),
                "turn_id": lease.turn_id,
                "outbox_id": uuid7(),
                "intent_id": lease.turn_id,
                "ordinal": 2,
                "kind": "failure",
            },
        )
        await connection.execute(self._turns["count_outgoing"], {"case_id": lease.case_id, "count": 1})

    async def open(self, *, limit: int = 100) -> list[DeadLetter]:
        """What a person still has to look at, oldest first."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["open"], {"limit": limit})).fetchall()
        return [DeadLetter(**row) for row in rows]

    async def count_open(self) -> int:
        """How many a person still has to look at."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["count_open"])).fetchone()
        assert row is not None  # an aggregate always has a row
        return int(row["open"])

    async def beginning(self, first: UUID, last: UUID) -> list[UUID]:
        """Ids of dead letters between two, ends included; two at most, for more than one is too many."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["begins"], {"first_id": first, "last_id": last})
            return [row["id"] for row in await cursor.fetchall()]

    async def read(self, letter_id: UUID, *, reader: str) -> ReadDeadLetter:
        """One dead letter with its talk. That it was read is written down.

        Raises:
            NotFoundError: there is none with this id.
        """
        async with self._database.connection() as connection:
            row = await self._row(connection, letter_id)
            span = {"case_id": row["case_id"], "first_sequence": row["first_sequence"]}
            talk = await (await connection.execute(self._sql["transcript"], span)).fetchall()
            await log_view(
                connection, "dead_letter.read", reader, case_id=row["case_id"], dead_letter_id=str(letter_id)
            )
        try:
            key_of(self._keyring, row)
        except KeyDestroyedError:  # erased: the codes are all that is left
            talk, row["reason_sealed"] = [], None
        transcript = {said["sequence"]: self._message(said) for said in talk}
        note = next((said for said in talk if said["kind"] == "failure" and said["turn_id"] == row["turn_id"]), None)
        return ReadDeadLetter(
            id=letter_id,
            case_id=CaseId(row["case_id"]),
            channel=ChannelName(row["channel"]),
            error=row["error"],
            attempts=row["attempts"],
            created_at=row["created_at"],
            case_status=row["status"],
            owner=row["owner"],
            owner_name=row["owner_name"],
            told=None if note is None else transcript[note["sequence"]],
            messages=tuple(
                message
                for sequence, message in transcript.items()
                if message.author == "customer" and row["first_sequence"] <= sequence <= row["last_sequence"]
            ),
            transcript=tuple(transcript.values()),
            resolution=row["resolution"],
            resolved_by=row["resolved_by"],
            resolved_at=row["resolved_at"],
            reason=None
            if row["reason_sealed"] is None
            else key_of(self._keyring, row).open(
                bytes(row["reason_sealed"]), place="dead_letters.reason_sealed", row=letter_id
            ),
        )

    async def retry(self, letter_id: UUID, operator: str) -> CaseId:
        """The agent tries again: the messages wait, with what the customer wrote since, and the case is due now.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: a person answered meanwhile, has the case, or decides in it; the case is resolved; the letter
                was discarded; the customer was erased.
        """
        async with self._database.transaction() as connection:
            row = await self._locked(connection, letter_id)
            case = {"case_id": row["case_id"]}
            if row["resolution"] != "retried":
                _refuse_retry(row, operator)
                span = {name: row[name] for name in ("first_sequence", "last_sequence")}
                await connection.execute(self._sql["wait_again"], {**case, **span})
                await connection.execute(self._sql["to_agent"], case)
                await self._settle(connection, row, "retried", operator)
        return CaseId(row["case_id"])

    async def discard(self, letter_id: UUID, operator: str, reason: str) -> CaseId:
        """It is over without an answer. The case stays with the people, who may hand it back or resolve it.

        Raises:
            NotFoundError: there is none with this id.
            BadRequestError: the reason is empty, or too long.
            InvalidMessageError: the reason can't be stored.
            ConflictError: it was retried before.
        """
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise BadRequestError(
                "discarding needs a reason", hint=f"say in a sentence why nobody answers; {LONGEST_REASON:,} characters"
            )
        refuse_unstorable(reason)
        async with self._database.transaction() as connection:
            row = await self._locked(connection, letter_id)
            if row["resolution"] == "retried":
                raise ConflictError("this was retried already", hint="look at its case", changes=_changes(row))
            if row["resolution"] is None:
                await self._settle(connection, row, "discarded", operator, reason=reason)
        return CaseId(row["case_id"])

    async def _settle(
        self,
        connection: Connection,
        row: Mapping[str, Any],
        resolution: str,
        operator: str,
        *,
        reason: str | None = None,
    ) -> None:
        sealed = key_id = None
        if reason is not None and row["wrapped"] is not None:  # of an erased customer nothing is written any more
            key = key_of(self._keyring, row)
            key_id, sealed = key.id, key.seal(reason, place="dead_letters.reason_sealed", row=row["id"])
        await connection.execute(
            self._sql["settle"],
            {
                "id": row["id"],
                "resolution": resolution,
                "operator": operator,
                "key_id": key_id,
                "reason_sealed": sealed,
            },
        )
        data = {"dead_letter_id": str(row["id"]), "error": row["error"]}
        await self._log(connection, f"dead_letter.{resolution}", row["case_id"], operator, **data)

    async def _locked(self, connection: Connection, letter_id: UUID) -> dict[str, Any]:
        await connection.execute(self._sql["lock_case_of"], {"id": letter_id})
        return await self._row(connection, letter_id)

    async def _row(self, connection: Connection, letter_id: UUID) -> dict[str, Any]:
        row = await (await connection.execute(self._sql["read"], {"id": letter_id})).fetchone()
        if row is None:
            raise NotFoundError("there is no such dead letter", hint="`csagent dead-letters list` shows what is open")
        return row

    async def _log(self, connection: Connection, kind: str, case_id: UUID, actor: str, **data: str) -> None:
        values = {"event_id": uuid7(), "kind": kind, "case_id": case_id, "actor": actor, "data": Jsonb(data)}
        await connection.execute(self._sql["log"], values)

    def _message(self, row: Mapping[str, Any]) -> TranscriptMessage:
        text = key_of(self._keyring, row).open(bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"])
        return TranscriptMessage(
            id=row["id"],
            sequence=row["sequence"],
            author=row["author"],
            text=text,
            at=row["at"],
            state=row["state"],
            delivery=row["delivery"],
        )


def _refuse_retry(row: Mapping[str, Any], operator: str) -> None:
    """Raise ConflictError where the agent would talk over a person, or has nothing to answer."""
    refusals = (
        (row["resolution"] == "discarded", "this was discarded already", "write to the customer in its case instead"),
        (row["status"] == "resolved", "its case is resolved", "the customer's next message opens a new one"),
        (row["wrapped"] is None, "the customer was erased: there is nothing left to answer", "discard it"),
        (row["answered"], "a person has answered meanwhile", "discard it, or hand the case back for what comes next"),
        (row["under_review"], "a person decides in this case", "decide its escalation first"),
        (
            row["owner_name"] not in {None, operator},
            f"{row['owner_name']} has this case",
            "agree with them: they can hand it back",
        ),
    )
    for holds, message, hint in refusals:
        if holds:
            raise ConflictError(message, hint=hint, changes=_changes(row))


def _changes(row: Mapping[str, Any]) -> dict[str, object]:
    return {name: row[name] for name in ("resolution", "resolved_by", "owner", "owner_name")} | {
        "case_status": row["status"]
    }
