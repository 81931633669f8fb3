-- What became of a text after its provider took it, and what can be found out about one of which nobody knows.

-- When the call began in which it was handed over; what is unknown is asked about from time to time, in pauses that grow.
alter table outbox
    add column handed_over_at timestamptz,
    add column reconcile_at timestamptz,                        -- when to ask the provider next; null: not any more
    add column reconciliations integer not null default 0,      -- how often it was asked
    add column reported_failure text;                           -- what its reports together say, whatever its state is
create index outbox_unknown on outbox (reconcile_at) where state = 'unknown' and reconcile_at is not null;
update outbox set handed_over_at = coalesce(settled_at, created_at), reconcile_at = now() where state = 'unknown';

-- A note that a wish not to be written to was understood, or taken back.
alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check
    check (kind in ('reply', 'handoff', 'delay', 'failure', 'follow_up', 'survey', 'hand_back', 'consent'));

-- A provider's word on one of the messages that an outbox row became. The highest rank that ever came counts.
create table delivery_reports (
    outbox_id uuid not null references outbox,
    name text not null,                         -- the provider's for the message, or the row's id where it has none
    part smallint not null default 0,           -- which of the row's messages, when its text was too long for one
    parts smallint not null default 1,          -- how many there are
    status text not null,
    rank smallint not null,
    failure text,                               -- why it did not arrive, as a code
    superseded boolean not null default false,  -- of an attempt that did not arrive, before the text was sent again
    reported_at timestamptz not null default now(),
    primary key (outbox_id, name)
);

-- Whoever wrote STOP from an address gets nothing there until they write START.
alter table identities add column opted_out_at timestamptz;

-- Files of messages that are still at their provider. The row in message_files is there from the beginning.
create table awaited_files (
    message_id uuid not null references messages,
    ordinal smallint not null,                  -- as in message_files
    channel text not null,
    source_sealed bytea not null,               -- where the provider has it
    attempts integer not null default 0,        -- counted before each, so that a file that kills us is given up
    due_at timestamptz not null default now(),
    primary key (message_id, ordinal)
);
create index awaited_files_due on awaited_files (channel, due_at);
