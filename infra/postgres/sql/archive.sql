-- What retention takes out of the database: rows as lines of JSON, in the order in which they can be put back.
-- Sealed columns are copied as they are; the keys stay in customer_keys, so that destroying one erases archives too.

-- name: migration
select max(number) as number from migrations;

-- name: columns
select column_name as name from information_schema.columns
where table_schema = current_schema() and table_name = %(table)s order by ordinal_position;

-- name: settled_cases
-- Resolved long enough ago, with nothing to do, to send or to find out. Who comes second passes over them.
select c.id, c.resolved_at from cases c
where c.status = 'resolved' and c.resolved_at < %(before)s
    and not exists (
        select from case_work w where w.case_id = c.id
            and (w.paused or w.due_at is not null or w.leased_until >= now())
    )
    and not exists (
        select from outbox o where o.conversation_id = c.conversation_id and o.case_id = c.id
            and o.state in ('pending', 'sending', 'unknown')
    )
order by c.resolved_at
limit %(limit)s
for update of c skip locked;

-- name: count_cases
select count(*) as cases, min(resolved_at) as first, max(resolved_at) as last
from cases where status = 'resolved' and resolved_at < %(before)s;

-- name: cases
select json_build_object('table', 'cases', 'row', row_to_json(r))::text as line
from cases r where r.id = any(%(cases)s);

-- name: case_work
select json_build_object('table', 'case_work', 'row', row_to_json(r))::text as line
from case_work r where r.case_id = any(%(cases)s);

-- name: messages
select json_build_object('table', 'messages', 'row', row_to_json(r))::text as line
from messages r where r.case_id = any(%(cases)s);

-- name: message_files
select json_build_object('table', 'message_files', 'row', row_to_json(r))::text as line
from message_files r
where r.message_id = any(array(select id from messages where case_id = any(%(cases)s)))
    or r.decision_id = any(array(
        select id from decisions
        where escalation_id = any(array(select id from escalations where case_id = any(%(cases)s)))
    ));

-- name: turns
select json_build_object('table', 'turns', 'row', row_to_json(r))::text as line
from turns r where r.case_id = any(%(cases)s);

-- name: outbox
select json_build_object('table', 'outbox', 'row', row_to_json(r))::text as line
from outbox r where r.message_id = any(array(select id from messages where case_id = any(%(cases)s)));

-- name: delivery_reports
select json_build_object('table', 'delivery_reports', 'row', row_to_json(r))::text as line
from delivery_reports r where r.outbox_id = any(array(
    select o.id from outbox o where o.message_id = any(array(select id from messages where case_id = any(%(cases)s)))
));

-- name: awaited_files
select json_build_object('table', 'awaited_files', 'row', row_to_json(r))::text as line
from awaited_files r where r.message_id = any(array(select id from messages where case_id = any(%(cases)s)));

-- name: escalations
select json_build_object('table', 'escalations', 'row', row_to_json(r))::text as line
from escalations r where r.case_id = any(%(cases)s);

-- name: decisions
select json_build_object('table', 'decisions', 'row', row_to_json(r))::text as line
from decisions r where r.escalation_id = any(array(select id from escalations where case_id = any(%(cases)s)));

-- name: dead_letters
select json_build_object('table', 'dead_letters', 'row', row_to_json(r))::text as line
from dead_letters r where r.case_id = any(%(cases)s);

-- name: gap_turns
select json_build_object('table', 'gap_turns', 'row', row_to_json(r))::text as line
from gap_turns r where r.turn_id = any(array(select id from turns where case_id = any(%(cases)s)));

-- name: delete_gap_turns
delete from gap_turns where turn_id = any(array(select id from turns where case_id = any(%(cases)s)));

-- name: surveys
select json_build_object('table', 'surveys', 'row', row_to_json(r))::text as line
from surveys r where r.case_id = any(%(cases)s);

-- name: delete_surveys
delete from surveys where case_id = any(%(cases)s);

-- name: internal_notes
select json_build_object('table', 'internal_notes', 'row', row_to_json(r))::text as line
from internal_notes r where r.case_id = any(%(cases)s);

-- name: delete_internal_notes
delete from internal_notes where case_id = any(%(cases)s);

-- name: model_spend_of_cases
select json_build_object('table', 'model_spend_of_cases', 'row', row_to_json(r))::text as line
from model_spend_of_cases r where r.case_id = any(%(cases)s);

-- name: delete_model_spend_of_cases
delete from model_spend_of_cases where case_id = any(%(cases)s);

-- name: delete_decisions
delete from decisions where escalation_id = any(array(select id from escalations where case_id = any(%(cases)s)));

-- name: delete_escalations
delete from escalations where case_id = any(%(cases)s);

-- name: delete_dead_letters
delete from dead_letters where case_id = any(%(cases)s);

-- name: delete_delivery_reports
delete from delivery_reports where outbox_id = any(array(
    select o.id from outbox o where o.message_id = any(array(select id from messages where case_id = any(%(cases)s)))
));

-- name: delete_awaited_files
delete from awaited_files where message_id = any(array(select id from messages where case_id = any(%(cases)s)));

-- name: delete_outbox
delete from outbox where message_id = any(array(select id from messages where case_id = any(%(cases)s)));

-- name: delete_turns
delete from turns where case_id = any(%(cases)s);

-- name: delete_message_files
delete from message_files
where message_id = any(array(select id from messages where case_id = any(%(cases)s)))
    or decision_id = any(array(
        select id from decisions
        where escalation_id = any(array(select id from escalations where case_id = any(%(cases)s)))
    ));

-- name: delete_messages
delete from messages where case_id = any(%(cases)s);

-- name: delete_case_work
delete from case_work where case_id = any(%(cases)s);

-- name: delete_cases
delete from cases where id = any(%(cases)s);

-- name: delete_threads
-- Working state of LangGraph's, which nobody resumes any more: not archived.
with ids as (
    select id::text as thread_id from unnest(%(cases)s::uuid[]) id
), writes as (
    delete from checkpoint_writes d using ids where d.thread_id = ids.thread_id
), blobs as (
    delete from checkpoint_blobs d using ids where d.thread_id = ids.thread_id
)
delete from checkpoints d using ids where d.thread_id = ids.thread_id;

-- name: log_cases
-- So that whoever looks for a case finds the file that it is in.
insert into events (id, kind, case_id, actor, data)
select gen_random_uuid(), 'case.archived', id, %(actor)s, jsonb_build_object('file', %(file)s::text)
from unnest(%(cases)s::uuid[]) id;

-- name: partitions
select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'events'::regclass and c.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
order by c.relname;

-- name: log_events
insert into events (id, kind, actor, data)
values (gen_random_uuid(), %(kind)s, %(actor)s, %(data)s);
