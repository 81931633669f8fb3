-- name: room
-- How many connections the server, this database and this role allow, and how many others use. Who may not see others'
-- sessions sees them all the same, without what they do.
select
    current_setting('max_connections')::integer as most,
    current_setting('superuser_reserved_connections')::integer
        + current_setting('reserved_connections')::integer as reserved,
    (select datconnlimit from pg_database where datname = current_database()) as database_limit,
    (select rolconnlimit from pg_roles where rolname = current_user) as role_limit,
    (select count(*) from pg_stat_activity
        where datid is not null and coalesce(backend_type, 'client backend') = 'client backend'
            and not (datname = current_database() and application_name like 'csagent%%'))::integer as others;
