-- The words of messages and names, so that staff can search in what is sealed (ADR 29). No word stands here: a tag is
-- sixteen bits of a keyed hash of a word and a month, so that words share tags, and a month does not tell of another.

create table message_words (
    message_id uuid primary key references messages on delete cascade,
    key_id uuid not null references customer_keys,
    words smallint[] not null           -- empty: nothing in it can be searched for, or nobody can read it
);
create index message_words_tags on message_words using gin (words) with (fastupdate = off);
create index message_words_of_key on message_words (key_id);

-- Names are looked for without a month: a customer has one.
create table customer_words (
    customer_id uuid primary key references customers on delete cascade,
    key_id uuid not null references customer_keys,
    words smallint[] not null
);
create index customer_words_tags on customer_words using gin (words) with (fastupdate = off);
create index customer_words_of_key on customer_words (key_id);

-- How far the two have come: ids are made in the order of time.
create table word_progress (
    name text primary key check (name in ('messages', 'customers')),
    reached uuid not null
);

-- Whoever destroys a customer's key has erased the customer; the tags of their words go in the same transaction.
create function forget_words() returns trigger language plpgsql as $$
begin
    delete from message_words where key_id = new.id;
    delete from customer_words where key_id = new.id;
    return null;
end $$;
create trigger customer_keys_forget_words after update of wrapped on customer_keys
    for each row when (old.wrapped is not null and new.wrapped is null) execute function forget_words();

-- Why staff joined or parted two customers, in their words: sealed, for it may say who they are.
alter table merges
    add column key_id uuid references customer_keys,
    add column reason_sealed bytea,
    add column undone_reason_sealed bytea,
    add check (num_nonnulls(reason_sealed, undone_reason_sealed) = 0 or key_id is not null);

-- Cases by what their turns are about, and the list of such topics; most turns of some installations have none.
create index turns_of_topic on turns (topic, case_id) where topic is not null;
