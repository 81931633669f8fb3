-- Who does not want to be written to, by address.

-- name: note
-- No row comes back when nothing changes.
update identities set opted_out_at = case when %(stop)s then now() end
where channel = %(channel)s and address_index = any(%(address_indexes)s) and verified_at is not null
    and (opted_out_at is null) = %(stop)s
returning id;

-- name: opted_out
select from identities
where channel = %(channel)s and address_index = %(address_index)s and verified_at is not null
    and opted_out_at is not null;

-- name: log
insert into events (id, kind, case_id, actor, data)
values (%(event_id)s, %(kind)s, %(case_id)s, 'customer', jsonb_build_object('channel', %(channel)s::text));
