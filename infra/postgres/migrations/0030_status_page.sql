-- The status page: signs of life, how components stand and stood, incidents, maintenance, reminders. Nothing of a customer's.

-- One row a process, written every few seconds and taken away when it ends in order.
create table process_beats (
    holder text primary key,
    process text not null,                      -- api, worker, sender, scheduler
    seen_at timestamptz not null default now(),
    breakers jsonb not null default '{}'        -- the states of its circuit breakers by name
);
create index process_beats_by_time on process_beats (seen_at);

create table status_components (
    id text primary key,
    state text not null check (state in ('operational', 'degraded', 'down', 'unknown')),   -- what checks say, steadied
    since timestamptz not null,
    run integer not null default 0,             -- checks in a row that said otherwise
    run_worse boolean not null default false,
    run_since timestamptz,
    troubled_since timestamptz,                 -- when it was last operational, if it is not now
    reason text not null default '',            -- a code, for staff
    checked_at timestamptz not null,
    override text check (override in ('operational', 'degraded', 'down')),  -- a person's word over the checks'
    override_by text,
    override_at timestamptz,
    check ((override is null) = (override_by is null) and (override is null) = (override_at is null))
);

-- What a component was, from one check to the last that said the same. A gap between two of them is time without data.
create table status_intervals (
    id uuid primary key,
    component text not null references status_components,
    state text not null check (state in ('operational', 'degraded', 'down')),
    began_at timestamptz not null,
    seen_at timestamptz not null,
    check (seen_at >= began_at)
);
create index status_intervals_of_component on status_intervals (component, seen_at);
create index status_intervals_by_time on status_intervals (seen_at);

create table status_incidents (
    id uuid primary key,
    title text not null,
    severity text not null check (severity in ('P1', 'P2', 'P3', 'P4')),
    impact text not null check (impact in ('degraded', 'down')),
    components text[] not null check (components <> '{}'),
    started_at timestamptz not null,
    ended_at timestamptz,
    published_at timestamptz,                   -- null: a draft, which nobody outside sees
    dismissed_at timestamptz,                   -- a draft that was nothing
    opened_by text not null,                    -- a person, or checks
    report text,
    report_url text,
    reported_at timestamptz,
    created_at timestamptz not null default now(),
    check (ended_at is null or ended_at >= started_at),
    check (dismissed_at is null or published_at is null),
    check ((reported_at is null) = (report is null and report_url is null))
);
create index status_incidents_by_start on status_incidents (started_at);
create index status_incidents_open on status_incidents (started_at) where ended_at is null and dismissed_at is null;
create index status_incidents_unfinished on status_incidents (started_at) where dismissed_at is null
    and severity in ('P1', 'P2') and (published_at is null or reported_at is null);

create table status_updates (
    id uuid primary key,
    incident_id uuid not null references status_incidents,
    phase text not null check (phase in ('investigating', 'identified', 'monitoring', 'resolved')),
    body text not null,
    author text not null,                       -- who of the staff; the public does not read it
    at timestamptz not null default now()
);
create index status_updates_of_incident on status_updates (incident_id, at);

create table status_maintenance (
    id uuid primary key,
    title text not null,
    body text not null,
    components text[] not null check (components <> '{}'),
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    author text not null,
    announced_at timestamptz not null default now(),
    cancelled_at timestamptz
);
create index status_maintenance_by_end on status_maintenance (ends_at);

-- What staff were reminded of, once each. Alerts take it from here to people.
create table status_reminders (
    id uuid primary key,
    incident_id uuid not null references status_incidents,
    kind text not null check (kind in ('drafted', 'notice_soon', 'notice_late', 'report_soon', 'report_late')),
    due_at timestamptz not null,
    raised_at timestamptz not null default now(),
    unique (incident_id, kind)
);
create index status_reminders_raised on status_reminders (raised_at);

-- What the public reads, whole: the one snapshot that was made last.
create table status_snapshots (
    singleton boolean primary key default true check (singleton),
    made_at timestamptz not null,
    snapshot text not null                      -- JSON, as it is served
);

-- Who asked for notices by mail. An address counts once its owner has opened the link in a first mail.
create table status_subscribers (
    id uuid primary key,                        -- the key's customer, too: it is nobody else's
    key_id uuid not null references customer_keys,
    address_sealed bytea not null,
    address_index bytea not null unique,
    asked_at timestamptz not null default now(),
    confirmed_at timestamptz
);
create index status_subscribers_waiting on status_subscribers (asked_at) where confirmed_at is null;
create index status_subscribers_confirmed on status_subscribers (confirmed_at) where confirmed_at is not null;

-- Their outbox: pending → sending (committed before the call) → sent, failed or unknown. What is unknown is not sent again.
create table status_notices (
    id uuid primary key,
    subscriber_id uuid not null references status_subscribers on delete cascade,
    kind text not null check (kind in ('confirm', 'update', 'report', 'maintenance')),
    about uuid not null,                        -- the update, incident or maintenance; of confirm: itself
    state text not null default 'pending' check (state in ('pending', 'sending', 'sent', 'failed', 'unknown')),
    attempts integer not null default 0,
    due_at timestamptz not null default now(),
    claimed_until timestamptz,
    error text,                                 -- a code, never an address
    unique (subscriber_id, kind, about)         -- nobody is told twice
);
create index status_notices_due on status_notices (due_at) where state in ('pending', 'sending');
