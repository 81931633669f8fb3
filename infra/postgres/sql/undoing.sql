-- Taking back what was decided or written, while nobody has begun to send it.

-- name: lock_work
-- A worker's claim changes this row: it waits for us and finds the case not due, or it was first and is seen here.
select w.leased_until is not null as taken from case_work w
where w.case_id = (select case_id from escalations where id = %(id)s)
for update;

-- name: undo_decision
-- The decision and what was to be sent along are gone, as if nothing had been decided; the reviewer has it again.
with undone as (
    delete from decisions d using escalations s
    where s.id = %(id)s and s.status = 'decided' and d.escalation_id = s.id
        and d.reviewer = %(reviewer)s and d.undo_until is not null
    returning d.id, s.case_id
), files as (
    delete from message_files f using undone where f.decision_id = undone.id
), opened as (
    update escalations s set status = 'open', claimed_by = %(reviewer)s, claimed_until = now() + %(hold)s
    from undone where s.id = %(id)s
), quiet as (
    update case_work w set due_at = null from undone where w.case_id = undone.case_id
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'escalation.undone', case_id, %(reviewer)s, jsonb_build_object('escalation_id', %(id)s::text)
from undone
returning case_id;

-- name: decision_of
select s.status, d.reviewer, d.undo_until from escalations s left join decisions d on d.escalation_id = s.id
where s.id = %(id)s;

-- name: hold_text
-- A text that was just written waits, and remembers whom it answered. No sender has seen it: it is not committed.
update outbox set due_at = now() + %(undo)s, undo_until = now() + %(undo)s, answered = array(
    select m.id from messages m where m.case_id = %(case_id)s and m.state = 'human'
)
where message_id = %(message_id)s;

-- name: undo_text
-- A sender that claims it is waited for; then it is not pending any more. What it answered is open again.
with undone as (
    delete from outbox o
    where o.message_id = %(message_id)s and o.case_id = %(case_id)s and o.state = 'pending' and o.undo_until is not null
    returning o.message_id, o.case_id, o.answered
), files as (
    delete from message_files f using undone where f.message_id = undone.message_id
), unanswered as (
    update messages m set state = 'human' from undone
    where m.id = any(undone.answered) and m.case_id = undone.case_id and m.state = 'handled'
), changed as (
    update cases c set owner_version = c.owner_version + 1 from undone where c.id = undone.case_id
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select %(event_id)s, 'message.undone', case_id, %(reviewer)s, jsonb_build_object('message_id', message_id::text)
    from undone
)
delete from messages m using undone where m.id = undone.message_id
returning m.id;

-- name: text_of
select o.state, c.owner, c.owner_name from outbox o join cases c on c.id = o.case_id
where o.message_id = %(message_id)s and o.case_id = %(case_id)s;
