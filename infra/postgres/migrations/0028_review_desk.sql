-- What the review page needs beside decisions: time to think again, notes among colleagues, and who else is looking.

-- Until when a decision, or a person's text, is held back so that it can be taken back; null: it was not held, or it is
-- on its way. `answered` are the customer's messages that the text answered, to be open again when it is taken back.
alter table decisions add column undo_until timestamptz;
alter table outbox add column undo_until timestamptz, add column answered uuid[];

-- Notes that only staff read. Neither messages nor anything that a channel, a skill or a draft is made of: a table of
-- its own, which no statement but its own file's and the archive's names.
create table internal_notes (
    id uuid primary key,
    case_id uuid not null references cases (id),
    key_id uuid not null references customer_keys (id),
    author text not null,
    asked text,                             -- the colleague from whom an answer is wanted
    answers uuid,                           -- the note that this answers, of the same case
    text_sealed bytea not null,
    created_at timestamptz not null default now(),
    answered_at timestamptz,
    check (answered_at is null or asked is not null)
);
create index internal_notes_of_case on internal_notes (case_id, id);
create index internal_notes_asked on internal_notes (asked, id) where asked is not null and answered_at is null;

-- Who has which case open just now. Of no use after a crash, so it costs no log.
create unlogged table onlookers (
    name text not null,
    case_id uuid not null,
    seen_at timestamptz not null default now(),
    primary key (name, case_id)
);
create index onlookers_of_case on onlookers (case_id);
