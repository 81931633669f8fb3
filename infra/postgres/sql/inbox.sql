-- Receiving a message: two statements for a known conversation, one longer transaction for a new one.

-- name: find_conversation
-- Everything that a message of this thread needs, and the message itself if it is already here.
select
    v.id as conversation_id, c.id as case_id,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from conversations v
join customers u on u.id = v.customer_id
join customer_keys k on k.id = u.key_id
left join cases c on c.conversation_id = v.id and c.status = 'open'
where v.channel = %(channel)s and v.thread_index = %(thread_index)s;

-- name: find_message
select
    m.id, m.conversation_id, m.case_id, m.sequence, m.position, m.body_sealed,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m
join customer_keys k on k.id = m.key_id
where m.channel = %(channel)s and m.provider_message_id = %(provider_message_id)s;

-- name: lock_address
-- Ten first messages of one new contact at once wait here for each other.
select pg_advisory_xact_lock(('x' || encode(%(address_index)s, 'hex'))::bit(64)::bigint);

-- name: find_identity
select i.id as identity_id, i.customer_id, k.id as key_id, k.wrapped, k.master_key_id
from identities i
join customers u on u.id = i.customer_id
join customer_keys k on k.id = u.key_id
where i.channel = %(channel)s and i.address_index = %(address_index)s and i.verified_at is not null;

-- name: insert_customer
with key as (
    insert into customer_keys (id, customer_id, wrapped, master_key_id)
    values (%(key_id)s, %(customer_id)s, %(wrapped)s, %(master_key_id)s)
    returning id
)
insert into customers (id, key_id, name_sealed, language)
select %(customer_id)s, key.id, %(name_sealed)s, %(language)s from key;

-- name: insert_identity
insert into identities (id, customer_id, key_id, channel, address_sealed, address_index, verified_at)
values (
    %(id)s, %(customer_id)s, %(key_id)s, %(channel)s, %(address_sealed)s, %(address_index)s,
    case when %(verified)s then now() end
);

-- name: insert_claim
-- The same claim of the same customer is written down once.
insert into identities (id, customer_id, key_id, channel, address_sealed, address_index)
select %(id)s, %(customer_id)s, %(key_id)s, %(channel)s, %(address_sealed)s, %(address_index)s
where not exists (
    select from identities
    where customer_id = %(customer_id)s and channel = %(channel)s and address_index = %(address_index)s
);

-- name: insert_conversation
insert into conversations (id, customer_id, identity_id, channel, thread_index)
values (%(id)s, %(customer_id)s, %(identity_id)s, %(channel)s, %(thread_index)s)
on conflict (channel, thread_index) do nothing
returning id;

-- name: open_case
-- Whoever comes second waits for the first, and finds no row here but its case on the next look. The conversation is not
-- locked for this: locks are taken in one order everywhere, case before conversation.
with opened as (
    insert into cases (id, customer_id, conversation_id)
    values (%(id)s, %(customer_id)s, %(conversation_id)s)
    on conflict (conversation_id) where status = 'open' do nothing
    returning id
), work as (
    insert into case_work (case_id) select id from opened
)
select id from opened
union all
select id from cases where conversation_id = %(conversation_id)s and status = 'open'
limit 1;

-- name: insert_message
-- No row comes back when the case was resolved meanwhile, or when the message is already here.
with numbered as (
    update cases set next_sequence = next_sequence + 1
    where id = %(case_id)s and status = 'open'
    returning id, conversation_id, owner, next_sequence - 1 as sequence
), placed as (
    update conversations v set next_position = next_position + 1
    from numbered where v.id = numbered.conversation_id
    returning next_position - 1 as position
), inserted as (
    insert into messages (
        id, case_id, conversation_id, key_id, sequence, position, direction, author, channel,
        provider_message_id, body_sealed, state, provider_time
    )
    select
        %(id)s, numbered.id, numbered.conversation_id, %(key_id)s, numbered.sequence, placed.position, 'in', 'customer',
        %(channel)s, %(provider_message_id)s, %(body_sealed)s,
        case numbered.owner when 'agent' then 'waiting' else 'human' end, %(written_at)s
    from numbered, placed
    on conflict (channel, provider_message_id) do nothing
    returning id, case_id, conversation_id, sequence, position, state
), woken as (
    -- The settle time counts from the first message that waits, so that a stream of messages can't postpone its answer.
    update case_work w set due_at = least(w.due_at, now() + %(settle)s)
    from inserted where w.case_id = inserted.case_id and inserted.state = 'waiting' and not w.paused
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select %(event_id)s, 'message.received', case_id, 'customer',
        jsonb_build_object('channel', %(channel)s::text, 'message_id', id)
    from inserted
)
select case_id, conversation_id, sequence, position, state from inserted;
