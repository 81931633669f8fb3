"""What a turn's commit writes, by how the turn ended: reply, pause, hand-over to a person, or nothing to send.

Everything here runs inside the finishing transaction of ``infra.postgres.turns``, in one pipeline.
"""

from __future__ import annotations

import json
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from graph.build import GRAPH_VERSION
from graph.ports import Outcome, Pause, Work
from graph.review import proposal_hash
from infra.crypto.keyring import CustomerKey
from infra.postgres.checkpoints import TurnCheckpointer
from infra.postgres.database import Connection
from infra.postgres.queries import Queries

Status = Literal["done", "paused", "withheld"]


class TurnWriter:
    """Writes one turn's outcome.

    Args:
        connection: in the finishing transaction, in pipeline mode.
        sql: the blocks of ``turns.sql``.
        work: what was loaded.
        outcome: what the graph made of it.
        next_sequence: the case's next free message number; the case is locked.
    """

    def __init__(self, connection: Connection, sql: Queries, work: Work, outcome: Outcome, next_sequence: int) -> None:
        if not isinstance(work.checkpointer, TurnCheckpointer):
            raise TypeError("the work was loaded by another ledger")
        self._connection = connection
        self._sql = sql
        self._work = work
        self._outcome = outcome
        self._state = outcome.state
        self._turn = outcome.state["turn"]
        self._checkpointer = work.checkpointer
        self._key: CustomerKey = work.checkpointer.key
        self._sequence = next_sequence

    async def reply(self) -> None:
        """The agent's reply, or what a reviewer approved or wrote, goes to the outbox."""
        decision = self._state.get("decision")
        by_person = decision is not None and decision.action in {"edit", "answer"}
        await self._settle_messages("handled")
        # Ordinal 0 is the handoff note of a pause, so that a resumed turn's reply never collides with it.
        await self._send(self._state["reply"].text, kind="reply", ordinal=1, author="human" if by_person else "agent")
        await self._end_review()
        answered = self._state["draft"].answered or by_person
        await self._write_turn("done", "answered" if answered else "unanswered")
        await self._flush_checkpoint()
        await self._finish(paused=False)
        await self._log("turn.answered", {"rules": self._rules, "decision": decision.action if decision else None})

    async def pause(self, pause: Pause) -> None:
        """A person decides: the request is kept, and the customer is told, once, in this same commit."""
        await self._settle_messages("handled")
        handoff = self._state["reply"].handoff
        if self._work.resumption is None and handoff:
            await self._send(handoff, kind="handoff", ordinal=0, author="system")
        await self._end_review()
        escalation_id = uuid7()
        escalation = self._state["escalation"]
        request = json.dumps(pause.request, ensure_ascii=False)
        await self._execute(
            "open_escalation",
            id=escalation_id,
            turn_id=self._turn.id,
            interrupt_id=pause.interrupt_id,
            checkpoint_id=self._checkpointer.checkpoint_id,
            key_id=self._key.id,
            request_sealed=self._key.seal(request, place="escalations.request_sealed", row=escalation_id),
            proposal_hash=proposal_hash(pause.request),
            severity=escalation.severity.value,
            rules=self._rules,
            deadline=escalation.severity.deadline,
        )
        await self._write_turn("paused", "escalated")
        await self._flush_checkpoint()
        await self._finish(paused=True)
        await self._log(
            "escalation.opened",
            {"escalation_id": str(escalation_id), "severity": escalation.severity.value, "rules": self._rules},
        )

    async def hand_over(self) -> None:
        """A reviewer takes the case over: nothing is sent, and everything that waits is that person's now."""
        decision = self._state["decision"]
        await self._settle_messages("human")
        await self._execute("leave_to_person")
        await self._execute("take_over", reviewer=decision.reviewer)
        await self._end_review()
        await self._write_turn("done", "taken_over", keep_draft=True)
        await self._flush_checkpoint()
        await self._finish(paused=False)
        await self._log("case.taken_over", {"reviewer": decision.reviewer})

    async def withhold(self) -> None:
        """A person took the case over while the graph ran: the draft is kept for that person, nothing is sent.

        The messages are left as they are: the person may have answered them by now.
        """
        await self._execute("leave_to_person")
        await self._write_turn("withheld", "withheld", keep_draft=True)
        await self._finish(paused=False)
        await self._log("turn.withheld", {"rules": self._rules})

    @property
    def _rules(self) -> list[str]:
        return [reason.rule for reason in self._state["escalation"].reasons]

    async def _settle_messages(self, state: Literal["handled", "human"]) -> None:
        await self._execute("settle_messages", state=state, **self._span)

    async def _send(self, text: str, *, kind: str, ordinal: int, author: str) -> None:
        message_id = uuid7()
        await self._execute(
            "write_outgoing",
            id=message_id,
            key_id=self._key.id,
            sequence=self._sequence,
            author=author,
            body_sealed=self._key.seal(text, place="messages.body_sealed", row=message_id),
            turn_id=self._turn.id,
            outbox_id=uuid7(),
            intent_id=self._turn.id,
            ordinal=ordinal,
            kind=kind,
        )
        await self._execute("count_outgoing", count=1)
        self._sequence += 1

    async def _end_review(self) -> None:
        """The decision that resumed this turn is applied now, and can't be applied again."""
        resumption = self._work.resumption
        if resumption is None:
            return
        await self._execute("cover_later", turn_id=self._turn.id, escalation_id=resumption.escalation_id)
        await self._execute("close_escalation", escalation_id=resumption.escalation_id)

    async def _write_turn(self, status: Status, outcome: str, *, keep_draft: bool = False) -> None:
        draft = self._state["draft"]
        draft_sealed = None
        if keep_draft:
            draft_sealed = self._key.seal(self._state["reply"].text, place="turns.draft_sealed", row=self._turn.id)
        cited = dict.fromkeys(citation.passage_id for citation in draft.citations)
        await self._execute(
            "write_turn",
            id=self._turn.id,
            status=status,
            graph_version=GRAPH_VERSION,
            token=self._work.lease.token,
            outcome=outcome,
            polarity=self._state["sentiment"].polarity,
            confidence=draft.confidence,
            rules=self._rules,
            cited=list[UUID](cited),
            model=draft.model,
            key_id=self._key.id,
            draft_sealed=draft_sealed,
            started_at=self._outcome.started_at,
            milliseconds=Jsonb(self._outcome.milliseconds),
            **{name: value for name, value in self._span.items() if name != "turn_id"},
        )

    async def _flush_checkpoint(self) -> None:
        # A resumed turn's checkpoint still points at what its pause saved; a fresh turn needs nothing of an older one.
        earlier_turn_left_some = self._work.resumption is None and bool(self._turn.history)
        await self._checkpointer.flush(self._connection, replace=earlier_turn_left_some)

    async def _finish(self, *, paused: bool) -> None:
        await self._execute("finish_work", paused=paused)
        if not paused:
            await self._execute("forget_model_replies", turn_id=self._turn.id)

    async def _log(self, kind: str, data: dict[str, Any]) -> None:
        # A person's name stands in the audit trail, a customer's never.
        await self._execute("log", id=uuid7(), kind=kind, actor="agent", data=Jsonb(data))

    @property
    def _span(self) -> dict[str, Any]:
        messages = self._turn.messages
        return {
            "turn_id": self._turn.id,
            "first_sequence": messages[0].sequence,
            "last_sequence": messages[-1].sequence,
        }

    async def _execute(self, statement: str, **values: Any) -> None:
        await self._connection.execute(self._sql[statement], {"case_id": self._turn.case_id, **values})
