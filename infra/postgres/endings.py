"""How a turn can end, and what is written in each case.

A reply, a pause for a person, a hand-over to one, or nothing to send because one took over meanwhile. Every ending has
the values of one statement (``turns.sql``, ``finish``); one that begins or ends a review has further statements.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from graph.build import GRAPH_VERSION
from graph.ports import Lease, Outcome, Pause, Resumption
from graph.review import has_draft, proposal_hash
from infra.crypto.keyring import CustomerKey
from infra.postgres.checkpoints import TurnCheckpointer
from infra.postgres.life import ENDLESS, Life, ResolvedBy

_EVERYTHING = 2**62
"""A message number beyond all."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What is written: the values of ``finish``, then further statements of ``turns.sql`` with theirs."""

    values: dict[str, Any]
    further: tuple[tuple[str, dict[str, Any]], ...] = ()

    def leaves(self, newest_waiting: int) -> bool:
        """Whether the newest message that waits is left for another turn."""
        handled = max(self.values["settle_to"], self.values["rest_to"])
        return newest_waiting > handled and not self.values["paused"]


@dataclass(frozen=True, slots=True)
class Endings:
    """The endings of one turn.

    Args:
        lease: under which it ran.
        outcome: what the graph made of it.
        resumption: the decision that it was resumed by, if it was.
        checkpointer: holds what the graph wrote, and the customer's key.
        covered: the newest message that the decision's answer covers beyond the turn's own; 0 without one.
        life: what becomes of the case afterwards.
    """

    lease: Lease
    outcome: Outcome
    resumption: Resumption | None
    checkpointer: TurnCheckpointer
    covered: int
    life: Life = ENDLESS

    def of(self, *, owner: str) -> Ending:
        """The ending that this turn has while ``owner`` (``agent`` or ``human``) owns its case."""
        decision = self.outcome.state.get("decision")
        if owner == "human" and self.resumption is None:
            return self._withheld()
        if self.outcome.pause is not None:
            return self._paused(self.outcome.pause)
        if decision is not None and decision.action == "take_over":
            return self._handed_over(decision.reviewer)
        return self._replied()

    def _replied(self) -> Ending:
        """The agent's reply, or what a reviewer approved or wrote, goes to the outbox."""
        decision = self.outcome.state.get("decision")
        by_person = decision is not None and decision.action in {"edit", "answer"}
        answered = self.outcome.state["draft"].answered or by_person
        # Ordinal 0 is the handoff note of a pause, so that a resumed turn's reply never collides with it.
        reply = self._text(
            self.outcome.state["reply"].text, "reply", ordinal=1, author="human" if by_person else "agent"
        )
        return Ending(
            {
                **self._turn("done", "answered" if answered else "unanswered"),
                **reply,
                **_event("turn.answered", rules=self._rules, decision=decision.action if decision else None),
                "look_in": self.life.first_look(self.outcome.state["turn"].channel),
            },
            (
                *(self._attach_files(reply["message_id"]) if by_person else ()),
                *self._end_of_review,
                *self._end_of_case,
            ),
        )

    def _paused(self, pause: Pause) -> Ending:
        """A person decides: the request is kept, and the customer is told, once, in this same commit."""
        handoff = self.outcome.state["reply"].handoff if self.resumption is None else None
        escalation, turn = self.outcome.state["escalation"], self.outcome.state["turn"]
        review_id = uuid7()
        request = json.dumps(pause.request, ensure_ascii=False)
        review = {
            "id": review_id,
            "case_id": turn.case_id,
            "turn_id": turn.id,
            "interrupt_id": pause.interrupt_id,
            "checkpoint_id": self.checkpointer.checkpoint_id,
            "key_id": self._key.id,
            "request_sealed": self._key.seal(request, place="escalations.request_sealed", row=review_id),
            "proposal_hash": proposal_hash(pause.request),
            "has_draft": has_draft(pause.request),
            "severity": escalation.severity.value,
            "rules": self._rules,
            "deadline": self.life.deadline(escalation.severity),
        }
        # The checkpoint of a turn that pauses again still points at what its first pause saved.
        earlier = self._close_review if self.resumption is not None else (("clear_thread", self._thread),)
        return Ending(
            {
                **self._turn("paused", "escalated"),
                **(self._text(handoff, "handoff", ordinal=0, author="system") if handoff else {}),
                "paused": True,
                **_event(
                    "escalation.opened",
                    escalation_id=str(review_id),
                    severity=escalation.severity.value,
                    rules=self._rules,
                ),
            },
            (*earlier, ("open_review", review), ("save_thread", {**self._thread, **self.checkpointer.rows()})),
        )

    def _handed_over(self, reviewer: str) -> Ending:
        """A reviewer takes the case over: nothing is sent, and everything that waits is that person's now."""
        return Ending(
            {
                **self._turn("done", "taken_over", keep_draft=True),
                "message_state": "human",
                "rest_to": _EVERYTHING,
                "taken_by": reviewer,
                **_event("case.taken_over", reviewer=reviewer),
            },
            self._end_of_review,
        )

    def _withheld(self) -> Ending:
        """A person took the case over while the graph ran: the draft is kept for that person, nothing is sent.

        The turn's messages are left as they are: the person may have answered them by now.
        """
        return Ending(
            {
                **self._turn("withheld", "withheld", keep_draft=True),
                "message_state": "human",
                "settle_to": 0,
                "rest_to": _EVERYTHING,
                **_event("turn.withheld", rules=self._rules),
            }
        )

    def _attach_files(self, message_id: UUID) -> tuple[tuple[str, dict[str, Any]], ...]:
        """What the person sends along with their text."""
        if self.resumption is None:
            return ()
        escalation = {"escalation_id": self.resumption.escalation_id}
        return (("attach_files", {"message_id": message_id, **escalation}),)

    @property
    def _close_review(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        return () if self.resumption is None else (("close_review", {"escalation_id": self.resumption.escalation_id}),)

    @property
    def _end_of_review(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """A resumed turn has ended: it resumes from nothing any more. A fresh one has saved nothing."""
        return (*self._close_review, ("clear_thread", self._thread)) if self.resumption is not None else ()

    @property
    def _end_of_case(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """The customer says that it is solved, and no rule asks for a person: resolved, unless something waits."""
        conclusion, turn = self.outcome.state.get("conclusion"), self.outcome.state["turn"]
        solved = conclusion is not None and conclusion.verdict == "solved"
        if not solved or self.resumption is not None or self.outcome.state["escalation"].needed:
            return ()
        by: ResolvedBy = "agent" if conclusion is not None and conclusion.asked else "customer"
        return (("resolve", self.life.resolving(turn.case_id, by, "confirmed", actor="agent")),)

    @property
    def _thread(self) -> dict[str, Any]:
        return {"thread_id": str(self.outcome.state["turn"].case_id)}

    @property
    def _key(self) -> CustomerKey:
        return self.checkpointer.key

    @property
    def _rules(self) -> list[str]:
        return [reason.rule for reason in self.outcome.state["escalation"].reasons]

    def _turn(self, status: str, outcome: str, *, keep_draft: bool = False) -> dict[str, Any]:
        """What every ending writes, and the rest left out."""
        state = self.outcome.state
        turn, draft, intent = state["turn"], state["draft"], state.get("intent")
        draft_sealed = None
        if keep_draft and draft.answered:  # "I don't know" is no help to a person who writes
            draft_sealed = self._key.seal(state["reply"].text, place="turns.draft_sealed", row=turn.id)
        last = turn.messages[-1].sequence
        return {
            **_LEFT_OUT,
            "case_id": turn.case_id,
            "token": self.lease.token,
            "key_id": self._key.id,
            "message_state": "handled",
            "first_sequence": turn.messages[0].sequence,
            "last_sequence": last,
            "settle_to": last,
            "rest_to": self.covered,
            "turn_id": turn.id,
            "status": status,
            "outcome": outcome,
            "graph_version": GRAPH_VERSION,
            "language": state["sentiment"].language,
            "polarity": state["sentiment"].polarity,
            "confidence": draft.confidence,
            "rules": self._rules,
            "topic": None if intent is None else intent.topic,
            "scope": None if intent is None else intent.scope,
            "cited": list[UUID](dict.fromkeys(citation.passage_id for citation in draft.citations)),
            "model": draft.model,
            "draft_sealed": draft_sealed,
            "started_at": self.outcome.started_at,
            "milliseconds": Jsonb(self.outcome.milliseconds),
        }

    def _text(self, text: str, kind: str, *, ordinal: int, author: str) -> dict[str, Any]:
        message_id = uuid7()
        return {
            "message_id": message_id,
            "outbox_id": uuid7(),
            "ordinal": ordinal,
            "kind": kind,
            "author": author,
            "text_sealed": self._key.seal(text, place="messages.body_sealed", row=message_id),
        }


def _event(kind: str, **data: Any) -> dict[str, Any]:
    # A person's name stands in the audit trail, a customer's never.
    return {"event_id": uuid7(), "event": kind, "event_data": Jsonb(data)}


_LEFT_OUT: Mapping[str, Any] = {
    "paused": False,
    **dict.fromkeys(("look_in", "taken_by", "message_id", "outbox_id", "ordinal", "kind", "author", "text_sealed")),
}
"""The values of what an ending does not write."""
