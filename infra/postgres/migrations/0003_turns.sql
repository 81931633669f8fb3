-- Turns, what they send, what they ask a person, and what the person decided.

create table turns (
    id uuid primary key,
    case_id uuid not null references cases,
    -- done: its reply is in the outbox; paused: a person decides; withheld: a person took over while it ran; dead: given up
    status text not null check (status in ('done', 'paused', 'withheld', 'dead')),
    first_sequence bigint not null,
    last_sequence bigint not null,              -- every inbound message of the case up to here is in this turn or an earlier one
    graph_version text not null,
    lease_token bigint not null,
    outcome text not null check (outcome in ('answered', 'unanswered', 'escalated', 'withheld', 'taken_over', 'dead')),
    polarity real,
    confidence real,
    rules text[] not null default '{}',         -- the policy rules that fired
    cited uuid[] not null default '{}',         -- the passages the reply rests on
    model text,
    key_id uuid not null references customer_keys,
    draft_sealed bytea,                         -- a draft that was not sent: kept for the person who took over
    started_at timestamptz not null,
    finished_at timestamptz not null default now(),
    milliseconds jsonb not null default '{}'    -- where the time went: queue, graph, each skill
);
create index turns_of_case on turns (case_id, last_sequence);

-- Sealed answers of a model, kept while their turn is unfinished, so that a crash does not pay for them twice.
create table model_replies (
    turn_id uuid not null,
    prompt_hash bytea not null,
    key_id uuid not null references customer_keys,
    reply_sealed bytea not null,
    created_at timestamptz not null default now(),
    primary key (turn_id, prompt_hash)
);

create table outbox (
    id uuid primary key,
    intent_id uuid not null,                    -- the turn or decision that wanted this sent
    ordinal smallint not null,
    message_id uuid not null unique references messages,
    case_id uuid not null references cases,
    conversation_id uuid not null references conversations,
    channel text not null,
    kind text not null check (kind in ('reply', 'handoff', 'delay', 'failure')),
    position bigint generated always as identity, -- the order within a conversation
    state text not null default 'pending' check (state in ('pending', 'sending', 'sent', 'failed', 'unknown')),
    attempts integer not null default 0,
    due_at timestamptz not null default now(),
    claimed_by text,
    claimed_until timestamptz,
    error text,
    created_at timestamptz not null default now(),
    settled_at timestamptz,
    unique (intent_id, ordinal)
) with (fillfactor = 70);
create index outbox_due on outbox (due_at) where state in ('pending', 'sending');
create index outbox_order on outbox (conversation_id, position) where state in ('pending', 'sending', 'unknown');
create index outbox_troubled on outbox (created_at) where state in ('failed', 'unknown');

create table escalations (
    id uuid primary key,
    case_id uuid not null references cases,
    turn_id uuid not null,
    interrupt_id text not null,
    checkpoint_id text not null,
    key_id uuid not null references customer_keys,
    request_sealed bytea not null,              -- draft, reasons, sources: what the reviewer is asked
    proposal_hash bytea not null,               -- over that request; with the newest inbound sequence it is the ETag
    severity text not null check (severity in ('P1', 'P2', 'P3')),
    rules text[] not null,
    -- open → decided (a person decided) → closed (the turn resumed and committed)
    status text not null default 'open' check (status in ('open', 'decided', 'closed')),
    claimed_by text,
    claimed_until timestamptz,
    due_at timestamptz not null,                -- the deadline of its severity
    created_at timestamptz not null default now(),
    unique (turn_id, interrupt_id)
);
create unique index escalations_live on escalations (case_id) where status in ('open', 'decided');
create index escalations_queue on escalations (due_at, id) where status = 'open';

create table decisions (
    id uuid primary key,
    escalation_id uuid not null unique references escalations,  -- nobody decides twice
    action text not null check (action in ('approve', 'edit', 'answer', 'reject', 'take_over')),
    reviewer text not null,
    key_id uuid not null references customer_keys,
    text_sealed bytea,
    reason_sealed bytea,
    seen_sequence bigint not null,              -- the newest message that the reviewer had read
    covers_later boolean not null default false, -- the answer also answers the messages that came after the turn's own
    created_at timestamptz not null default now(),
    applied_at timestamptz
);

create table dead_letters (
    id uuid primary key,
    case_id uuid not null references cases,
    turn_id uuid,
    first_sequence bigint not null,
    last_sequence bigint not null,
    error text not null,                        -- the class of the error, never the message's text
    created_at timestamptz not null default now(),
    resolved_at timestamptz
);
create index dead_letters_open on dead_letters (created_at) where resolved_at is null;
