-- Who works here, their sessions, and tries to sign in. Nothing here is a customer's.

create table staff_accounts (
    id uuid primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$'),   -- the actor of events and decisions
    role text not null check (role in ('reviewer', 'lead', 'admin', 'analyst', 'auditor')),
    password_hash text,                 -- Argon2id as a PHC string; null for who signs in through a provider
    password_made_up boolean not null default false,    -- by somebody else: its owner has to choose another first
    issuer text,                        -- of the OpenID provider, and what it calls this person
    subject text,
    created_at timestamptz not null default now(),
    disabled_at timestamptz,
    signed_in_at timestamptz,
    unique (issuer, subject),
    check ((issuer is null) = (subject is null))
);

create table staff_sessions (
    token_hash bytea primary key,       -- SHA-256 of the cookie: whoever reads this table can't sign in with it
    id uuid not null unique,            -- names the session where its owner ends it
    account_id uuid not null references staff_accounts,
    agent text not null,                -- the browser, as it calls itself
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index staff_sessions_of_account on staff_sessions (account_id);

-- Tries that have not succeeded, by keyed hashes: what was typed as a name may have been a password.
create table staff_tries (
    id uuid primary key,
    name_index bytea not null,
    address_index bytea not null,
    at timestamptz not null default now()
);
create index staff_tries_for_name on staff_tries (name_index, at);
create index staff_tries_from_address on staff_tries (address_index, at);
create index staff_tries_by_time on staff_tries (at);
