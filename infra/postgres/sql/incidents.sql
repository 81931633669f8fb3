-- Incidents, maintenance and reminders.

-- name: open
insert into status_incidents (id, title, severity, impact, components, started_at, opened_by)
values (%(id)s, %(title)s, %(severity)s, %(impact)s, %(components)s, %(started_at)s, %(by)s);

-- name: lock
select id, title, severity, impact, components, started_at, ended_at, published_at, dismissed_at, opened_by,
    report, report_url, reported_at
from status_incidents where id = %(id)s for update;

-- name: change
update status_incidents set title = %(title)s, severity = %(severity)s, impact = %(impact)s,
    components = %(components)s, started_at = %(started_at)s
where id = %(id)s;

-- name: add_update
insert into status_updates (id, incident_id, phase, body, author, at)
values (%(id)s, %(incident_id)s, %(phase)s, %(body)s, %(by)s, %(now)s);

-- name: announce
update status_incidents set published_at = coalesce(published_at, %(now)s),
    ended_at = case when %(phase)s = 'resolved' then coalesce(ended_at, greatest(%(now)s, started_at)) end
where id = %(id)s;

-- name: dismiss
update status_incidents set dismissed_at = %(now)s where id = %(id)s;

-- name: report
update status_incidents set report = %(report)s, report_url = %(report_url)s, reported_at = now() where id = %(id)s;

-- name: covered
-- Whether a component's trouble is an incident's already: one that is open, or was dismissed since the trouble began.
select from status_incidents
where %(component)s = any(components) and (
    (ended_at is null and dismissed_at is null) or coalesce(dismissed_at, ended_at) >= %(since)s
) and started_at > %(oldest)s
limit 1;

-- name: end_drafts
-- What checks opened and nobody announced is over when all its components are well again.
update status_incidents i set ended_at = greatest(%(now)s, i.started_at)
where i.ended_at is null and i.dismissed_at is null and i.published_at is null and i.opened_by = 'checks'
    and not exists (
        select from status_components c where c.id = any(i.components) and c.state <> 'operational'
    )
returning id;

-- name: listed
-- The latest, drafts too. Open ones first.
select id, title, severity, impact, components, started_at, ended_at, published_at, dismissed_at, opened_by,
    report, report_url, reported_at
from status_incidents
where dismissed_at is null and (ended_at is null or started_at > %(since)s)
order by ended_at is not null, started_at desc, id
limit %(limit)s;

-- name: one
select id, title, severity, impact, components, started_at, ended_at, published_at, dismissed_at, opened_by,
    report, report_url, reported_at
from status_incidents where id = %(id)s;

-- name: updates
select id, incident_id, phase, body, author, at from status_updates
where incident_id = any(%(ids)s) order by at desc, id desc;

-- name: plan
insert into status_maintenance (id, title, body, components, starts_at, ends_at, author)
values (%(id)s, %(title)s, %(body)s, %(components)s, %(starts_at)s, %(ends_at)s, %(by)s);

-- name: lock_maintenance
select id, title, body, components, starts_at, ends_at, announced_at, cancelled_at
from status_maintenance where id = %(id)s for update;

-- name: move_maintenance
update status_maintenance set ends_at = %(ends_at)s, cancelled_at = %(cancelled_at)s where id = %(id)s;

-- name: maintenance
select id, title, body, components, starts_at, ends_at, announced_at, cancelled_at from status_maintenance
where ends_at > %(since)s
order by starts_at desc, id
limit %(limit)s;

-- name: timed
-- What a timer may run for: few, for what is done has a notice and a report.
select id, title, severity, started_at, ended_at, published_at, reported_at, dismissed_at, opened_by
from status_incidents
where dismissed_at is null and severity in ('P1', 'P2') and (published_at is null or reported_at is null)
    and started_at > %(oldest)s
union all
select id, title, severity, started_at, ended_at, published_at, reported_at, dismissed_at, opened_by
from status_incidents
where ended_at is null and dismissed_at is null and opened_by = 'checks' and severity not in ('P1', 'P2');

-- name: remind
insert into status_reminders (id, incident_id, kind, due_at)
values (%(id)s, %(incident_id)s, %(kind)s, %(due_at)s)
on conflict (incident_id, kind) do nothing
returning id;

-- name: log
insert into events (id, kind, actor, data) values (%(event_id)s, %(kind)s, %(actor)s, %(data)s);
