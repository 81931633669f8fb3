-- Telling people: what they are told of, to whom it goes, and how that went. Nothing here is a customer's but ids.

-- Where somebody of the staff is told, if they want to be. Plain text, as their names are: it is no customer's.
alter table staff_accounts add column address text check (length(address) between 3 and 254);

-- Whose claim on it was let go because nothing happened, so that the queue can say so.
alter table escalations
    add column moved_on_from text,
    add column moved_on_at timestamptz;

-- Programs that are told by a signed request. The secret is derived from the index key, the id and the generation.
create table alert_endpoints (
    id uuid primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,59}$'),
    url text not null,
    generation integer not null default 1,
    old_until timestamptz,              -- until then the generation before signs too
    added_by text not null,
    created_at timestamptz not null default now(),
    disabled_at timestamptz,
    disabled_for text check (disabled_for in ('gone', 'admin')),    -- gone: it answered 410
    check ((disabled_at is null) = (disabled_for is null))
);

create table alerts (
    id uuid primary key,                -- version 7: the newest has the highest
    kind text not null check (kind in (
        'waiting', 'warned', 'late', 'unheeded', 'moved_on', 'customer_waits', 'dead_letter', 'send_troubled',
        'webhook_gone', 'status_due', 'test'
    )),
    subject_id uuid not null,           -- the escalation, case, dead letter, text, endpoint or incident; it may be gone by now
    mark timestamptz not null,          -- which deadline, claim or failure of it: the same one is told of once
    case_id uuid,
    severity text,
    channel text,
    due_at timestamptz,                 -- the deadline, of an escalation
    created_at timestamptz not null default now(),
    unique (subject_id, kind, mark)
);

create table alert_sends (
    id uuid primary key,
    alert_id uuid not null references alerts on delete cascade,
    account_id uuid references staff_accounts,                          -- to their address of that moment
    endpoint_id uuid references alert_endpoints on delete cascade,
    -- withdrawn: nobody needs it any more, or nobody is there to get it; the error says which
    state text not null default 'pending' check (state in ('pending', 'sending', 'sent', 'failed', 'withdrawn')),
    attempts integer not null default 0,    -- counted before each
    due_at timestamptz not null default now(),  -- while it is sent: when whoever sends it counts as dead
    since timestamptz not null default now(),   -- the first attempt of this run of them; a person may begin another
    error text,                         -- a code
    settled_at timestamptz,
    check ((account_id is null) <> (endpoint_id is null)),
    unique nulls not distinct (alert_id, account_id, endpoint_id)
);
create index alert_sends_due on alert_sends (due_at) where state in ('pending', 'sending');
create index alert_sends_failed on alert_sends (alert_id, settled_at) where state = 'failed';
create index alert_sends_of_endpoint on alert_sends (endpoint_id, settled_at) where endpoint_id is not null;
