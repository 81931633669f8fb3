-- What people have to be told of, found in the state of the database; told once, however often it is found.

-- name: steps
-- The furthest step that an open escalation has come to, if it was not noted. Whoever looks for the first time at what has
-- been late for long tells that it is late, not each step on the way there.
select step.kind, s.id as subject_id, s.due_at as mark, s.case_id, s.severity, v.channel, s.due_at,
    case when s.claimed_until > now() then s.claimed_by end as claimed_by
from escalations s
join cases c on c.id = s.case_id
join conversations v on v.id = c.conversation_id
cross join lateral (
    select kind from (values
        ('unheeded', s.due_at + (s.due_at - s.created_at)),
        ('late', s.due_at),
        ('warned', s.created_at + (s.due_at - s.created_at) * %(warn_share)s),
        ('waiting', s.created_at)
    ) as steps (kind, at)
    where at <= now() order by at desc limit 1
) step
where s.status = 'open' and (step.kind <> 'waiting' or s.severity = any(%(at_once)s)) and not exists (
    select from alerts a where a.subject_id = s.id and a.kind = step.kind and a.mark = s.due_at
)
order by s.due_at, s.id
limit %(limit)s;

-- name: troubles
-- What no clock of a severity runs for: customers who wait for whoever owns their case, messages given up, and texts that
-- a person has to see to.
select 'customer_waits' as kind, c.id as subject_id, w.since as mark, c.id as case_id, null as severity, v.channel,
    w.since + %(owned)s::interval as due_at, c.owner_name as claimed_by
from cases c
join conversations v on v.id = c.conversation_id
cross join lateral (
    select min(m.received_at) as since from messages m where m.case_id = c.id and m.state = 'human'
) w
where c.owner = 'human' and c.status = 'open' and w.since < now() - %(owned)s::interval
    and w.since > now() - interval '7 days' and not exists (
        select from alerts a where a.subject_id = c.id and a.kind = 'customer_waits' and a.mark = w.since
    )
union all
select 'dead_letter', d.id, d.created_at, d.case_id, null, v.channel, null, null
from dead_letters d
join cases c on c.id = d.case_id
join conversations v on v.id = c.conversation_id
where d.resolved_at is null and d.created_at > now() - interval '7 days' and not exists (
    select from alerts a where a.subject_id = d.id and a.kind = 'dead_letter' and a.mark = d.created_at
)
union all
select 'send_troubled', o.id, coalesce(o.settled_at, o.created_at), o.case_id, null, o.channel, null, null
from outbox o
where o.state in ('failed', 'unknown') and o.settled_by is null and o.created_at > now() - interval '7 days'
    and (o.state = 'failed' or o.reconcile_at is null) and not exists (
        select from alerts a where a.subject_id = o.id and a.kind = 'send_troubled'
            and a.mark = coalesce(o.settled_at, o.created_at)
    )
union all
select 'webhook_gone', e.id, e.disabled_at, null, null, null, null, null
from alert_endpoints e
where e.disabled_for = 'gone' and not exists (
    select from alerts a where a.subject_id = e.id and a.kind = 'webhook_gone' and a.mark = e.disabled_at
)
union all
select 'status_due', r.incident_id, r.raised_at, null, i.severity, null, r.due_at, null
from status_reminders r
join status_incidents i on i.id = r.incident_id
where r.raised_at > now() - interval '7 days' and i.dismissed_at is null and not exists (
    select from alerts a where a.subject_id = r.incident_id and a.kind = 'status_due' and a.mark = r.raised_at
)
limit %(limit)s;

-- name: note
with new as (
    insert into alerts (id, kind, subject_id, mark, case_id, severity, channel, due_at)
    select id, kind, subject_id, mark, case_id, severity, channel, due_at
    from jsonb_to_recordset(%(alerts)s) as given (
        id uuid, kind text, subject_id uuid, mark timestamptz, case_id uuid, severity text, channel text,
        due_at timestamptz
    )
    on conflict (subject_id, kind, mark) do nothing
    returning id
), told as (
    insert into alert_sends (id, alert_id, account_id, endpoint_id)
    select given.id, given.alert_id, given.account_id, given.endpoint_id
    from jsonb_to_recordset(%(sends)s) as given (id uuid, alert_id uuid, account_id uuid, endpoint_id uuid)
    join new on new.id = given.alert_id
)
select id from new;

-- name: reachable
-- Who of the staff has an address. There are few.
select id, name, role from staff_accounts where address is not null and disabled_at is null order by name;

-- name: open_endpoints
select id from alert_endpoints where disabled_at is null order by id;

-- name: move_on
-- Claims that nothing comes of: lapsed, or on what is late and not touched for a while. hold is how long a claim lasts that
-- was just touched, so it says when that was.
with idle as (
    select s.id, s.claimed_by, s.claimed_until from escalations s
    where s.status = 'open' and s.claimed_by is not null and (
        s.claimed_until < now() or (s.due_at < now() and s.claimed_until - %(hold)s::interval < now() - %(idle)s::interval)
    )
    order by s.id
    limit %(limit)s
    for update skip locked
), freed as (
    update escalations s
    set claimed_by = null, claimed_until = null, moved_on_from = idle.claimed_by, moved_on_at = now()
    from idle where s.id = idle.id
    returning s.id, s.case_id, s.severity, s.due_at, idle.claimed_by, idle.claimed_until
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select gen_random_uuid(), 'escalation.moved_on', case_id, 'scheduler', jsonb_build_object(
        'escalation_id', id, 'from', claimed_by, 'late', due_at < now()
    )
    from freed
)
select 'moved_on' as kind, f.id as subject_id, f.claimed_until as mark, f.case_id, f.severity, v.channel, f.due_at,
    null as claimed_by
from freed f
join cases c on c.id = f.case_id
join conversations v on v.id = c.conversation_id
order by f.due_at;

-- name: forget
-- Once nobody waits for what it was about; an open escalation that is older would be told of again.
delete from alerts a
where a.id = any(array(
    select o.id from alerts o
    where o.created_at < now() - %(keep)s::interval and o.id < %(bound_id)s
        and not exists (select from escalations s where s.id = o.subject_id and s.status = 'open')
        and not exists (select from dead_letters d where d.id = o.subject_id and d.resolved_at is null)
        and not exists (select from alert_endpoints e where e.id = o.subject_id)
    order by o.id
    limit %(limit)s
));

-- name: listed
-- What failed is found by an index of its own: it may be old, and there is little of it.
with chosen as (
    (select a.id from alerts a where not %(failed_only)s and a.id < %(before_id)s order by a.id desc limit %(limit)s)
    union all
    (select distinct d.alert_id from alert_sends d
        where %(failed_only)s and d.state = 'failed' and d.alert_id < %(before_id)s
        order by d.alert_id desc limit %(limit)s)
)
select a.id, a.kind, a.subject_id, a.case_id, a.severity, a.channel, a.due_at, a.created_at, coalesce((
    select jsonb_agg(jsonb_build_object(
        'id', d.id, 'medium', case when d.account_id is null then 'webhook' else 'email' end,
        'to', coalesce(t.name, e.name), 'state', d.state, 'attempts', d.attempts, 'error', d.error,
        'next_at', case when d.state in ('pending', 'sending') then d.due_at end, 'settled_at', d.settled_at
    ) order by d.id)
    from alert_sends d
    left join staff_accounts t on t.id = d.account_id
    left join alert_endpoints e on e.id = d.endpoint_id
    where d.alert_id = a.id
), '[]') as sends
from chosen join alerts a on a.id = chosen.id
order by a.id desc;

-- name: state
select
    (select count(*) from alert_sends where state in ('pending', 'sending')) as waiting,
    (select coalesce(extract(epoch from now() - min(since)), 0)::float8 from alert_sends
        where state in ('pending', 'sending')) as oldest_seconds,
    (select count(*) from alert_sends where state = 'failed' and settled_at > now() - interval '7 days') as failed,
    (select count(*) from alerts a where a.id > %(recent)s and a.kind <> 'test'
        and not exists (select from alert_sends d where d.alert_id = a.id)) as untold,
    (select count(*) from staff_accounts where address is not null and disabled_at is null) as addresses,
    (select count(*) from alert_endpoints where disabled_at is null) as endpoints,
    (select count(*) from alert_endpoints where disabled_for = 'gone') as gone;

-- name: sends_of
select count(*) as sends from alert_sends d join alerts a on a.id = d.alert_id where a.subject_id = %(subject_id)s;
