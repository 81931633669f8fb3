-- Receiving a message: one statement for somebody new, two for a known conversation, a transaction for what is between.

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

-- name: find_related
-- The sender's own talk in which one of these messages stands: a mail program that lost the thread still names them.
select
    v.id as conversation_id, c.id as case_id,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m
join conversations v on v.id = m.conversation_id
join identities i on i.id = v.identity_id
join customers u on u.id = v.customer_id
join customer_keys k on k.id = u.key_id
left join cases c on c.conversation_id = v.id and c.status = 'open'
where m.channel = %(channel)s and m.provider_message_id = any(%(related)s)
    and i.address_index = %(address_index)s and i.verified_at is not null
order by m.received_at desc;

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

-- name: hold_customer
-- Who is about to be joined with another, or parted, is not held before that is done: it takes the row for itself.
select id from customers where id = %(customer_id)s for key share;

-- name: find_identity
select i.id as identity_id, i.customer_id, k.id as key_id, k.wrapped, k.master_key_id
from identities i
join customers u on u.id = i.customer_id
join customer_keys k on k.id = u.key_id
where i.channel = %(channel)s and i.address_index = any(%(address_indexes)s) and i.verified_at is not null
order by array_position(%(address_indexes)s, i.address_index);

-- name: begin
-- Everything that the first message of somebody new needs, at once. No row comes back when the thread is known by now.
with conversation as (
    insert into conversations (id, customer_id, identity_id, channel, thread_index, next_position)
    values (%(conversation_id)s, %(customer_id)s, %(identity_id)s, %(channel)s, %(thread_index)s, 2)
    on conflict (channel, thread_index) do nothing
    returning id
), key as (
    insert into customer_keys (id, customer_id, wrapped, master_key_id)
    select %(key_id)s, %(customer_id)s, %(wrapped)s, %(master_key_id)s from conversation
), customer as (
    insert into customers (id, key_id, name_sealed, language)
    select %(customer_id)s, %(key_id)s, %(name_sealed)s, %(language)s from conversation
), identity as (
    insert into identities (id, customer_id, key_id, channel, address_sealed, address_index, verified_at)
    select %(identity_id)s, %(customer_id)s, %(key_id)s, %(channel)s, %(address_sealed)s, %(address_index)s,
        case when %(verified)s then now() end
    from conversation
), claims as (
    insert into identities (id, customer_id, key_id, channel, address_sealed, address_index)
    select c.id, %(customer_id)s, %(key_id)s, c.channel, c.address, c.index
    from conversation, unnest(
        %(claim_ids)s::uuid[], %(claim_channels)s::text[], %(claim_addresses)s::bytea[], %(claim_indexes)s::bytea[]
    ) as c(id, channel, address, index)
), opened as (
    insert into cases (id, customer_id, conversation_id, next_sequence)
    select %(case_id)s, %(customer_id)s, id, 2 from conversation
), work as (
    insert into case_work (case_id, due_at)
    select %(case_id)s, case when not %(automatic)s then now() + %(settle)s end from conversation
), message as (
    insert into messages (
        id, case_id, conversation_id, key_id, sequence, position, direction, author, channel,
        provider_message_id, body_sealed, state, provider_time, detail_sealed, for_person
    )
    select %(message_id)s, %(case_id)s, id, %(key_id)s, 1, 1, 'in', 'customer', %(channel)s,
        %(provider_message_id)s, %(body_sealed)s, case when %(automatic)s then 'handled' else 'waiting' end,
        %(written_at)s, %(detail_sealed)s, %(for_person)s
    from conversation
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select %(event_id)s, 'message.received', %(case_id)s, 'customer',
        jsonb_build_object('channel', %(channel)s::text, 'message_id', %(message_id)s::uuid)
    from conversation
)
select id from conversation;

-- name: insert_claim
-- The same claim of the same customer is written down once.
insert into identities (id, customer_id, key_id, channel, address_sealed, address_index)
select %(id)s, %(customer_id)s, %(key_id)s, %(channel)s, %(address_sealed)s, %(address_index)s
where not exists (
    select from identities
    where customer_id = %(customer_id)s and channel = %(channel)s and address_index = %(address_index)s
);

-- name: insert_proven
-- An address that the channel proves to be this customer's; no row comes back for one that is proven already.
insert into identities (id, customer_id, key_id, channel, address_sealed, address_index, verified_at)
values (%(id)s, %(customer_id)s, %(key_id)s, %(channel)s, %(address_sealed)s, %(address_index)s, now())
on conflict (channel, address_index) where verified_at is not null do nothing
returning id;

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
select id from cases where conversation_id = %(conversation_id)s and status = 'open';

-- name: insert_message
-- No row comes back when the case was resolved (or reopened) meanwhile, or when the message is already here.
with numbered as (
    update cases set next_sequence = next_sequence + 1
    where id = %(case_id)s and status = %(into)s
    returning id, conversation_id, owner, next_sequence - 1 as sequence
), placed as (
    update conversations v set next_position = next_position + 1
    from numbered where v.id = numbered.conversation_id
    returning next_position - 1 as position
), inserted as (
    insert into messages (
        id, case_id, conversation_id, key_id, sequence, position, direction, author, channel,
        provider_message_id, body_sealed, state, provider_time, detail_sealed, for_person
    )
    select
        %(id)s, numbered.id, numbered.conversation_id, %(key_id)s, numbered.sequence, placed.position, 'in', 'customer',
        %(channel)s, %(provider_message_id)s, %(body_sealed)s,
        case when %(automatic)s then 'handled' when numbered.owner = 'agent' then 'waiting' else 'human' end,
        %(written_at)s, %(detail_sealed)s, %(for_person)s
    from numbered, placed
    on conflict (channel, provider_message_id) do nothing
    returning id, case_id, conversation_id, sequence, position, state
), woken as (
    -- The settle time counts from the first message that waits, so that a stream of messages can't postpone its answer.
    -- A case that is too far ahead of its pace waits longer.
    -- Whether it is paused is asked of the row as it is now, not in the where clause: that would see the row of before
    -- the wait for a resumption that is committing, and the message would wait with nobody to look.
    update case_work w set due_at = case
        when w.paused then w.due_at else least(w.due_at, greatest(now() + %(settle)s, w.next_turn_at - %(ahead)s))
    end
    from inserted where w.case_id = inserted.case_id and inserted.state = 'waiting'
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select %(event_id)s, 'message.received', case_id, 'customer',
        jsonb_build_object('channel', %(channel)s::text, 'message_id', id)
    from inserted
)
select case_id, conversation_id, sequence, position, state from inserted;

-- name: recent_cases
select count(*) as recent from cases where customer_id = %(customer_id)s and opened_at > now() - interval '1 hour';
