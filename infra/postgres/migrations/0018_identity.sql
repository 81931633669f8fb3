-- One customer across channels: one-time codes, what a proof in a talk is worth and for how long, and joined customers.

alter table conversations
    add column proven_by uuid references identities,    -- the address that was proven in this talk by a one-time code
    add column proven_until timestamptz;                -- until when whoever holds the talk's token counts as its owner

-- Proven by a code, in the talk of a customer to whom it can't be given by itself: a person decides.
alter table identities add column contested_at timestamptz;

-- One-time codes on their way, an outbox of their own. The code is a keyed hash of the row and is stored nowhere.
create table verifications (
    id uuid primary key,
    conversation_id uuid not null references conversations,
    channel text not null,              -- on which it is sent
    key_id uuid not null references customer_keys,
    address_sealed bytea not null,
    address_index bytea not null,
    language text,
    state text not null default 'pending' check (state in ('pending', 'sending', 'sent', 'failed')),
    attempts integer not null default 0,    -- to send it
    tries smallint not null default 0,      -- codes that were typed in
    due_at timestamptz not null default now(),
    claimed_by text,
    claimed_until timestamptz,
    error text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    proven_at timestamptz
);
create index verifications_of_conversation on verifications (conversation_id, created_at);
create index verifications_to_address on verifications (address_index, created_at);
create index verifications_made on verifications (created_at);
create index verifications_due on verifications (due_at) where state in ('pending', 'sending');

-- Which customer was joined to which, by whom, and what moved: what undoing it needs to know.
create table merges (
    id uuid primary key,
    source_id uuid not null references customers,
    into_id uuid not null references customers,
    conversations uuid[] not null,
    identities uuid[] not null,
    merged_by text not null,            -- 'proof': by a one-time code; else a member of staff
    merged_at timestamptz not null default now(),
    undone_by text,
    undone_at timestamptz,
    check (source_id <> into_id),
    check ((undone_by is null) = (undone_at is null))
);
create unique index merges_live on merges (source_id) where undone_at is null;
create index merges_of_source on merges (source_id, merged_at);
create index merges_into on merges (into_id, merged_at);
