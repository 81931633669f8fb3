-- Who gets notices of the status page by mail, and the outbox of these mails.

-- name: lock
-- Asks for one address, one after the other.
select pg_advisory_xact_lock(7041778, hashtext(encode(%(address_index)s, 'hex')));

-- name: waiting
select count(*) as waiting from status_subscribers where confirmed_at is null and asked_at > now() - interval '1 hour';

-- name: find
select id, confirmed_at, asked_at > now() - interval '10 minutes' as just_asked from status_subscribers
where address_index = %(address_index)s;

-- name: add_key
insert into customer_keys (id, customer_id, wrapped, master_key_id)
values (%(key_id)s, %(subscriber_id)s, %(wrapped)s, %(master_key_id)s);

-- name: add
insert into status_subscribers (id, key_id, address_sealed, address_index)
values (%(subscriber_id)s, %(key_id)s, %(address_sealed)s, %(address_index)s);

-- name: ask_again
update status_subscribers set asked_at = now() where id = %(subscriber_id)s;

-- name: ask
insert into status_notices (id, subscriber_id, kind, about) values (%(id)s, %(subscriber_id)s, 'confirm', %(id)s);

-- name: confirm
update status_subscribers set confirmed_at = coalesce(confirmed_at, %(now)s) where id = %(subscriber_id)s returning id;

-- name: known
select confirmed_at from status_subscribers where id = %(subscriber_id)s;

-- name: end
-- With the key goes the address, in backups too.
with ended as (
    delete from status_subscribers where id = %(subscriber_id)s returning key_id
)
update customer_keys k set wrapped = null, destroyed_at = now() from ended where k.id = ended.key_id;

-- name: forget
with ended as (
    delete from status_subscribers where confirmed_at is null and asked_at < now() - interval '2 days' returning key_id
)
update customer_keys k set wrapped = null, destroyed_at = now() from ended where k.id = ended.key_id;

-- name: queue
-- What became public in the last hours, for everybody who had confirmed by then; once each.
with news as (
    select 'update' as kind, u.id as about, u.at from status_updates u where u.at > %(since)s
    union all
    select 'report', i.id, i.reported_at from status_incidents i
    where i.reported_at > %(since)s and i.started_at > %(oldest)s
    union all
    select 'maintenance', m.id, m.announced_at from status_maintenance m
    where m.announced_at > %(since)s and m.cancelled_at is null and m.ends_at > %(since)s
)
insert into status_notices (id, subscriber_id, kind, about)
select gen_random_uuid(), s.id, n.kind, n.about
from news n join status_subscribers s on s.confirmed_at <= n.at
on conflict (subscriber_id, kind, about) do nothing;

-- name: lost
-- A sender died over it, and nobody knows whether it went.
update status_notices set state = 'unknown', claimed_until = null where state = 'sending' and claimed_until < now();

-- name: claim
with due as materialized (
    select id from status_notices where state = 'pending' and due_at <= now()
    order by due_at limit %(limit)s for update skip locked
)
update status_notices n set state = 'sending', attempts = n.attempts + 1, claimed_until = now() + interval '5 minutes'
from due, status_subscribers s, customer_keys k
where n.id = due.id and s.id = n.subscriber_id and k.id = s.key_id
returning n.id, n.kind, n.about, n.attempts, s.id as subscriber_id, s.address_sealed,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id;

-- name: texts
select u.id, i.title, u.phase, u.body, null::timestamptz as starts_at, null::timestamptz as ends_at
from status_updates u join status_incidents i on i.id = u.incident_id
where u.id = any(%(ids)s)
union all
select i.id, i.title, 'report', concat_ws(E'\n\n', i.report, i.report_url), null, null
from status_incidents i where i.id = any(%(ids)s)
union all
select m.id, m.title, 'planned work', m.body, m.starts_at, m.ends_at
from status_maintenance m where m.id = any(%(ids)s);

-- name: settle
update status_notices set state = %(state)s, error = %(error)s, claimed_until = null, due_at = now() + %(delay)s
where id = %(id)s and state = 'sending';
