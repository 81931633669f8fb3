"""Taking back: for some seconds after "send" a reviewer may think again, and then nothing was decided or written.

What is held is committed whole, with a time before which nobody begins to send it: a decision by ``case_work.due_at``,
a person's own text by ``outbox.due_at``. So nothing has to happen for it to go out, and no page has to stay open. Both
sides go through one row, which one of them changes first: the worker's or the sender's claim, or the undoing. The other
then finds nothing to do. Undone xor sent, whatever dies in between.
"""

from __future__ import annotations

from datetime import timedelta

from uuid_utils.compat import uuid7

from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from skills.errors import ConflictError, NotFoundError
from skills.turn import CaseId, EscalationId, MessageId

_SQL = load("undoing")
_TOO_LATE = "it is on its way already, and can't be taken back"


async def hold_text(connection: Connection, case_id: CaseId, message_id: MessageId, undo: timedelta) -> None:
    """Hold back a text that this transaction has written and that no customer's message counts as answered by yet."""
    await connection.execute(_SQL["hold_text"], {"case_id": case_id, "message_id": message_id, "undo": undo})


class Undoing:
    """Takes back what a reviewer decided or wrote.

    Args:
        database: where it is.
        hold: for how long an escalation is its reviewer's again.
    """

    def __init__(self, database: Database, *, hold: timedelta) -> None:
        self._database = database
        self._hold = hold
        self._lock_case = load("turns")["lock_case"]
        self._lock_case_of = load("reviews")["lock_case_of"]

    async def decision(self, escalation_id: EscalationId, reviewer: str) -> None:
        """Nothing was decided: the escalation is open again, as it was, and this reviewer's.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: a worker has begun, it was not held back, or somebody else decided it.
        """
        values = {"id": escalation_id, "reviewer": reviewer}
        async with self._database.transaction() as connection:
            await connection.execute(self._lock_case_of, {"id": escalation_id})
            work = await (await connection.execute(_SQL["lock_work"], {"id": escalation_id})).fetchone()
            if work is None:
                raise NotFoundError("there is no such escalation")
            if not work["taken"]:
                undone = await connection.execute(
                    _SQL["undo_decision"], {**values, "hold": self._hold, "event_id": uuid7()}
                )
                if await undone.fetchone() is not None:
                    return
            now = await (await connection.execute(_SQL["decision_of"], {"id": escalation_id})).fetchone()
        assert now is not None  # escalations with work are there
        raise _not_undone(now["status"], now["reviewer"], reviewer)

    async def text(self, case_id: CaseId, message_id: MessageId, reviewer: str) -> None:
        """Nothing was written: what it answered waits for its person again.

        Raises:
            NotFoundError: there is no such text in this case; taken back already, it is not there either.
            ConflictError: a sender has it, it was not held back, or the case is somebody else's by now.
        """
        values = {"case_id": case_id, "message_id": message_id}
        async with self._database.transaction() as connection:
            await connection.execute(self._lock_case, {"case_id": case_id})
            now = await (await connection.execute(_SQL["text_of"], values)).fetchone()
            if now is None:
                raise NotFoundError("there is no such text of ours in this case")
            if (now["owner"], now["owner_name"]) != ("human", reviewer):
                raise ConflictError("the case is not yours any more", hint="look at it again")
            undone = await connection.execute(_SQL["undo_text"], {**values, "reviewer": reviewer, "event_id": uuid7()})
            if await undone.fetchone() is None:
                raise ConflictError(_TOO_LATE, hint="write to the customer again", changes={"state": now["state"]})


def _not_undone(status: str, decided_by: str | None, reviewer: str) -> ConflictError:
    changes = {"status": status}
    if status == "open":
        return ConflictError("nothing is decided here", hint="look at it again", changes=changes)
    if decided_by != reviewer:
        return ConflictError(f"{decided_by} decided this", hint="only they can take it back", changes=changes)
    return ConflictError(_TOO_LATE, hint="take the case over, and write to the customer", changes=changes)
