-- Filling a database with a made-up history, in one transaction. Nobody else should use the database meanwhile.

-- name: unhurried
-- The pool's deadlines are for customers' statements.
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
set local synchronous_commit = off;

-- name: count
-- How many customers are not of a made-up history, and how many conversations are.
select
    (select count(*) from customers where substr(id::text, 15, 4) <> '75ee') as strangers,
    (select count(*) from conversations where substr(id::text, 15, 4) = '75ee') as seeded;

-- name: make_partitions
-- The months that the history spans. Where the default partition has rows of a month already, they all go there.
do $$
declare
    month date := date_trunc('month', (now() - interval '92 days') at time zone 'utc')::date;
    begin_at timestamptz;
    end_at timestamptz;
begin
    while month <= (now() at time zone 'utc')::date loop
        begin_at := month::timestamp at time zone 'utc';
        end_at := (month + interval '1 month')::timestamp at time zone 'utc';
        if to_regclass(format('events_%s', to_char(month, 'YYYY_MM'))) is null
            and not exists (select from events_default where at >= begin_at and at < end_at) then
            execute format(
                'create table events_%s partition of events for values from (%L) to (%L)',
                to_char(month, 'YYYY_MM'), begin_at, end_at);
        end if;
        month := (month + interval '1 month')::date;
    end loop;
end $$;

-- name: drop_references
-- Checked once for all rows in the end, instead of one by one. If anything goes wrong, they were never gone.
create temporary table dropped on commit drop as
select conrelid::regclass::text as place, conname as name, pg_get_constraintdef(oid) as definition
from pg_constraint
where contype = 'f' and conparentid = 0 and connamespace = current_schema()::regnamespace;
do $$
declare
    reference record;
begin
    for reference in select * from dropped loop
        execute format('alter table %s drop constraint %I', reference.place, reference.name);
    end loop;
end $$;

-- name: add_references
do $$
declare
    reference record;
begin
    for reference in select * from dropped loop
        execute format('alter table %s add constraint %I %s', reference.place, reference.name, reference.definition);
    end loop;
end $$;

-- name: copy
copy {table} ({columns}) from stdin;

-- name: analyze
vacuum analyze;
