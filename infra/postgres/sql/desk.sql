-- The review page among colleagues: who is looking, whose it is, and what was before.

-- name: look
-- Somebody has the case open, and is told who else has, and in which state the case is.
with me as (
    insert into onlookers (name, case_id) select %(name)s, id from cases where id = %(case_id)s
    on conflict (name, case_id) do update set seen_at = now()
), gone as (
    delete from onlookers where name = %(name)s and case_id <> %(case_id)s and seen_at < now() - interval '1 minute'
)
select c.state, array(
        select o.name from onlookers o
        where o.case_id = c.case_id and o.name <> %(name)s and o.seen_at > now() - %(fresh)s::interval
        order by o.name limit 20
    ) as others
from case_states c
where c.case_id = %(case_id)s;

-- name: leave
delete from onlookers where name = %(name)s and case_id = %(case_id)s;

-- name: assign_escalation
-- Only from whom whoever does it saw it with.
with given as (
    update escalations set claimed_by = %(to)s, claimed_until = now() + %(hold)s
    where id = %(id)s and status = 'open'
        and (case when claimed_until > now() then claimed_by end) is not distinct from %(seen)s::text
    returning case_id
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'escalation.assigned', case_id, %(by)s, jsonb_build_object('to', %(to)s::text) from given
returning case_id;

-- name: holder_of_escalation
select status, case when claimed_until > now() then claimed_by end as holder from escalations where id = %(id)s;

-- name: assign_case
with given as (
    update cases set owner_name = %(to)s, owner_version = owner_version + 1
    where id = %(id)s and status = 'open' and owner = 'human' and owner_name is not distinct from %(seen)s::text
    returning id
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'case.assigned', id, %(by)s, jsonb_build_object('to', %(to)s::text) from given
returning case_id;

-- name: holder_of_case
select case when status = 'open' and owner = 'human' then 'open' else 'closed' end as status, owner_name as holder
from cases where id = %(id)s;

-- name: earlier_cases
-- The customer's other matters, on whichever channel, newest first.
select o.id, v.channel, o.status, o.opened_at, o.resolved_at, o.resolution,
    (select t.topic from turns t where t.case_id = o.id and t.topic is not null order by t.last_sequence limit 1) as topic
from cases c
join cases o on o.customer_id = c.customer_id and o.id <> c.id
join conversations v on v.id = o.conversation_id
where c.id = %(case_id)s
order by o.opened_at desc
limit %(limit)s;

-- name: moods
select t.finished_at as at, t.polarity from turns t
where t.case_id = %(case_id)s and t.polarity is not null
order by t.last_sequence desc
limit %(limit)s;

-- name: decisions
-- Who decided what before, with the proposal that they had before them.
select d.id, d.action, d.reviewer, d.created_at, d.text_sealed, d.reason_sealed,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    s.id as escalation_id, s.request_sealed, sk.id as asked_key_id, sk.customer_id as asked_customer_id,
    sk.wrapped as asked_wrapped, sk.master_key_id as asked_master_key_id
from escalations s
join decisions d on d.escalation_id = s.id
join customer_keys k on k.id = d.key_id
join customer_keys sk on sk.id = s.key_id
where s.case_id = %(case_id)s
order by d.created_at desc
limit %(limit)s;
