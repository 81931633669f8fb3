-- Tries to sign in that have not succeeded.

-- name: lock_name
select pg_advisory_xact_lock(hashtextextended('staff_tries', ('x' || encode(%(name_index)s, 'hex'))::bit(64)::bigint));

-- name: forget
delete from staff_tries where at < now() - interval '1 day';

-- name: count
select
    (select count(*) from staff_tries where name_index = %(name_index)s and at > now() - %(window)s) as for_name,
    (select count(*) from staff_tries where address_index = %(address_index)s and at > now() - %(window)s)
        as from_address;

-- name: keep
insert into staff_tries (id, name_index, address_index) values (%(id)s, %(name_index)s, %(address_index)s);

-- name: clear
delete from staff_tries where name_index = %(name_index)s;

-- name: held
-- One row for a name or an address and a window, however long somebody goes on.
insert into events (id, kind, actor, data)
select %(event_id)s, 'staff.sign_in_held', 'staff', %(data)s
where not exists (
    select from events
    where kind = 'staff.sign_in_held' and at > now() - %(window)s and data ->> 'mark' = %(data)s ->> 'mark'
);
