-- Programs that are told.

-- name: add
insert into alert_endpoints (id, name, url, added_by) values (%(id)s, %(name)s, %(url)s, %(by)s)
on conflict do nothing
returning id;

-- name: list
select e.id, e.name, e.url, e.generation, e.old_until, e.added_by, e.created_at, e.disabled_at, e.disabled_for,
    (select max(d.settled_at) from alert_sends d where d.endpoint_id = e.id and d.state = 'sent') as sent_at,
    (select count(*) from alert_sends d
        where d.endpoint_id = e.id and d.state in ('pending', 'sending') and d.attempts > 0) as failing
from alert_endpoints e
order by e.name;

-- name: rotate
update alert_endpoints set generation = generation + 1, old_until = now() + %(overlap)s
where name = %(name)s
returning id, generation;

-- name: secret_of
select id, generation from alert_endpoints where name = %(name)s;

-- name: enable
update alert_endpoints set disabled_at = null, disabled_for = null where name = %(name)s returning id;

-- name: disable
update alert_endpoints set disabled_at = now(), disabled_for = %(reason)s
where name = %(name)s and (disabled_at is null or disabled_for is distinct from %(reason)s)
returning id;

-- name: remove
delete from alert_endpoints where name = %(name)s returning id;

-- name: log
insert into events (id, kind, actor, data) values (%(event_id)s, %(kind)s, %(actor)s, %(data)s);
