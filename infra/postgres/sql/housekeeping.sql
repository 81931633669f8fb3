-- What the scheduler's small jobs do. Each may run twice, or be broken off anywhere.

-- name: lock
-- For what two at once would do twice. Whoever comes second leaves it to the first.
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
        and e.at >= s.due_at and e.data ->> 'escalation_id' = s.id::text
);

-- name: close_dead_letters
-- A person has resolved the case: nothing is left to do about its dead letters.
update dead_letters d set resolved_at = now(), resolution = 'case_resolved', resolved_by = 'scheduler'
from cases c
where c.id = d.case_id and c.status = 'resolved' and d.resolved_at is null;

-- name: threads
-- Threads that a checkpoint was kept of, in the order of their cases' ids. These begin with the time at which the case was
-- opened (UUID version 7), so whoever was opened too lately to be idle comes behind the bound and is never looked at.
select distinct thread_id from checkpoints
where thread_id > %(behind)s and thread_id < %(bound)s
order by thread_id
limit %(limit)s;

-- name: prune
-- What LangGraph kept of cases that have been idle so long. A fresh turn starts on an empty thread, so it misses nothing; a
-- paused turn would, so what is paused, due, or in somebody's hands is passed over.
with idle as (
    select w.case_id::text as thread_id from case_work w
    where w.case_id = any(%(cases)s)
        and not w.paused and w.due_at is null and (w.leased_until is null or w.leased_until < now())
        and not exists (
            select from turns t where t.case_id = w.case_id and t.finished_at >= now() - %(idle)s
        )
        and not exists (
            select from escalations s where s.case_id = w.case_id and s.status in ('open', 'decided')
        )
    for update of w skip locked
), writes as (
    delete from checkpoint_writes d using idle where d.thread_id = idle.thread_id returning 1
), blobs as (
    delete from checkpoint_blobs d using idle where d.thread_id = idle.thread_id returning 1
), kept as (
    delete from checkpoints d using idle where d.thread_id = idle.thread_id returning 1
)
select (select count(*) from idle) as threads,
    (select count(*) from writes) + (select count(*) from blobs) + (select count(*) from kept) as rows;
