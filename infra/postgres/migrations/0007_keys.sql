-- Which keys this database was sealed with, as fingerprints that give nothing away: so that a process with other keys says
-- so at its start, instead of finding nobody and opening nothing.

create table key_fingerprints (
    name text primary key,                      -- index, or master:<name>
    fingerprint bytea not null,
    first_seen_at timestamptz not null default now()
);
