-- Conversations (one talk on one channel), cases (one matter, one LangGraph thread) and their messages.

create table conversations (
    id uuid primary key,
    customer_id uuid not null references customers,
    identity_id uuid not null references identities,
    channel text not null,
    thread_index bytea not null,                -- blind index of what the channel calls the talk: mail thread, chat, token
    next_position bigint not null default 1,    -- numbers what the customer can see, in the order in which it appeared
    created_at timestamptz not null default now(),
    unique (channel, thread_index)
);
create index conversations_by_customer on conversations (customer_id, created_at);

create table cases (
    id uuid primary key,
    customer_id uuid not null references customers,
    conversation_id uuid not null references conversations,
    status text not null default 'open' check (status in ('open', 'resolved')),
    owner text not null default 'agent' check (owner in ('agent', 'human')),
    owner_name text,                            -- the reviewer who holds it; null while people own it and nobody took it
    owner_version integer not null default 0,   -- counts every change of owner
    next_sequence bigint not null default 1,    -- numbers the case's messages, customers' and ours alike
    opened_at timestamptz not null default now(),
    resolved_at timestamptz,
    check (owner_name is null or owner = 'human'),
    check ((resolved_at is not null) = (status = 'resolved'))
) with (fillfactor = 80);
-- At most one open case in a conversation: ten pictures at once from a new contact open one case, not ten.
create unique index cases_open on cases (conversation_id) where status = 'open';
create index cases_by_customer on cases (customer_id, opened_at);
create index cases_of_people on cases (opened_at) where owner = 'human' and status = 'open';

-- One narrow row a case: what the queue reads and the lease writes. due_at null: nothing to do.
create table case_work (
    case_id uuid primary key references cases,
    due_at timestamptz,
    paused boolean not null default false,      -- a person decides: new messages join the escalation, no turn starts
    attempts integer not null default 0,        -- counted at claim, so that a message that kills its worker is counted
    turn_id uuid,                               -- the turn in progress keeps its id over crashes (kept model replies)
    lease_token bigint not null default 0,      -- the fencing token: grows with every claim
    lease_holder text,
    leased_until timestamptz
) with (fillfactor = 50);
create index case_work_due on case_work (due_at) where due_at is not null;

create table messages (
    id uuid primary key,
    case_id uuid not null references cases,
    conversation_id uuid not null references conversations,
    key_id uuid not null references customer_keys,
    sequence bigint not null,                   -- its number in the case, given when it was written down
    position bigint,                            -- its number in the conversation, given when the customer can see it
    direction text not null check (direction in ('in', 'out')),
    author text not null check (author in ('customer', 'agent', 'human', 'system')),
    channel text not null,
    provider_message_id text not null,          -- ours for outbound until the provider names it
    body_sealed bytea not null,
    -- inbound: waiting → handled, or human (a person owns the case), or dead (dead-lettered)
    -- outbound: written → delivered
    state text not null check (state in ('waiting', 'handled', 'human', 'dead', 'written', 'delivered')),
    turn_id uuid,
    provider_time timestamptz,                  -- when the provider says it was written
    received_at timestamptz not null default now(),
    delivered_at timestamptz,                   -- outbound: when the channel took it
    unique (channel, provider_message_id),
    unique (case_id, sequence),
    check ((direction = 'in') = (author = 'customer')),
    check ((position is null) = (state = 'written'))
) with (fillfactor = 80);
create index messages_waiting on messages (case_id, sequence) where state in ('waiting', 'human');
create unique index messages_seen on messages (conversation_id, position) where position is not null;
