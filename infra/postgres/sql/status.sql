-- How components stand and stood, and the snapshot that the public reads.

-- name: component
-- Locked: two schedulers that check at once count one after the other.
select id, state, since, run, run_worse, run_since, troubled_since, reason, checked_at, override
from status_components where id = %(component)s for update;

-- name: add_component
insert into status_components (id, state, since, checked_at)
values (%(component)s, 'unknown', %(now)s, %(now)s - interval '1 day')
on conflict (id) do nothing;

-- name: keep_component
update status_components set state = %(state)s, since = %(since)s, run = %(run)s, run_worse = %(run_worse)s,
    run_since = %(run_since)s, troubled_since = %(troubled_since)s, reason = %(reason)s, checked_at = %(now)s
where id = %(component)s;

-- name: last_interval
select id, state, began_at, seen_at from status_intervals where component = %(component)s
order by seen_at desc, began_at desc limit 1;

-- name: add_interval
insert into status_intervals (id, component, state, began_at, seen_at)
values (%(id)s, %(component)s, %(state)s, %(began_at)s, %(now)s);

-- name: see_interval
update status_intervals set seen_at = %(seen_at)s where id = %(id)s;

-- name: drop_interval
delete from status_intervals where id = %(id)s;

-- name: forget_intervals
delete from status_intervals where seen_at < now() - interval '100 days';

-- name: components
select id, state, since, troubled_since, reason, checked_at, override, override_by, override_at
from status_components where id = any(%(components)s);

-- name: intervals
select component, state, began_at, seen_at from status_intervals
where component = any(%(components)s) and seen_at > %(since)s;

-- name: override
update status_components set override = %(state)s, override_by = %(by)s,
    override_at = case when %(state)s::text is not null then now() end
where id = %(component)s
returning id;

-- name: publish
insert into status_snapshots (made_at, snapshot) values (%(made_at)s, %(snapshot)s)
on conflict (singleton) do update set made_at = excluded.made_at, snapshot = excluded.snapshot
where status_snapshots.made_at < excluded.made_at;

-- name: published
select snapshot from status_snapshots;

-- name: log
insert into events (id, kind, actor, data) values (%(event_id)s, %(kind)s, %(actor)s, %(data)s);
