"""Cases as staff see them: the transcript, who owns the case, and what a person writes in it.

Ownership is checked again in the commit of every turn, under the same lock that is taken here. So from the moment when
``take_over`` returns, nothing that the agent was still writing reaches the customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from channels.envelope import File
from infra.crypto.keyring import Keyring
from infra.postgres.asked_for import AskedFor, read_asked_for
from infra.postgres.database import Connection, Database
from infra.postgres.files import FileEntry, keep_sent_along, list_files
from infra.postgres.life import ENDLESS, Certainty, Life
from infra.postgres.listed import Listed
from infra.postgres.lives import Lives
from infra.postgres.notes import write_note
from infra.postgres.owned_cases import OwnedCase, list_owned
from infra.postgres.queries import load
from infra.postgres.seals import key_of, name_of
from infra.postgres.storable import refuse_unstorable
from infra.postgres.surveys import ReadSurvey, read_survey
from infra.postgres.undoing import hold_text
from infra.postgres.views import Shown, log_view
from skills.conclude import text_for
from skills.errors import ConflictError, NotFoundError
from skills.turn import Author, CaseId, ChannelName, CustomerId, EscalationId, MessageId, Owner


@dataclass(frozen=True, slots=True)
class TranscriptMessage:
    """A message as staff see it. ``delivery`` is the outbox's word for it: pending, sending, sent, failed, unknown."""

    id: UUID
    sequence: int
    author: Author
    text: str
    at: datetime
    state: str
    delivery: str | None
    files: tuple[FileEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadTurn:
    """What the agent made of messages ``first_sequence`` to ``last_sequence``: figures and codes."""

    id: UUID
    status: str
    outcome: str
    first_sequence: int
    last_sequence: int
    confidence: float | None
    polarity: float | None
    rules: list[str]
    model: str | None
    milliseconds: dict[str, float]
    finished_at: datetime
    cited: list[str]
    """Titles of the articles that the reply rests on."""


@dataclass(frozen=True, slots=True)
class ReadCase:
    """A case with its newest messages, oldest first."""

    id: CaseId
    state: str
    """Another word whenever something has changed in it (``infra.postgres.desk.Look``)."""
    channel: ChannelName
    status: str
    owner: Owner
    owner_name: str | None
    opened_at: datetime
    resolved_at: datetime | None
    customer_id: CustomerId
    resolved_by: str | None
    """``customer``, ``person``, ``agent`` or ``silence``."""
    resolved_by_name: str | None
    resolution: str | None
    """``confirmed`` when the customer said so, else ``assumed``."""
    reopened: int
    """How often it was opened again."""
    survey: ReadSurvey | None
    customer_name: str | None
    customer_language: str | None
    customer_segment: str
    escalation_id: EscalationId | None
    asked_for: AskedFor | None
    withheld_draft: str | None
    """What the agent would have answered when a person took over; ``None`` where it knew no answer."""
    transcript: tuple[TranscriptMessage, ...]
    turns: tuple[ReadTurn, ...]


class Cases:
    """The staff's side of cases.

    Args:
        database: where they are.
        keyring: opens and seals.
        check_text: raises InvalidMessageError for a text that a channel can't send.
        life: what becomes of a case after its end.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        *,
        check_text: Callable[[ChannelName, str], None],
        life: Life = ENDLESS,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._check_text = check_text
        self._sql = load("cases")
        self._turns = load("turns")
        self._life = life
        self._lives = Lives(database, keyring, life)
        self._ends = load("lives")
        self._shown = Shown("messages")

    async def read(self, case_id: CaseId, *, reader: str) -> ReadCase:
        """One case. That it was read is written down.

        Raises:
            NotFoundError: there is none with this id.
        """
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["read"], {"case_id": case_id})).fetchone()
            if row is None:
                raise NotFoundError("there is no such case")
            transcript = await self.transcript(connection, case_id)
            cursor = await connection.execute(self._sql["withheld_draft"], {"case_id": case_id})
            draft = await cursor.fetchone()
            turns = await (await connection.execute(self._sql["turns"], {"case_id": case_id})).fetchall()
            survey = await read_survey(connection, self._keyring, case_id)
            asked_for = await read_asked_for(connection, self._keyring, case_id)
            await log_view(connection, "case.read", reader, case_id=case_id)
        return ReadCase(
            id=case_id,
            state=row["state"],
            channel=ChannelName(row["channel"]),
            status=row["status"],
            owner=row["owner"],
            owner_name=row["owner_name"],
            opened_at=row["opened_at"],
            resolved_at=row["resolved_at"],
            customer_id=CustomerId(row["customer_id"]),
            resolved_by=row["resolved_by"],
            resolved_by_name=row["resolved_by_name"],
            resolution=row["resolution"],
            reopened=row["resolution_number"] - 1,
            survey=survey,
            customer_name=name_of(self._keyring, row),
            customer_language=row["language"],
            customer_segment=row["segment"],
            escalation_id=None if row["escalation_id"] is None else EscalationId(row["escalation_id"]),
            asked_for=asked_for,
            withheld_draft=None
            if draft is None
            else key_of(self._keyring, draft).open(
                bytes(draft["draft_sealed"]), place="turns.draft_sealed", row=draft["id"]
            ),
            transcript=transcript,
            turns=tuple(ReadTurn(**turn) for turn in turns),
        )

    async def transcript(
        self, connection: Connection, case_id: CaseId, *, limit: int = 200
    ) -> tuple[TranscriptMessage, ...]:
        """The newest messages of a case, oldest first."""
        cursor = await connection.execute(self._sql["transcript"], {"case_id": case_id, "limit": limit})
        rows = await cursor.fetchall()
        files = await list_files(
            connection, self._keyring, [row["id"] for row in rows if row["has_files"]], originals=True
        )
        return tuple(
            TranscriptMessage(
                id=row["id"],
                sequence=row["sequence"],
                author=row["author"],
                text=key_of(self._keyring, row).open(
                    bytes(row["body_sealed"]), place="messages.body_sealed", row=row["id"]
                ),
                at=row["at"],
                state=row["state"],
                delivery=row["delivery"],
                files=files.get(row["id"], ()),
            )
            for row in reversed(rows)
        )

    async def owned_by_people(self, *, limit: int = 50, reader: str | None = None) -> Listed[OwnedCase]:
        """The open cases that people own, the customer who waits longest first.

        Args:
            limit: the most of them.
            reader: who is shown the customers' names and last texts. Each that is new to them is written down, once.
        """
        async with self._database.connection() as connection:
            return await list_owned(connection, self._keyring, self._shown, limit=limit, reader=reader)

    async def take_over(self, case_id: CaseId, reviewer: str) -> None:
        """From now on a person answers; the agent says nothing more until it is handed back.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: an escalation of the case waits for a decision (take over there), or it is resolved.
        """
        async with self._database.transaction() as connection:
            case = await self._lock(connection, case_id)
            if case["escalation"] is not None:
                raise ConflictError("this case waits for a decision", hint="decide 'take_over' on its escalation")
            await connection.execute(self._sql["own"], {"case_id": case_id, "reviewer": reviewer})
            await connection.execute(self._sql["waiting_to_person"], {"case_id": case_id})
            await self._log(connection, "case.taken_over", case_id, reviewer)

    async def set_segment(self, case_id: CaseId, segment: str, reviewer: str) -> None:
        """Say which kind of customer this is; the policy reads it from the next turn on.

        Raises:
            NotFoundError: there is no case with this id.
        """
        async with self._database.transaction() as connection:
            changed = await connection.execute(self._sql["set_segment"], {"case_id": case_id, "segment": segment})
            if not changed.rowcount:
                raise NotFoundError("there is no such case")
            await self._log(connection, "customer.segment_set", case_id, reviewer)

    async def hand_back(self, case_id: CaseId, reviewer: str) -> None:
        """The agent answers again, first of all what the person left unanswered. A customer who met a person is told.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: the agent owns it already, or it is resolved.
        """
        async with self._database.transaction() as connection:
            case = await self._lock(connection, case_id)
            if case["owner"] == "agent":
                raise ConflictError("the agent has this case already")
            await connection.execute(self._sql["hand_back"], {"case_id": case_id})
            if case["met_person"]:
                text = text_for(case["language"] or case["own_language"], "hand_back")
                await write_note(connection, self._keyring, case, text, kind="hand_back", intent_id=uuid7())
            await connection.execute(self._sql["waiting_to_agent"], {"case_id": case_id})
            await self._look_in(connection, case)
            await self._log(connection, "case.handed_back", case_id, reviewer)

    async def write(
        self,
        case_id: CaseId,
        reviewer: str,
        text: str,
        *,
        intent_id: UUID,
        files: Sequence[File] = (),
        undo: timedelta | None = None,
    ) -> MessageId:
        """A person's own message to the customer. The same ``intent_id`` is the same message.

        ``undo`` holds it back for so long, in which its writer may take it back (``infra.postgres.undoing``).

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: the case is not the person's: take it over first.
            InvalidMessageError: the text can't be sent.
        """
        async with self._database.transaction() as connection:
            case = await self._lock(connection, case_id)
            self.refuse_unsendable(case["channel"], text)
            cursor = await connection.execute(self._sql["find_written"], {"intent_id": intent_id})
            if (written := await cursor.fetchone()) is not None:
                return MessageId(written["message_id"])
            if case["owner"] != "human":
                raise ConflictError("the agent has this case", hint="take it over, then write")
            key = key_of(self._keyring, case)
            message_id = MessageId(uuid7())
            await connection.execute(
                self._turns["write_outgoing"],
                {
                    "id": message_id,
                    "case_id": case_id,
                    "key_id": key.id,
                    "sequence": case["next_sequence"],
                    "author": "human",
                    "body_sealed": key.seal(text, place="messages.body_sealed", row=message_id),
                    "turn_id": None,
                    "outbox_id": uuid7(),
                    "intent_id": intent_id,
                    "ordinal": 1,
                    "kind": "reply",
                },
            )
            if undo:
                await hold_text(connection, case_id, message_id, undo)
            await keep_sent_along(connection, files, key, message_id=message_id)
            await connection.execute(self._turns["count_outgoing"], {"case_id": case_id, "count": 1})
            await connection.execute(self._sql["answered_by_person"], {"case_id": case_id})
            await self._look_in(connection, case)
            await self._log(connection, "case.answered_by_person", case_id, reviewer, message_id=str(message_id))
        return message_id

    def refuse_unsendable(self, channel: str, text: str) -> None:
        """Raise InvalidMessageError for a person's text that can't be stored, or not be sent on this channel."""
        refuse_unstorable(text)
        self._check_text(ChannelName(channel), text)

    async def resolve(self, case_id: CaseId, reviewer: str, *, confirmed: bool = False) -> None:
        """The matter is settled; within the reopening window the customer's next message opens it again.

        Args:
            case_id: which.
            reviewer: who says so.
            confirmed: the customer told them; else it is assumed.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: it is resolved already, waits for a decision, or has unanswered messages of the agent's.
        """
        async with self._database.transaction() as connection:
            case = await self._lock(connection, case_id)
            if case["escalation"] is not None:
                raise ConflictError("this case waits for a decision", hint="decide its escalation first")
            cursor = await connection.execute(self._turns["some_waiting"], {"case_id": case_id})
            if await cursor.fetchone() is not None:
                raise ConflictError("the agent is about to answer in this case", hint="wait for its reply")
            await connection.execute(self._sql["answered_by_person"], {"case_id": case_id})
            if case["owner"] == "human":
                await connection.execute(self._sql["hand_back"], {"case_id": case_id})
            certainty: Certainty = "confirmed" if confirmed else "assumed"
            values = self._life.resolving(case_id, "person", certainty, actor=reviewer, name=reviewer)
            await connection.execute(self._ends["resolve"], values)

    async def reopen(self, case_id: CaseId, reviewer: str) -> None:
        """Open a resolved case again, whenever it was resolved; the agent has it. Opened already is opened.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: another case of the conversation is open.
        """
        async with self._database.transaction() as connection:
            await self._lives.facts(connection, case_id)
            await self._lives.reopen(connection, case_id, actor=reviewer)

    async def _look_in(self, connection: Connection, case: Mapping[str, Any]) -> None:
        """Somebody looks soon when the next step is due, now that nothing else will say so."""
        lengths = (self._life.silence.get(case["channel"]), self._life.owner_silence)
        delay = min((length for length in lengths if length), default=None)
        await connection.execute(self._ends["look_in"], {"case_id": case["id"], "delay": delay})

    async def _lock(self, connection: Connection, case_id: CaseId) -> dict[str, Any]:
        # Locked first and read then: a statement that waits for a row still sees all other tables as before its wait,
        # and would miss the escalation of a turn that was just committing.
        await connection.execute(self._turns["lock_case"], {"case_id": case_id})
        row = await (await connection.execute(self._sql["lock"], {"case_id": case_id})).fetchone()
        if row is None:
            raise NotFoundError("there is no such case")
        if row["status"] == "resolved":
            raise ConflictError("this case is resolved", hint="the customer's next message opens a new one")
        return row

    async def _log(self, connection: Connection, kind: str, case_id: CaseId, actor: str, **data: str) -> None:
        values = {"event_id": uuid7(), "kind": kind, "case_id": case_id, "actor": actor, "data": Jsonb(data)}
        await connection.execute(self._sql["log"], values)
