-- What figures are computed from: small rows of a case, its ends and people's work, made of events and of what a case
-- holds, again and again until nothing changes any more. They stay when a case goes to the archive. No customer's word is
-- in them, and no reference leads out of them, so that nothing here holds up an erasure.

-- What cases are told apart by, once for each combination that there is; an empty text is none.
create table analytics_labels (
    id integer generated always as identity primary key,
    channel text not null,
    language text not null,
    segment text not null,
    topic text not null,                    -- of the last turn that has one: an intent or an article's title
    unique (channel, language, segment, topic)
);

create table analytics_cases (
    case_id uuid primary key,
    conversation_id uuid not null,
    customer_id uuid not null,              -- whose it is now: joined and parted customers are followed
    label_id integer not null,
    opened_at timestamptz not null,
    agent_seconds float8,                   -- from the customer's first message to the agent's first own reply
    to_person_at timestamptz,               -- when it first went to a person
    person_seconds float8,                  -- from then to the first reply that a person wrote or approved
    money numeric not null default 0,       -- what language models cost
    -- The row as it is read, a hundred thousand at once: making it of its columns each time is most of the work. Numbers
    -- are binary and big-endian, times are microseconds since 2000, none is the least of all or no number.
    packed bytea not null generated always as (
        int4send(label_id) || timestamptz_send(opened_at) || uuid_send(customer_id)
        || coalesce(timestamptz_send(to_person_at), '\x8000000000000000')
        || float8send(coalesce(agent_seconds, 'nan')) || float8send(coalesce(person_seconds, 'nan'))
        || float8send(money::float8)
    ) stored
);
create index analytics_cases_opened on analytics_cases (opened_at);
create index analytics_cases_to_person on analytics_cases (to_person_at) where to_person_at is not null;
create index analytics_cases_of_conversation on analytics_cases (conversation_id);

create table analytics_ends (
    case_id uuid not null,
    label_id integer,                       -- its case's, as the customer is
    customer_id uuid,
    number integer not null,                -- 1, and one more each time that the case is reopened
    ended_at timestamptz not null,
    seconds float8,                         -- since the case was opened, or reopened
    open_seconds float8,                    -- those of all its ends so far: how long it was open in all
    how text not null check (how in ('person', 'confirmed', 'assumed', 'unknown')),
    reopened_at timestamptz,                -- this end did not stand
    rating smallint,
    rated_at timestamptz,
    judged_at timestamptz,                  -- somebody has read whether it is solved
    solved boolean,
    -- As above. how: 0 a person had a part, 1 confirmed, 2 assumed, 3 unknown. solved: 0 no, 1 yes, 2 unread.
    packed bytea not null generated always as (
        int4send(coalesce(label_id, 0)) || timestamptz_send(ended_at)
        || coalesce(timestamptz_send(reopened_at), '\x8000000000000000')
        || coalesce(timestamptz_send(rated_at), '\x8000000000000000')
        || float8send(coalesce(open_seconds, 'nan')) || int2send(coalesce(rating, 0::smallint))
        || int2send(case how when 'person' then 0 when 'confirmed' then 1 when 'assumed' then 2 else 3 end::smallint)
        || int2send(case when solved then 1 when not solved then 0 else 2 end::smallint)
    ) stored,
    primary key (case_id, number)
);
create index analytics_ends_ended on analytics_ends (ended_at);
create index analytics_ends_rated on analytics_ends (rated_at) where rated_at is not null;
create index analytics_ends_reopened on analytics_ends (reopened_at) where reopened_at is not null;

create table analytics_work (
    id uuid primary key,                    -- of the escalation that was decided, or of the reply's event
    case_id uuid not null,
    label_id integer,                       -- its case's
    person text not null,
    at timestamptz not null,
    action text not null,                   -- a decision's, or 'reply'
    seconds float8                          -- a decision's: from the request to it
);
create index analytics_work_at on analytics_work (at);
create index analytics_work_of_case on analytics_work (case_id);

-- One row, made by whoever computes first.
create table analytics_progress (
    singleton boolean primary key default true check (singleton),
    seen_at timestamptz not null,           -- up to when events were read
    filled_to uuid,                         -- cases up to this id were computed whole; null: all of them
    computed_at timestamptz not null        -- what the figures know of
);
