-- One-time codes: asked for, sent by an outbox of their own, typed in. No code and no readable address stands anywhere.

-- name: find_talk
-- The talk of a token, on whichever of the web's channels it is.
select v.id as conversation_id, v.proven_until, coalesce(v.proven_until > now(), false) as proven,
    u.language, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from conversations v
join customers u on u.id = v.customer_id
join customer_keys k on k.id = u.key_id
where v.channel = any(%(channels)s) and v.thread_index = any(%(thread_indexes)s);

-- name: lock
-- Whoever asks for the same address, or from the same talk, is counted one after the other.
select pg_advisory_xact_lock(('x' || encode(%(index)s, 'hex'))::bit(64)::bigint);

-- name: count_asked
-- How often lately: to this address, from this talk, and in all, counted no further than is needed.
select
    (select count(*) from verifications
        where address_index = %(address_index)s and created_at > now() - interval '1 hour') as to_address,
    (select count(*) from verifications
        where address_index = %(address_index)s and created_at > now() - interval '1 day') as to_address_in_a_day,
    (select count(*) from verifications
        where conversation_id = %(conversation_id)s and created_at > now() - interval '1 hour') as from_talk,
    (select count(*) from (
        select from verifications where created_at > now() - interval '1 hour' limit %(most)s
    ) v) as in_all;

-- name: ask
with asked as (
    insert into verifications (
        id, conversation_id, channel, key_id, address_sealed, address_index, language, expires_at
    )
    values (
        %(id)s, %(conversation_id)s, %(channel)s, %(key_id)s, %(address_sealed)s, %(address_index)s, %(language)s,
        now() + %(life)s
    )
    returning id, conversation_id, channel
)
insert into events (id, kind, actor, data)
select %(event_id)s, 'identity.code_asked', 'customer', jsonb_build_object(
    'verification_id', id, 'conversation_id', conversation_id, 'channel', channel
)
from asked;

-- name: claim
-- What is due, or was left by a sender that died: sending a code twice is harmless.
with due as materialized (
    select id from verifications
    where state in ('pending', 'sending') and due_at <= now() and channel = any(%(channels)s) and expires_at > now()
        and (state = 'pending' or claimed_until < now())
    order by due_at
    limit %(limit)s
    for update skip locked
)
update verifications v set
    state = 'sending', attempts = v.attempts + 1, claimed_by = %(holder)s, claimed_until = now() + %(hold)s
from due, customer_keys k
where v.id = due.id and k.id = v.key_id
returning v.id, v.conversation_id, v.channel, v.address_sealed, v.address_index, v.language, v.attempts,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id;

-- name: settle
-- Sent, failed, or to be tried again later: an outcome that nobody knows is that too, while the code counts.
with settled as (
    update verifications set
        state = %(state)s, error = %(error)s, due_at = now() + %(delay)s, claimed_by = null, claimed_until = null
    where id = %(id)s and claimed_by = %(holder)s
    returning id, channel
)
insert into events (id, kind, actor, data)
select %(event_id)s, 'identity.code_' || %(state)s, 'system',
    jsonb_build_object('verification_id', id, 'channel', channel, 'error', %(error)s::text)
from settled where %(state)s <> 'pending';

-- name: try_code
-- The newest code of a talk, if it still counts; every look is a try, whatever was typed in.
update verifications v set tries = tries + 1
from (
    select id from verifications where conversation_id = %(conversation_id)s order by created_at desc, id desc limit 1
) newest
where v.id = newest.id and v.tries < %(most)s and v.expires_at > now()
returning v.id, v.conversation_id, v.channel, v.address_index;

-- name: log
insert into events (id, kind, actor, data) values (%(event_id)s, %(kind)s, %(actor)s, %(data)s);

-- name: forget
-- Codes of yesterday: what is left of them is an address.
delete from verifications where created_at < now() - interval '2 days';
