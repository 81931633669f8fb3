-- Mailboxes that are followed: how far each has been read, and who is at it. An address of the company's, no customer's.
create table mailboxes (
    address text primary key,
    history_id bigint,           -- the provider's cursor: everything up to it is stored; null before the first run
    began_at timestamptz,        -- from when on its mails are taken in
    synced_at timestamptz,       -- up to when everything is certainly here
    watch_until timestamptz,     -- until when the provider tells of changes by itself
    wanted_at timestamptz,       -- when somebody last asked for a run
    holder text,                 -- the run that has it
    held_since timestamptz,
    held_until timestamptz,
    token bigint not null default 0
);

-- Mails that were named and could not be had: asked for again until they are here or known to be gone.
create table awaited_mails (
    address text not null references mailboxes (address),
    mail_id text not null,
    since timestamptz not null default now(),
    asked_at timestamptz not null default now(),
    tries integer not null default 1,
    primary key (address, mail_id)
);
