-- What a message brings with it besides its text.
alter table messages
    add column detail_sealed bytea,     -- what its channel has to remember of it, as JSON: a mail's subject and ids
    add column for_person text;         -- why the agent can't take in all of it, so that a person has to look

-- The message as it came in, and its attachments.
create table message_files (
    id uuid primary key,
    message_id uuid not null references messages,
    key_id uuid not null references customer_keys,
    ordinal smallint not null,          -- 0: the message itself as it came in; from 1 on its attachments in their order
    name_sealed bytea,
    media_type text not null,           -- what its bytes say, not what was said of them
    size bigint not null,               -- bytes, also of one that was not kept
    content_sealed bytea,               -- null: not kept
    refusal text,                       -- why not
    unique (message_id, ordinal),
    check ((content_sealed is null) = (refusal is not null))
);

-- The web is two channels: a chat, which is what "web" was so far, and a form.
update identities set channel = 'chat' where channel = 'web';
update conversations set channel = 'chat' where channel = 'web';
update messages set channel = 'chat' where channel = 'web';
update outbox set channel = 'chat' where channel = 'web';
