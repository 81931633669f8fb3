"""What the database says of an example: compared with the model, and held against what must be true by itself.

``broken_promises`` knows nothing of the model, so that a mistake that model and product share is seen all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tests.model.reference import Case, World

PROJECTION = """
select
    c.id, c.conversation_id, c.status, c.resolution_number, c.resolved_by is not null as ended,
    (select jsonb_object_agg(s.resolution_number, coalesce(s.rating::text, s.withdrawn))
        from surveys s where s.case_id = c.id) as surveys, c.owner, c.owner_name, c.next_sequence, v.next_position,
    w.paused, w.attempts, w.lease_token as token, w.turn_id, w.leased_until is not null as held,
    coalesce(w.leased_until < now(), false) as expired,
    case when w.due_at <= now() then 'now' when w.due_at is not null then 'later' end as due,
    (select count(*) from dead_letters l where l.case_id = c.id) as dead_letters,
    (select jsonb_agg(jsonb_build_array(
            m.sequence, m.author, m.state, m.position, o.state, coalesce(o.attempts, 0), o.claimed_by
        ) order by m.sequence)
        from messages m left join outbox o on o.message_id = m.id where m.case_id = c.id) as texts,
    (select jsonb_agg(o.message_id order by o.position) = jsonb_agg(o.message_id order by m.sequence)
        from outbox o join messages m on m.id = o.message_id where o.case_id = c.id) as outbox_in_order,
    (select jsonb_agg(
            jsonb_build_array(s.status, s.claimed_by, d.action, d.applied_at is not null) order by s.created_at)
        from escalations s left join decisions d on d.escalation_id = s.id where s.case_id = c.id) as reviews,
    (select jsonb_object_agg(t.id, jsonb_build_array(t.status, t.outcome, t.first_sequence, t.last_sequence))
        from turns t where t.case_id = c.id) as turns,
    (select count(*) from checkpoints k where k.thread_id = c.id::text) as checkpoints
from cases c
join conversations v on v.id = c.conversation_id
join case_work w on w.case_id = c.id
where v.id = any(%s)
order by c.opened_at, c.id
"""

ANSWERED = {"answered", "unanswered", "escalated"}
"""Outcomes of turns that spoke to the customer about their messages."""


def expected(case: Case) -> dict[str, Any]:
    """A case of the model as the projection shows it."""
    return {
        "id": case.id,
        "conversation_id": case.conversation.id,
        "status": case.status,
        "resolution_number": case.resolution_number,
        "ended": case.resolved_by is not None,
        "surveys": {str(number): said for number, said in case.surveys.items()},
        "owner": case.owner,
        "owner_name": case.owner_name,
        "next_sequence": case.next_sequence,
        "next_position": case.conversation.next_position,
        "paused": case.paused,
        "attempts": case.attempts,
        "token": case.token,
        "turn_id": case.turn_id,
        "held": case.held,
        "expired": case.expired,
        "due": case.due,
        "dead_letters": case.dead_letters,
        "texts": [
            [text.sequence, text.author, text.state, text.position, text.delivery, text.attempts, text.holder]
            for text in case.texts
        ],
        "reviews": [
            [
                review.status,
                review.claimed_by,
                review.decided and review.decided.action,
                review.decided is not None and review.decided.applied,
            ]
            for review in case.reviews
        ],
        "turns": {str(turn_id): list(turn) for turn_id, turn in case.turns.items()},
    }


def differences(rows: list[dict[str, Any]], world: World) -> list[str]:
    """Where database and model disagree, one line a field."""
    found = {row["id"]: row for row in rows}
    modelled = {case.id: case for case in world.cases}
    lines = [f"cases: {len(found)} there, {len(modelled)} expected"] if found.keys() != modelled.keys() else []
    for case_id, case in modelled.items():
        row = found.get(case_id, {})
        for name, value in expected(case).items():
            there = row.get(name) or type(value)() if isinstance(value, list | dict) else row.get(name)
            if there != value:
                lines.append(f"{name}: {there} there, {value} expected")
    return lines


def broken_promises(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What must never be, whatever happened."""
    for row in rows:
        yield from _broken_in_case(row)
    for conversation in {row["conversation_id"] for row in rows}:
        cases = [row for row in rows if row["conversation_id"] == conversation]
        if sum(row["status"] == "open" for row in cases) > 1:
            yield "two open cases in a conversation"
        texts = [text for row in cases for text in row["texts"]]
        if (positions := [text[3] for text in texts if text[3] is not None]) and len({*positions}) < len(positions):
            yield "two messages in one place"
        delivered = [text[3] for text in texts if text[2] == "delivered"]
        if delivered != sorted(delivered):
            yield "delivered out of order"
        sending = [text for text in texts if text[4] == "sending"]
        if len(sending) > 1:
            yield "two texts on their way in one conversation"


def _broken_in_case(row: Mapping[str, Any]) -> Iterator[str]:
    reviews, turns = row["reviews"] or [], (row["turns"] or {}).values()
    states = {text[2] for text in row["texts"] if text[1] == "customer"}
    live = [status for status, *_ in reviews if status != "closed"]
    spans = sorted((first, last) for _, outcome, first, last in turns if outcome in ANSWERED)
    agents, resolved, looked_at = row["owner"] == "agent", row["status"] == "resolved", row["due"] is not None
    promises = {
        "two live escalations": len(live) < 2,
        "paused is having a live escalation": row["paused"] == bool(live),
        "a paused turn without its checkpoint": not row["paused"] or row["checkpoints"] > 0,
        "a message waits and nobody will look": "waiting" not in states or not agents or row["paused"] or looked_at,
        "a decision waits and nobody will look": "decided" not in live or looked_at,
        "a message waits for the agent, but a person owns the case": "waiting" not in states or agents,
        "a message waits for a person who is not there": "human" not in states or not (agents or resolved),
        "a message waits in a resolved case": "waiting" not in states or not resolved,
        "a message was given up and nobody is told": "dead" not in states or row["dead_letters"] > 0,
        "an escalation was decided and is open": not any(s == "open" and action for s, _, action, _ in reviews),
        "two turns answered one message": all(earlier[1] < later[0] for earlier, later in pairwise(spans)),
        "the outbox is in another order than the messages": row["outbox_in_order"] is not False,
        "a survey of an end that has not been": all(
            int(number) < row["resolution_number"] or resolved for number in row["surveys"] or {}
        ),
        "a survey of an end that was none waits": resolved or None not in (row["surveys"] or {}).values(),
        "a case is over and nobody said so": row["ended"] == resolved,
        "fewer attempts than none": row["attempts"] >= 0,
    }
    yield from (broken for broken, kept in promises.items() if not kept)
