-- How often the public form brought the same text, or named the same address: keyed hashes, an hour each.

-- name: count_arrivals
insert into form_arrivals as a (digest, since, count)
select digest, now(), 1 from unnest(%(digests)s::bytea[]) digest
on conflict (digest) do update set
    count = case when a.since < now() - interval '1 hour' then 1 else a.count + 1 end,
    since = case when a.since < now() - interval '1 hour' then now() else a.since end
returning digest, count;

-- name: forget_arrivals
delete from form_arrivals where since < now() - interval '1 hour';
