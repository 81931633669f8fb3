"""A hundred thousand rows in each big table, as of a product that has run for a while: nearly everything is done."""

SEED = """
create function id(n bigint) returns uuid language sql immutable as $$ select lpad(to_hex(n), 32, '0')::uuid $$;

insert into customer_keys (id, customer_id, wrapped, master_key_id)
select id(n), id(n), '\\x00', 'test' from generate_series(1, 100000) n;

insert into customers (id, key_id)
select id(n), id(n) from generate_series(1, 100000) n;

insert into identities (id, customer_id, key_id, channel, address_sealed, address_index, verified_at)
select id(n), id(n), id(n), 'chat', '\\x00', decode(md5('address' || n), 'hex'),
    case when n % 2 = 0 then now() end
from generate_series(1, 100000) n;

insert into customer_facts (id, customer_id, key_id, record_index, facts_sealed, told_by)
select id(n), id(n), id(n), decode(md5('record' || n), 'hex'), '\\x00', 'kim' from generate_series(1, 100000) n;

insert into customer_fact_keys (value_index, facts_id)
select decode(md5('fact' || n), 'hex'), id(n / 3 + 1) from generate_series(0, 299999) n;

insert into conversations (id, customer_id, identity_id, channel, thread_index)
select id(n), id(n), id(n), 'chat', decode(md5('thread' || n), 'hex')
from generate_series(1, 100000) n;

insert into message_files (id, message_id, key_id, ordinal, media_type, size, refusal)
select id(n), id(n), id(n), 1, 'application/pdf', 4, 'too_large' from generate_series(1, 100000) n;

insert into form_arrivals (digest, since, count)
select decode(md5('text' || n), 'hex'), now() - n * interval '30 milliseconds', 1 from generate_series(1, 100000) n;

insert into cases (id, customer_id, conversation_id, status, owner, resolved_at)
select id(n), id(n), id(n),
    case when n % 20 = 0 then 'resolved' else 'open' end,
    case when n % 500 = 1 then 'human' else 'agent' end,
    case when n % 20 = 0 then now() end
from generate_series(1, 100000) n;

insert into model_spend_of_cases (case_id, tokens_in)
select id(n), n from generate_series(1, 100000) n;

insert into model_spend_of_days (day, slot, tokens_in)
select current_date - d, s, 1000 from generate_series(0, 3650) d, generate_series(0, 15) s;

insert into surveys (id, case_id, resolution_number, conversation_id, channel, answered_by, due_at, message_id,
    asked_at)
select id(n), id(n), 1, id(n), 'chat', 'agent', now(), case when n % 500 > 0 then id(n) end,
    case when n % 500 > 0 then now() end
from generate_series(1, 100000) n;

insert into case_work (case_id, due_at, look_at, paused, turn_id)
select id(n), case when n % 1000 = 0 then now() end, now() + (n % 1000 - 1) * interval '1 hour', n % 500 = 1,
    case when n % 500 < 2 then id(n) end
from generate_series(1, 100000) n;

insert into messages (id, case_id, conversation_id, key_id, sequence, position, direction, author, channel,
    provider_message_id, body_sealed, state)
select id(n), id(n / 5 + 1), id(n / 5 + 1), id(n / 5 + 1), n % 5 + 1, n % 5 + 1,
    case when n % 2 = 0 then 'in' else 'out' end, case when n % 2 = 0 then 'customer' else 'agent' end,
    'chat', n::text, '\\x00',
    case when n % 2 = 1 then 'delivered' when n % 1000 = 0 then 'waiting' when n % 1000 = 2 then 'human'
        else 'handled' end
from generate_series(0, 99999) n;

drop index message_words_tags; -- filled row by row it takes longer than all the rest
insert into message_words (message_id, key_id, words)
select id(n), id(n / 5 + 1),
    array[(n % 65536 - 32768)::smallint, (n * 31 % 65536 - 32768)::smallint, (n * 97 % 65536 - 32768)::smallint]
from generate_series(0, 99999) n;
create index message_words_tags on message_words using gin (words) with (fastupdate = off);

drop index customer_words_tags;
insert into customer_words (customer_id, key_id, words)
select id(n), id(n), array[(n % 65536 - 32768)::smallint, (n * 31 % 65536 - 32768)::smallint]
from generate_series(1, 100000) n;
create index customer_words_tags on customer_words using gin (words) with (fastupdate = off);

insert into turns (id, case_id, status, first_sequence, last_sequence, graph_version, lease_token, outcome, polarity,
    key_id, started_at)
select id(n), id(n / 5 + 1), 'done', n % 5, n % 5, '1', 1, 'answered', 0, id(n / 5 + 1), now()
from generate_series(0, 99999) n;

insert into outbox (id, intent_id, ordinal, message_id, case_id, conversation_id, channel, kind, state)
select id(n), id(n), 1, id(n), id(n / 5 + 1), id(n / 5 + 1),
    'chat', 'reply',
    case n % 1000 when 0 then 'pending' when 1 then 'sending' when 2 then 'unknown' when 3 then 'failed' else 'sent' end
from generate_series(0, 99999) n;

insert into delivery_reports (outbox_id, name, status, rank)
select id(n), n::text, 'delivered', 8 from generate_series(0, 99999) n;

insert into escalations (id, case_id, turn_id, interrupt_id, checkpoint_id, key_id, request_sealed, proposal_hash,
    severity, rules, status, due_at)
select id(n), id(n), id(n), 'i', 'c', id(n), '\\x00', '\\x00', 'P2', '{}',
    case n % 1000 when 0 then 'open' when 1 then 'decided' else 'closed' end, now()
from generate_series(1, 100000) n;

insert into decisions (id, escalation_id, action, reviewer, key_id, seen_sequence)
select id(n), id(n), 'approve', 'test', id(n), 1
from generate_series(1, 100000) n where n % 1000 > 0;

insert into checkpoints (thread_id, checkpoint_id, checkpoint)
select id(n)::text, 'c', '{}' from generate_series(1, 100000) n;

insert into checkpoint_blobs (thread_id, channel, version, type)
select id(n)::text, 'turn', '1', 'msgpack' from generate_series(1, 100000) n;

insert into checkpoint_writes (thread_id, checkpoint_id, task_id, idx, channel, blob)
select id(n)::text, 'c', 't', 0, 'turn', '\\x00' from generate_series(1, 100000) n;

insert into verifications (id, conversation_id, channel, key_id, address_sealed, address_index, state, created_at,
    expires_at)
select id(n), id(n), 'email', id(n), '\\x00', decode(md5('address' || n), 'hex'),
    case when n % 1000 = 0 then 'pending' else 'sent' end, now() - n * interval '1 second', now() + interval '1 hour'
from generate_series(1, 100000) n;

insert into merges (id, source_id, into_id, conversations, identities, merged_by)
select id(n), id(n), id(n + 1), array[id(n)], array[id(n)], 'proof' from generate_series(1, 99999) n;

insert into events (id, kind, case_id, at)
select id(n), 'message.received', id(n / 5 + 1), date_trunc('month', now()) + n * interval '1 second'
from generate_series(0, 99999) n;
"""
