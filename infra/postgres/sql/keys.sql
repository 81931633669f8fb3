-- name: remember
insert into key_fingerprints (name, fingerprint)
select * from unnest(%(names)s::text[], %(fingerprints)s::bytea[])
on conflict (name) do nothing;

-- name: strangers
-- Names that stand for another key here than in the settings.
select k.name from key_fingerprints k
join unnest(%(names)s::text[], %(fingerprints)s::bytea[]) as given (name, fingerprint) on given.name = k.name
where k.fingerprint <> given.fingerprint
order by k.name;
