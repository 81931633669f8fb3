-- Delivery: pending → sending (committed before the call) → sent, failed or unknown. Only what is being sent has a claim.

-- name: claim
-- The oldest unsettled text of a conversation only: order holds, and an unknown one holds back what follows it.
-- Materialized: a join that asked for what is due once for every row of its other side would get further rows each time.
with due as materialized (
    select id from outbox candidate
    where state = 'pending' and due_at <= now() and (channel = any(%(channels)s)) = %(among)s and not exists (
        select from outbox earlier
        where earlier.conversation_id = candidate.conversation_id and earlier.position < candidate.position
            and earlier.state in ('pending', 'sending', 'unknown')
    )
    order by due_at, position
    limit %(limit)s
    for update skip locked
)
update outbox o set
    state = 'sending', attempts = o.attempts + 1, claimed_by = %(holder)s, claimed_until = now() + %(hold)s,
    handed_over_at = now(), reconciliations = 0, undo_until = null
from due, messages m, conversations v, identities i, customer_keys k, customer_keys ik
where o.id = due.id and m.id = o.message_id and v.id = o.conversation_id and i.id = v.identity_id
    and k.id = m.key_id and ik.id = i.key_id
returning
    o.id, o.message_id, o.conversation_id, o.channel, o.kind, o.attempts, m.author, m.body_sealed,
    m.author = 'human' and exists (select from message_files f where f.message_id = m.id) as has_files,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    i.id as identity_id, i.address_sealed,
    ik.id as address_key_id, ik.customer_id as address_customer_id, ik.wrapped as address_wrapped,
    ik.master_key_id as address_master_key_id;

-- name: settle_sent
-- A report that it failed may be here sooner than the answer that it was taken: whoever settles it heeds that next.
with settled as (
    update outbox o set
        state = 'sent', error = null, settled_at = now(), claimed_by = null, claimed_until = null
    from unnest(%(ids)s::uuid[], %(names)s::text[], %(event_ids)s::uuid[]) as taken(id, name, event_id)
    where o.id = taken.id and o.claimed_by = %(holder)s
    returning
        o.id, o.message_id, o.conversation_id, o.case_id, o.kind, o.channel, o.reported_failure, taken.name,
        taken.event_id
), placed as (
    update conversations v set next_position = v.next_position + 1
    from settled where v.id = settled.conversation_id
    returning v.id as conversation_id, v.next_position - 1 as position
), delivered as (
    update messages m set
        state = 'delivered', delivered_at = now(), position = placed.position,
        provider_message_id = coalesce(settled.name, m.provider_message_id)
    from settled join placed using (conversation_id)
    where m.id = settled.message_id
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select event_id, 'message.sent', case_id, 'agent', jsonb_build_object('kind', kind, 'channel', channel)
    from settled
)
select id, reported_failure is not null as failed from settled;

-- name: settle_retry
update outbox set
    state = 'pending', due_at = now() + %(delay)s, claimed_by = null, claimed_until = null, error = %(error)s,
    attempts = attempts - case when %(counts)s then 0 else 1 end
where id = %(id)s and claimed_by = %(holder)s;

-- name: settle_lost
-- failed: the provider refused for good. unknown: nobody knows, so a person looks before anything is sent again.
with settled as (
    update outbox set
        state = %(state)s, settled_at = now(), claimed_by = null, claimed_until = null, error = %(error)s,
        reconcile_at = case when %(state)s = 'unknown' then now() end
    where id = %(id)s and claimed_by = %(holder)s
    returning case_id, channel
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'message.' || %(state)s, case_id, 'agent', jsonb_build_object('channel', channel, 'error', %(error)s::text)
from settled;

-- name: recover
-- A sender died in the middle of a call. Where sending twice has the effect of once, it is sent again; else nobody knows.
update outbox set
    state = case when channel = any(%(repeatable)s) then 'pending' else 'unknown' end,
    settled_at = case when channel = any(%(repeatable)s) then null else now() end,
    reconcile_at = case when channel = any(%(repeatable)s) then null else now() end,
    error = 'the sender died in the middle of the call', claimed_by = null, claimed_until = null
where state = 'sending' and claimed_until < now()
returning id, state;

-- name: troubled
select o.id, o.case_id, o.channel, o.kind, o.state, o.attempts, o.error, o.created_at
from outbox o where o.state in ('failed', 'unknown') and o.settled_by is null
order by o.created_at limit %(limit)s;

-- name: wait_briefly
-- In this transaction, and shorter than it takes the server to find a deadlock.
select set_config('lock_timeout', '500ms', true);

-- name: lock_texts
-- What a sender could claim next in a text's conversation; while it is locked none does.
select id from outbox
where conversation_id = (select conversation_id from outbox where id = %(id)s)
    and state = 'pending'
for update;

-- name: lock_conversation_of
-- No further text comes in meanwhile.
select id from conversations where id = (select conversation_id from outbox where id = %(id)s) for update;

-- name: settle_by_hand
-- What a person found out at the provider, of a send that is nobody's yet: the second of two people changes nothing.
-- A refused text did not arrive, and goes again only while nothing later did: order holds.
with settled as (
    update outbox o set
        state = case %(finding)s when 'arrived' then 'sent' when 'send_again' then 'pending' else 'failed' end,
        settled_at = case when %(finding)s <> 'send_again' then now() end,
        settled_by = case when %(finding)s <> 'send_again' then %(person)s end,
        attempts = case when %(finding)s <> 'send_again' then o.attempts else 0 end, due_at = now(),
        reconcile_at = null, reported_failure = null
    where o.id = %(id)s and o.settled_by is null and (
        o.state = 'unknown'
        or o.state = 'failed' and %(finding)s = 'given_up'
        or o.state = 'failed' and %(finding)s = 'send_again' and not exists (
            select from outbox later
            where later.conversation_id = o.conversation_id and later.position > o.position
                and later.state in ('sending', 'sent', 'unknown')
        )
    )
    returning o.id, o.message_id, o.conversation_id, o.case_id, o.channel
), superseded as (
    update delivery_reports r set superseded = true from settled
    where r.outbox_id = settled.id and %(finding)s = 'send_again'
), placed as (
    update conversations v set next_position = v.next_position + 1
    from settled where v.id = settled.conversation_id and %(finding)s = 'arrived'
    returning v.next_position - 1 as position
), delivered as (
    update messages m set state = 'delivered', delivered_at = now(), position = placed.position
    from settled, placed where m.id = settled.message_id
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'message.settled', case_id, %(person)s,
    jsonb_build_object('channel', channel, 'finding', %(finding)s::text)
from settled
returning case_id;

-- name: state_of
select state, settled_by from outbox where id = %(id)s;

-- name: waiting
select count(*) as pending,
    coalesce(extract(epoch from now() - min(due_at)), 0)::float8 as oldest_seconds,
    (select count(*) from outbox where state = 'unknown') as unknown,
    (select count(*) from outbox where state = 'failed' and settled_by is null) as failed
from outbox where state = 'pending' and due_at <= now();
