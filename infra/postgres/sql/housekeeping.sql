-- name: lock
select pg_try_advisory_xact_lock(7041777) as mine;

-- name: make_partitions
select make_event_partitions(3) as made;

-- name: forget_model_replies
-- Kept for a turn in progress only; a turn that was superseded or buried leaves some.
delete from model_replies r where created_at < now() - interval '1 day'
    and not exists (select from case_work w where w.turn_id = r.turn_id and w.due_at is not null);

-- name: log_late
-- Once an escalation: it is past its deadline and nobody has decided.
insert into events (id, kind, case_id, actor, data)
select gen_random_uuid(), 'escalation.late', s.case_id, 'scheduler',
    jsonb_build_object('escalation_id', s.id, 'severity', s.severity)
from escalations s
where s.status = 'open' and s.due_at < now() and not exists (
    select from events e where e.case_id = s.case_id and e.kind = 'escalation.late'
        and e.data ->> 'escalation_id' = s.id::text
);
