-- How what people have to be told gets to them: claimed, sent, settled; again and again until it has arrived.

-- name: tend
-- What need not be sent any more, or can't be; and what has been tried for too long.
update alert_sends d
set state = case when gone.why = 'gave_up' then 'failed' else 'withdrawn' end, settled_at = now(),
    error = case when gone.why = 'gave_up' then coalesce(d.error, 'never_tried') else gone.why end
from (
    select p.id, case
        when p.account_id is not null and (t.address is null or t.disabled_at is not null) then 'no_address'
        when p.account_id is not null and not %(mail)s then 'no_mail_server'
        when p.endpoint_id is not null and e.disabled_at is not null then 'endpoint_disabled'
        when a.kind in ('waiting', 'warned', 'moved_on')
            and not exists (select from escalations s where s.id = a.subject_id and s.status = 'open') then 'decided'
        when p.since < now() - %(give_up)s::interval then 'gave_up'
    end as why
    from alert_sends p
    join alerts a on a.id = p.alert_id
    left join staff_accounts t on t.id = p.account_id
    left join alert_endpoints e on e.id = p.endpoint_id
    where p.state in ('pending', 'sending') and p.due_at <= now()
    for update of p skip locked
) gone
where d.id = gone.id and gone.why is not null
returning d.state;

-- name: lanes
-- To whom something is due; the most urgent first.
select d.account_id, d.endpoint_id, t.name, t.address, e.name as endpoint, e.url, e.generation,
    coalesce(e.old_until > now(), false) as old_signs
from alert_sends d
join alerts a on a.id = d.alert_id
left join staff_accounts t on t.id = d.account_id
left join alert_endpoints e on e.id = d.endpoint_id
where d.state in ('pending', 'sending') and d.due_at <= now()
group by d.account_id, d.endpoint_id, t.id, e.id
order by min(a.severity), min(d.due_at);

-- name: claim
with due as (
    select d.id from alert_sends d join alerts a on a.id = d.alert_id
    where d.state in ('pending', 'sending') and d.due_at <= now()
        and (d.account_id = %(account_id)s or d.endpoint_id = %(endpoint_id)s)
    order by a.severity, d.due_at, d.id
    limit %(limit)s
    for update of d skip locked
), claimed as (
    update alert_sends d set state = 'sending', attempts = d.attempts + 1, due_at = now() + %(hold)s
    from due where d.id = due.id
    returning d.id, d.alert_id, d.attempts
)
select c.id, c.attempts, a.id as alert_id, a.kind, a.subject_id, a.case_id, a.severity, a.channel, a.due_at,
    a.created_at
from claimed c join alerts a on a.id = c.alert_id
order by a.severity, a.due_at, a.id;

-- name: settle
update alert_sends set state = %(state)s, error = %(error)s, settled_at = now()
where id = any(%(ids)s) and state = 'sending';

-- name: put_off
update alert_sends set state = 'pending', error = %(error)s, due_at = now() + %(delay)s
where id = any(%(ids)s) and state = 'sending';

-- name: retry
update alert_sends set state = 'pending', due_at = now(), since = now(), settled_at = null
where id = %(id)s and state in ('failed', 'pending')
returning id;

-- name: state_of
select state from alert_sends where id = %(id)s;

-- name: begins
select id from alert_sends where id between %(first_id)s and %(last_id)s order by id limit 2;
