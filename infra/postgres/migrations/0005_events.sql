-- What happened, for analytics and audit: append-only, one partition a month, made ahead of time.
-- data holds codes and figures only, never a message's text, a name or an address.

create table events (
    id uuid not null,
    at timestamptz not null default now(),
    kind text not null,
    case_id uuid,
    actor text,                                 -- agent, customer, or the name of a staff key
    data jsonb not null default '{}',
    primary key (at, id)
) partition by range (at);
create index events_of_case on events (case_id, at);
create index events_of_kind on events (kind, at);
create table events_default partition of events default;

create function make_event_partitions(months_ahead integer) returns integer language plpgsql as $$
declare
    month date := date_trunc('month', now() at time zone 'utc')::date;
    made integer := 0;
begin
    for ahead in 0..months_ahead loop
        if to_regclass(format('events_%s', to_char(month + make_interval(months => ahead), 'YYYY_MM'))) is null then
            execute format(
                'create table events_%s partition of events for values from (%L) to (%L)',
                to_char(month + make_interval(months => ahead), 'YYYY_MM'),
                (month + make_interval(months => ahead))::timestamp at time zone 'utc',
                (month + make_interval(months => ahead + 1))::timestamp at time zone 'utc');
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'events are append-only';
end $$;
create trigger events_append_only before update or delete on events
    for each row execute function refuse_change();

select make_event_partitions(3);
