-- What a person sends along with a decision lies under the decision until the turn's end makes it the message's.
alter table message_files
    alter column message_id drop not null,
    add column decision_id uuid references decisions,
    add constraint message_files_one_owner check (num_nonnulls(message_id, decision_id) = 1);
create index message_files_of_decisions on message_files (decision_id) where decision_id is not null;

-- How often the public form brought the same text, or named the same address, within the hour: nobody's words, keyed
-- hashes of them.
create table form_arrivals (
    digest bytea primary key,
    since timestamptz not null,
    count integer not null
);
create index form_arrivals_since on form_arrivals (since);
