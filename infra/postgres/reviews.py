"""Escalations: the queue, what a reviewer reads, claims, and decisions by compare-and-set.

A decision names the ``version`` that the reviewer had on the screen: the hash of the proposal and the newest message of
the customer. If either has changed, or somebody else decided, the answer is a conflict that says what is different, and
nothing is written. A decision that is accepted is a row; a worker applies it under the case's lease, exactly once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

from uuid_utils.compat import uuid7

from channels.envelope import File
from infra.crypto.keyring import Keyring
from infra.postgres.cases import Cases
from infra.postgres.database import Connection, Database
from infra.postgres.escalations import EVERYTHING, Only, QueuedEscalation, ReadEscalation
from infra.postgres.files import keep_sent_along
from infra.postgres.lines import name_in_a_line, opened_in_a_line
from infra.postgres.listed import Listed
from infra.postgres.queries import load
from infra.postgres.seals import key_of, name_of
from infra.postgres.views import Shown, log_view
from skills.errors import BadRequestError, ConflictError, NotFoundError
from skills.turn import CaseId, ChannelName, CustomerId, Decision, EscalationId

CLAIM = timedelta(minutes=15)
"""How long a reviewer keeps what they claimed without touching it."""

SENDING = frozenset({"approve", "edit", "answer"})
"""Decisions after which the customer gets something."""


class Reviews:
    """The reviewers' side of escalations.

    Args:
        database: where they are.
        keyring: opens and seals.
        cases: for transcripts.
        windows: how long after the customer's last message a channel takes free text, where that has an end.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        cases: Cases,
        windows: Mapping[ChannelName, timedelta] = MappingProxyType({}),
    ) -> None:
        self._windows = {"window_channels": list(windows), "window_lengths": list(windows.values())}
        self._database = database
        self._keyring = keyring
        self._cases = cases
        self._shown = Shown("escalations")
        self._sql = load("reviews")

    async def beginning(self, first: UUID, last: UUID) -> list[EscalationId]:
        """Ids of escalations between two, ends included; two at most, for more than one is too many."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["begins"], {"first_id": first, "last_id": last})
            return [EscalationId(row["id"]) for row in await cursor.fetchall()]

    async def newest_of(self, case_id: CaseId) -> tuple[EscalationId, str]:
        """The newest escalation of a case, and its status: ``open``, ``decided`` (not carried out yet) or ``closed``.

        Raises:
            NotFoundError: there is no such case, or it never waited for a person.
        """
        async with self._database.connection() as connection:
            row = await (await connection.execute(self._sql["newest_of"], {"case_id": case_id})).fetchone()
        if row is None:
            raise NotFoundError("this case never waited for a person")
        return EscalationId(row["id"]), row["status"]

    async def queue(
        self, *, limit: int = 50, reader: str | None = None, only: Only = EVERYTHING
    ) -> Listed[QueuedEscalation]:
        """What waits for a person, the nearest deadline first, be it ours or the end of the channel's window.

        Args:
            limit: the most lines.
            reader: who is shown the customers' names and first lines. Each that is new to them is written down, once.
            only: what of it.
        """
        values = {"limit": limit, "reader": reader, **asdict(only), **self._windows}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(self._sql["queue"], values)).fetchall()
            if reader is not None:
                await self._shown.log(connection, reader, [row["id"] for row in rows])
        return Listed(map(self._queued, rows), total=rows[0]["total"] if rows else 0)

    async def read(self, escalation_id: EscalationId, *, reader: str) -> ReadEscalation:
        """One escalation with its case's transcript. That it was read is written down.

        Raises:
            NotFoundError: there is none with this id.
        """
        async with self._database.connection() as connection:
            row = await self._row(connection, escalation_id)
            transcript = await self._cases.transcript(connection, CaseId(row["case_id"]))
            await log_view(connection, "escalation.read", reader, case_id=row["case_id"])
        return ReadEscalation(
            id=escalation_id,
            case_id=CaseId(row["case_id"]),
            channel=ChannelName(row["channel"]),
            status=row["status"],
            version=_version(row),
            state=row["state"],
            request=self._request(row),
            severity=row["severity"],
            due_at=row["due_at"],
            window_closes_at=row["window_closes_at"],
            created_at=row["created_at"],
            claimed_by=row["claimed_by"],
            customer_id=CustomerId(row["name_customer_id"]),
            customer_name=name_of(self._keyring, row, "name_"),
            customer_language=row["language"],
            customer_segment=row["segment"],
            transcript=transcript,
            later_messages=tuple(
                message
                for message in transcript
                if message.author == "customer" and message.sequence > row["last_sequence"]
            ),
            decided=None if row["action"] is None else f"{row['action']} by {row['reviewer']}",
        )

    async def claim(self, escalation_id: EscalationId, reviewer: str) -> None:
        """Say "I am at it", for a quarter of an hour.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: somebody else is at it, or it is decided.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                self._sql["claim"], {"id": escalation_id, "reviewer": reviewer, "hold": CLAIM}
            )
            if await cursor.fetchone() is None:
                row = await self._row(connection, escalation_id)
                raise _taken(row)

    async def release(self, escalation_id: EscalationId, reviewer: str) -> None:
        """Let others have it.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: it is not this reviewer's.
        """
        async with self._database.connection() as connection:
            cursor = await connection.execute(self._sql["release"], {"id": escalation_id, "reviewer": reviewer})
            if await cursor.fetchone() is None:
                row = await self._row(connection, escalation_id)
                raise ConflictError("this escalation is not yours to release", changes=_changes(row))

    async def decide(
        self,
        escalation_id: EscalationId,
        decision: Decision,
        *,
        seen: str,
        covers_later: bool = False,
        files: Sequence[File] = (),
        undo: timedelta | None = None,
    ) -> CaseId:
        """Accept a decision, if the reviewer saw what is there now. The case is due at once, or after `undo`.

        Args:
            escalation_id: which.
            decision: what, and by whom.
            seen: the ``version`` that the reviewer read.
            covers_later: the answer also answers the messages that came after the proposal's own.
            files: what is sent along with the text.
            undo: for how long the reviewer may take it back (``infra.postgres.undoing``), where something is sent.

        Raises:
            NotFoundError: there is none with this id.
            ConflictError: decided already, claimed by somebody else, or changed since it was read.
            BadRequestError: the action is not among the ones offered.
            InvalidMessageError: the reviewer's text can't be sent on the channel. It is never rewritten.
        """
        if covers_later and decision.action not in {"edit", "answer"}:
            raise BadRequestError("covers_later goes with a text of yours", hint="choose edit or answer")
        if files and decision.action not in {"edit", "answer"}:
            raise BadRequestError("files go with a text of yours", hint="choose edit or answer")
        async with self._database.transaction() as connection:
            await connection.execute(self._sql["lock_case_of"], {"id": escalation_id})
            row = await self._row(connection, escalation_id)
            if row["status"] != "open" or row["claimed_by"] not in {None, decision.reviewer}:
                raise _taken(row)
            changed = None if seen == _version(row) else await self._changed(connection, row, seen)
            if changed is None:
                request = self._request(row)
                if decision.action not in request["actions"]:
                    raise BadRequestError(
                        f"{decision.action} is not offered here", hint=f"one of {', '.join(request['actions'])}"
                    )
                if decision.text is not None:
                    self._cases.refuse_unsendable(row["channel"], decision.text)
                held = undo if decision.action in SENDING else None
                await self._write(connection, row, decision, covers_later=covers_later, files=files, undo=held or None)
            else:  # it says what the customer wrote since
                await log_view(connection, "escalation.read", decision.reviewer, case_id=row["case_id"])
        if changed is not None:
            raise changed
        return CaseId(row["case_id"])

    async def _write(
        self,
        connection: Connection,
        row: Mapping[str, Any],
        decision: Decision,
        *,
        covers_later: bool,
        files: Sequence[File],
        undo: timedelta | None,
    ) -> None:
        key = key_of(self._keyring, row)
        decision_id = uuid7()

        def sealed(text: str | None, column: str) -> bytes | None:
            return None if text is None else key.seal(text, place=f"decisions.{column}", row=decision_id)

        await connection.execute(
            self._sql["insert_decision"],
            {
                "id": decision_id,
                "escalation_id": row["id"],
                "action": decision.action,
                "reviewer": decision.reviewer,
                "key_id": key.id,
                "text_sealed": sealed(decision.text, "text_sealed"),
                "reason_sealed": sealed(decision.reason, "reason_sealed"),
                "seen_sequence": row["newest"],
                "covers_later": covers_later,
                "undo": undo,
            },
        )
        await keep_sent_along(connection, files, key, decision_id=decision_id)
        await connection.execute(
            self._sql["mark_decided"],
            {
                "id": row["id"],
                "event_id": uuid7(),
                "reviewer": decision.reviewer,
                "action": decision.action,
                "undo": undo,
            },
        )

    async def _changed(self, connection: Connection, row: Mapping[str, Any], seen: str) -> ConflictError:
        """The conflict that says what is different: new messages since the version that was seen, or a new proposal."""
        transcript = await self._cases.transcript(connection, CaseId(row["case_id"]))
        proposal, _, newest = seen.partition(".")
        read_up_to = int(newest) if newest.isdigit() else 0
        changes = _changes(row)
        changes["proposal_changed"] = proposal != _version(row).partition(".")[0]
        changes["new_messages"] = [
            message.text for message in transcript if message.author == "customer" and message.sequence > read_up_to
        ]
        return ConflictError(
            "this changed since you read it", hint="read it again, then decide on what is there now", changes=changes
        )

    async def _row(self, connection: Connection, escalation_id: UUID) -> dict[str, Any]:
        row = await (await connection.execute(self._sql["read"], {"id": escalation_id, **self._windows})).fetchone()
        if row is None:
            raise NotFoundError("there is no such escalation")
        return row

    def _queued(self, row: Mapping[str, Any]) -> QueuedEscalation:
        return QueuedEscalation(
            id=EscalationId(row["id"]),
            case_id=CaseId(row["case_id"]),
            channel=ChannelName(row["channel"]),
            severity=row["severity"],
            rules=tuple(row["rules"]),
            customer_name=name_in_a_line(self._keyring, row, "name_"),
            first_line=opened_in_a_line(partial(self._asked, row)),
            has_draft=row["has_draft"],
            due_at=row["due_at"],
            window_closes_at=row["window_closes_at"],
            created_at=row["created_at"],
            claimed_by=row["claimed_by"],
            moved_on_from=None if row["claimed_by"] else row["moved_on_from"],
            topic=row["topic"],
        )

    def _asked(self, row: Mapping[str, Any]) -> str:
        return " ".join(self._request(row)["messages"])

    def _request(self, row: Mapping[str, Any]) -> dict[str, Any]:
        text = key_of(self._keyring, row).open(
            bytes(row["request_sealed"]), place="escalations.request_sealed", row=row["id"]
        )
        return cast("dict[str, Any]", json.loads(text))


def _version(row: Mapping[str, Any]) -> str:
    return f"{bytes(row['proposal_hash']).hex()[:16]}.{row['newest']}"


def _changes(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": row["status"],
        "version": _version(row),
        "claimed_by": row["claimed_by"],
        "decided": None if row["action"] is None else f"{row['action']} by {row['reviewer']}",
    }


def _taken(row: Mapping[str, Any]) -> ConflictError:
    changes = _changes(row)
    if row["status"] != "open":
        return ConflictError(f"this was decided already: {changes['decided']}", changes=changes)
    return ConflictError(f"{row['claimed_by']} is at it", hint="agree with them, or wait", changes=changes)
