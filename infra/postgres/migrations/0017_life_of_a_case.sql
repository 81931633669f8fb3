-- How a case ends, begins again, and how its end is asked about.

alter table cases
    add column resolved_by text check (resolved_by in ('customer', 'person', 'agent', 'silence')),
    add column resolved_by_name text,
    add column resolution text check (resolution in ('confirmed', 'assumed')),
    -- Of the end that the case has, or will have next: 1, and one more each time that it is reopened.
    add column resolution_number integer not null default 1 check (resolution_number > 0),
    add column reopened_at timestamptz,
    -- In which the customer wrote last, for what is said without a turn.
    add column language text,
    -- The release before writes none of them when it resolves a case: all are there or none is.
    add check ((resolved_by is null) = (resolution is null)),
    add check (resolved_by is null or status = 'resolved'),
    add check (resolved_by_name is null or resolved_by = 'person');

create index cases_to_reopen on cases (conversation_id, resolved_at) where status = 'resolved';

-- When somebody has to look whether the customer is to be asked, or is silent for good. Written where the row is written
-- anyway. Cases from before have none until something happens in them, so that an upgrade closes nothing by itself.
alter table case_work add column look_at timestamptz;
create index case_work_to_look_at on case_work (look_at) where look_at is not null;

create table surveys (
    id uuid primary key,
    case_id uuid not null references cases (id),
    resolution_number integer not null,
    conversation_id uuid not null references conversations (id),
    channel text not null,
    answered_by text not null check (answered_by in ('agent', 'person', 'both')),
    created_at timestamptz not null default now(),
    -- From when on a text may ask; a page asks at once.
    due_at timestamptz not null,
    -- The text that asked, where one did.
    message_id uuid,
    asked_at timestamptz,
    -- Why nobody was asked, or will be.
    withdrawn text,
    rating smallint check (rating between 1 and 5),
    rated_at timestamptz,
    changes integer not null default 0,
    key_id uuid references customer_keys (id),
    comment_sealed bytea,
    unique (case_id, resolution_number),
    check ((rating is null) = (rated_at is null)),
    check ((comment_sealed is null) = (key_id is null)),
    check ((message_id is null) = (asked_at is null))
);
create index surveys_of_conversation on surveys (conversation_id, created_at);
create index surveys_to_ask on surveys (due_at) where asked_at is null and withdrawn is null and rating is null;
