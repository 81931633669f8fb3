-- What nobody knows, asked of the provider: unknown → sent, pending again, or unknown for good.

-- name: claim
-- The next time is set before anybody asks, so that a text that kills whoever asks is asked about less and less.
with due as materialized (
    select id from outbox
    where state = 'unknown' and reconcile_at <= now() and channel = any(%(channels)s)
    order by reconcile_at
    limit %(limit)s
    for update skip locked
)
update outbox o set
    reconciliations = o.reconciliations + 1,
    reconcile_at = case when o.reconciliations + 1 < %(most)s
        then now() + least(%(longest)s::interval, %(first)s::interval * power(2, o.reconciliations)) end
from due, messages m, conversations v, identities i, customer_keys k, customer_keys ik
where o.id = due.id and m.id = o.message_id and v.id = o.conversation_id and i.id = v.identity_id
    and k.id = m.key_id and ik.id = i.key_id
returning
    o.id, o.message_id, o.conversation_id, o.channel, o.kind, o.attempts, m.author, m.body_sealed,
    m.author = 'human' and exists (select from message_files f where f.message_id = m.id) as has_files,
    o.handed_over_at, o.reconciliations, o.reconcile_at is null as last,
    (select count(*) from delivery_reports r where r.outbox_id = o.id and not r.superseded) as reported,
    (
        select case when count(distinct r.part) >= max(r.parts) then (array_agg(r.name order by r.part))[1] end
        from delivery_reports r where r.outbox_id = o.id and not r.superseded
    ) as reported_name,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    i.id as identity_id, i.address_sealed,
    ik.id as address_key_id, ik.customer_id as address_customer_id, ik.wrapped as address_wrapped,
    ik.master_key_id as address_master_key_id;

-- name: known
-- The provider's names of what is no message of this row's: other texts of the talk, and earlier attempts of this one.
select m.provider_message_id as name from messages m
where m.conversation_id = %(conversation_id)s and m.position is not null and m.direction = 'out'
    and m.id <> %(message_id)s
union
select r.name from messages m join outbox o on o.message_id = m.id join delivery_reports r on r.outbox_id = o.id
where m.conversation_id = %(conversation_id)s and m.position is not null and m.direction = 'out'
    and m.id <> %(message_id)s
union
select r.name from delivery_reports r where r.outbox_id = %(id)s and r.superseded;

-- name: settle_arrived
-- The provider has it: it counts as sent, unless somebody was quicker; whoever settles it heeds next what was reported.
-- One that somebody meanwhile wants sent again, and that nobody has begun to send, is here as well: it does not go twice.
with settled as (
    update outbox o set state = 'sent', error = null, settled_at = now(), reconcile_at = null
    where o.id = %(id)s and o.state in ('unknown', 'pending') and o.handed_over_at = %(handed_over_at)s
    returning o.message_id, o.conversation_id, o.case_id, o.channel, o.reported_failure
), placed as (
    update conversations v set next_position = v.next_position + 1
    from settled where v.id = settled.conversation_id
    returning v.next_position - 1 as position
), delivered as (
    update messages m set
        state = 'delivered', delivered_at = now(), position = placed.position,
        provider_message_id = coalesce(%(name)s, m.provider_message_id)
    from settled, placed where m.id = settled.message_id
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select %(event_id)s, 'message.reconciled', case_id, 'agent', jsonb_build_object('channel', channel, 'found', 'arrived')
    from settled
)
select reported_failure is not null as failed from settled;

-- name: settle_absent
-- The provider certainly has nothing: it goes out again, or has failed once it was tried often enough.
with settled as (
    update outbox o set
        state = case when o.attempts < %(attempts)s then 'pending' else 'failed' end,
        settled_at = case when o.attempts < %(attempts)s then null else now() end,
        due_at = now(), reconcile_at = null, reported_failure = null, error = 'the provider does not have it'
    where o.id = %(id)s and o.state = 'unknown' and o.handed_over_at = %(handed_over_at)s
    returning o.case_id, o.channel
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'message.reconciled', case_id, 'agent', jsonb_build_object('channel', channel, 'found', 'absent')
from settled
returning case_id;

-- name: note
-- It stays unknown, with what is known by now; null: it is not asked about again.
update outbox o set error = %(error)s, reconcile_at = case when %(again)s then o.reconcile_at end
where o.id = %(id)s and o.state = 'unknown' and o.handed_over_at = %(handed_over_at)s;
