-- Who leads among the schedulers and when each job is due; how dead letters end; what retention looks up by.

-- One row: the scheduler that leads, until its lease runs out by this server's clock. The token grows with every reign.
create table scheduler_lease (
    singleton boolean primary key default true check (singleton),
    holder text,
    token bigint not null default 0,
    leased_until timestamptz
);
insert into scheduler_lease default values;

-- The jobs' times are kept here and not in a process, so that a take-over neither skips nor repeats a nightly job.
create table scheduler_jobs (
    name text primary key,
    due_at timestamptz not null,                -- moved on when the job has ended, so one that died half-way is due still
    begun_at timestamptz,
    ended_at timestamptz,                       -- when it last ended well
    failures bigint not null default 0,         -- ever
    failing integer not null default 0,         -- in a row, up to now
    error text                                  -- the class of the last error, while it fails
);

alter table dead_letters
    add column attempts integer,                -- how often it was tried
    add column resolution text check (resolution in ('retried', 'discarded', 'case_resolved')),
    add column resolved_by text,                -- the operator
    add column key_id uuid references customer_keys,
    add column reason_sealed bytea,             -- why it was discarded; a person wrote it, so it is sealed
    add check ((resolution is null) = (resolved_at is null)),
    add check (reason_sealed is null or key_id is not null);

-- What a case's deletion asks every table that points at it.
create index dead_letters_of_case on dead_letters (case_id);
create index escalations_of_case on escalations (case_id);
-- An outbox row's case is its message's case, which is held already; a second check would cost every reply an index.
alter table outbox drop constraint outbox_case_id_fkey;

-- What archiving looks for, oldest first.
create index cases_resolved on cases (resolved_at) where status = 'resolved';
