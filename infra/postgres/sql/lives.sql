-- How cases end and begin again. Every block that changes a case runs under its lock, taken by a statement before.

-- name: resolve
-- The case is over, unless something waits in it; and in the same statement its survey is made, if there is to be one:
-- not where only notes went out, where work was given up, where a machine seems to answer, or so soon after another.
with resolved as (
    update cases c set
        status = 'resolved', resolved_at = now(), resolved_by = %(by)s, resolved_by_name = %(name)s,
        resolution = %(certainty)s
    where c.id = %(case_id)s and c.status = 'open' and c.owner = 'agent' and not exists (
        select from messages m where m.case_id = c.id and m.state in ('waiting', 'human')
    )
    returning c.id, c.conversation_id, c.customer_id, c.resolution_number
), survey as (
    insert into surveys (id, case_id, resolution_number, conversation_id, channel, answered_by, due_at)
    select %(survey_id)s, r.id, r.resolution_number, r.conversation_id, v.channel, answered.by,
        now() + %(survey_delay)s
    from resolved r
    join conversations v on v.id = r.conversation_id
    cross join lateral (
        select case when bool_and(m.author = 'agent') then 'agent' when bool_and(m.author = 'human') then 'person'
            else 'both' end as by, count(*) as texts
        from messages m join outbox o on o.message_id = m.id
        where m.case_id = r.id and m.author in ('agent', 'human') and o.kind = 'reply' and o.state <> 'failed'
    ) answered
    where v.channel = any(%(survey_channels)s) and answered.texts > 0
        and not exists (select from dead_letters d where d.case_id = r.id)
        and not exists (select from turns t where t.case_id = r.id and t.rules && '{loop,same_text}'::text[])
        and not exists (
            select from cases k join surveys s on s.case_id = k.id
            where k.customer_id = r.customer_id and s.withdrawn is null and s.created_at > now() - %(survey_apart)s
        )
    on conflict (case_id, resolution_number) do nothing
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select %(event_id)s, 'case.resolved', r.id, %(actor)s, jsonb_build_object(
        'by', %(by)s::text, 'certainty', %(certainty)s::text, 'resolution', r.resolution_number
    )
    from resolved r
)
select id from resolved;

-- name: reopen
-- No row comes back for a case that is open. A survey of the end that was none is not asked any more.
with reopened as (
    update cases c set
        status = 'open', resolved_at = null, resolved_by = null, resolved_by_name = null, resolution = null,
        resolution_number = c.resolution_number + 1, reopened_at = now()
    where c.id = %(case_id)s and c.status = 'resolved'
    returning c.id, c.resolution_number
), looked_at as (
    update case_work w set look_at = now() from reopened r where w.case_id = r.id
), withdrawn as (
    update surveys s set withdrawn = 'reopened' from reopened r
    where s.case_id = r.id and s.resolution_number = r.resolution_number - 1 and s.rating is null
        and s.withdrawn is null
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select %(event_id)s, 'case.reopened', r.id, %(actor)s, jsonb_build_object('resolution', r.resolution_number)
    from reopened r
)
select id from reopened;

-- name: newest_resolved
-- The case in which a talk goes on when the customer writes again: the newest one, if it ended lately enough.
select c.id from cases c
where c.conversation_id = %(conversation_id)s and c.status = 'resolved' and c.resolved_at > now() - %(window)s
order by c.resolved_at desc
limit 1;

-- name: facts
-- What is to be known of a case before something is done in it without a turn; read once it is locked.
select
    c.id, c.status, c.owner, c.next_sequence, c.conversation_id, c.resolution_number, c.language, c.reopened_at,
    v.channel, u.language as own_language, w.paused, w.look_at, i.opted_out_at is not null as opted_out,
    w.due_at is not null or coalesce(w.leased_until > now(), false) as working,
    exists (select from messages m where m.case_id = c.id and m.state in ('waiting', 'human')) as waiting,
    exists (
        select from outbox o where o.conversation_id = c.conversation_id and o.state in ('pending', 'sending', 'unknown')
    ) as sending,
    newest.author, newest.at, newest.kind, newest.sourced, newest.lost,
    (select max(coalesce(m.provider_time, m.received_at)) from messages m
        where m.case_id = c.id and m.direction = 'in') as heard_at,
    now() as now,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from cases c
join case_work w on w.case_id = c.id
join conversations v on v.id = c.conversation_id
join identities i on i.id = v.identity_id
join customers u on u.id = c.customer_id
join customer_keys k on k.id = u.key_id
cross join lateral (
    select m.author, coalesce(m.delivered_at, m.received_at) as at, o.kind,
        coalesce(t.outcome = 'answered' and t.cited <> '{}', false) as sourced,
        coalesce(o.state = 'failed' and o.settled_by is null, false) as lost
    from messages m
    left join outbox o on o.message_id = m.id
    left join turns t on t.id = m.turn_id and m.direction = 'out'
    where m.case_id = c.id
    order by m.sequence desc
    limit 1
) newest
where c.id = %(case_id)s;

-- name: to_look_at
select case_id from case_work where look_at <= now() order by look_at limit %(limit)s;

-- name: look_again
update case_work set look_at = %(look_at)s where case_id = %(case_id)s;

-- name: look_in
update case_work set look_at = now() + %(delay)s where case_id = %(case_id)s;

-- name: open_or_newest
-- The case of a talk that a page shows: the open one, else the one that was resolved last.
select coalesce(opened.id, ended.id) as id
from conversations v
left join cases opened on opened.conversation_id = v.id and opened.status = 'open'
left join lateral (
    select c.id from cases c where c.conversation_id = v.id and c.status = 'resolved' order by c.resolved_at desc limit 1
) ended on true
where v.channel = any(%(channels)s) and v.thread_index = any(%(indexes)s) and coalesce(opened.id, ended.id) is not null
limit 1;
