-- Loading the work of a leased case, and committing its outcome: one statement each, when nothing comes in between.

-- name: load_case
-- The case, its customer's key, the decision that waits to be applied if there is one, and what was written: the oldest
-- messages that wait, as many as asked for, and the newest 20 that don't. A customer who was joined with another has rows
-- under several keys. What was said elsewhere, and a name that may come from there, is only for who is proven in this talk.
select
    c.owner, c.owner_version, c.next_sequence, c.customer_id, v.channel,
    case when who.verified or not exists (
        select from identities p where p.customer_id = u.id and p.verified_at is not null
    ) then u.name_sealed end as name_sealed,
    u.language, u.segment, who.verified,
    k.id as key_id, k.wrapped, k.master_key_id,
    (select count(*) from cases e where e.customer_id = c.customer_id
        and e.opened_at < c.opened_at and e.opened_at > c.opened_at - interval '7 days')
        + case when c.reopened_at > now() - interval '7 days' then c.resolution_number - 1 else 0 end as earlier_cases,
    -- By the index that finds a case's last turns anyway. One of finished_at would cost every turn a write, and save no
    -- read: rows of the last hour are too young for the visibility map. Fifty, so that a long case costs no more.
    (select count(*) from (
        select t.finished_at, t.status, t.rules from turns t where t.case_id = c.id order by t.last_sequence desc limit 50
    ) t where t.finished_at > now() - interval '1 hour' and t.status = 'done' and t.rules = '{}') as answered_within_hour,
    -- Whether the last thing that we said asks if the answer helped.
    coalesce((select o.kind = 'follow_up' from messages m join outbox o on o.message_id = m.id
        where m.case_id = c.id and m.direction = 'out' order by m.sequence desc limit 1), false) as asked_helped,
    s.id as escalation_id, s.interrupt_id, s.key_id as escalation_key_id,
    d.id as decision_id, d.key_id as decision_key_id, d.action, d.reviewer, d.text_sealed, d.reason_sealed, d.seen_sequence, d.covers_later,
    (select max(m.sequence) from messages m where m.case_id = c.id and m.state = 'waiting') as newest_waiting,
    waiting.*, history.*, elsewhere.*, others.*,
    array(
        select t.polarity from turns t where t.case_id = c.id and t.polarity is not null
        order by t.last_sequence desc limit 5
    ) as polarities
from cases c
join conversations v on v.id = c.conversation_id
join identities i on i.id = v.identity_id
join customers u on u.id = c.customer_id
join customer_keys k on k.id = u.key_id
left join escalations s on s.case_id = c.id and s.status = 'decided'
left join decisions d on d.escalation_id = s.id
cross join lateral (
    select i.verified_at is not null or coalesce(v.proven_until > now(), false) as verified
) who
cross join lateral (
    select array_agg(m.id order by m.sequence) as waiting_ids,
        array_agg(m.sequence order by m.sequence) as waiting_sequences,
        array_agg(m.author order by m.sequence) as waiting_authors,
        array_agg(m.body_sealed order by m.sequence) as waiting_bodies,
        array_agg(m.received_at order by m.sequence) as waiting_times,
        array_agg(m.for_person order by m.sequence) as waiting_for_person,
        array_agg(m.key_id order by m.sequence) as waiting_keys
    from (select * from messages where case_id = c.id and state = 'waiting' order by sequence limit %(most)s) m
) waiting
cross join lateral (
    select array_agg(m.id order by m.sequence) as history_ids,
        array_agg(m.sequence order by m.sequence) as history_sequences,
        array_agg(m.author order by m.sequence) as history_authors,
        array_agg(m.body_sealed order by m.sequence) as history_bodies,
        array_agg(m.received_at order by m.sequence) as history_times,
        array_agg(m.for_person order by m.sequence) as history_for_person,
        array_agg(m.key_id order by m.sequence) as history_keys
    from (select * from messages where case_id = c.id and state <> 'waiting' order by sequence desc limit 20) m
) history
cross join lateral (
    select array_agg(e.id order by e.received_at, e.id) as elsewhere_ids,
        array_agg(e.sequence order by e.received_at, e.id) as elsewhere_sequences,
        array_agg(e.author order by e.received_at, e.id) as elsewhere_authors,
        array_agg(e.body_sealed order by e.received_at, e.id) as elsewhere_bodies,
        array_agg(e.received_at order by e.received_at, e.id) as elsewhere_times,
        array_agg(e.for_person order by e.received_at, e.id) as elsewhere_for_person,
        array_agg(e.channel order by e.received_at, e.id) as elsewhere_channels,
        array_agg(e.key_id order by e.received_at, e.id) as elsewhere_keys
    from (
        select m.*
        from (
            select o.id, o.conversation_id from cases o
            where who.verified and o.customer_id = c.customer_id and o.id <> c.id
            order by o.opened_at desc limit 5
        ) o
        join conversations ov on ov.id = o.conversation_id
        join identities oi on oi.id = ov.identity_id
        cross join lateral (
            select * from messages m where m.case_id = o.id and m.position is not null
            order by m.sequence desc limit 10
        ) m
        where (oi.verified_at is not null or ov.proven_by is not null) and m.received_at > now() - interval '7 days'
        order by m.received_at desc, m.id desc limit 10
    ) e
) elsewhere
cross join lateral (
    select array_agg(a.id) as other_keys, array_agg(a.customer_id) as other_customers,
        array_agg(a.wrapped) as other_wrapped, array_agg(a.master_key_id) as other_masters
    from customer_keys a
    where a.id <> k.id
        and a.id = any(waiting_keys || history_keys || elsewhere_keys || array[s.key_id, d.key_id])
) others
where c.id = %(case_id)s;

-- name: some_waiting
select from messages where case_id = %(case_id)s and state = 'waiting' limit 1;

-- name: lock_case
select id, owner, owner_version, conversation_id, next_sequence from cases where id = %(case_id)s for update;

-- name: lock_work
-- Only with the current token of a lease that was not given back; and the newest message that waits, read once the case
-- is locked and none can come in.
select w.paused,
    (select max(m.sequence) from messages m where m.case_id = w.case_id and m.state = 'waiting') as newest_waiting
from case_work w
where w.case_id = %(case_id)s and w.lease_token = %(token)s and w.leased_until is not null
for update;

-- name: finish
-- All that every turn's end writes, in one statement: it is either there whole or not at all.
-- `held` finds the case only as it was loaded. Every message takes a number and every change of owner a version, so
-- when both are the same nothing has come in since, and what else is read here can't be stale. Else no row comes back.
with held as (
    update cases set
        next_sequence = next_sequence + case when %(text_sealed)s::bytea is null then 0 else 1 end,
        owner = case when %(taken_by)s::text is null then owner else 'human' end,
        owner_name = coalesce(%(taken_by)s, owner_name),
        owner_version = owner_version + case when %(taken_by)s::text is null then 0 else 1 end,
        language = coalesce(%(language)s, language)
    where id = %(case_id)s and next_sequence = %(next_sequence)s and owner_version = %(owner_version)s
    returning id, conversation_id
), work as (
    update case_work w set
        -- The fence: an old token, or one whose lease was given back, makes this null, which it may not be, and the
        -- whole statement is refused.
        lease_token = case when w.lease_token = %(token)s and w.leased_until is not null then w.lease_token end,
        lease_holder = null, leased_until = null, attempts = 0, paused = %(paused)s,
        turn_id = case when %(paused)s then w.turn_id end,
        next_turn_at = greatest(w.next_turn_at, now()) + %(pace)s,
        look_at = now() + %(look_in)s::interval,
        due_at = case when %(again)s then greatest(now(), greatest(w.next_turn_at, now()) + %(pace)s - %(ahead)s) end
    from held where w.case_id = held.id
), settled as (
    -- The turn's own messages up to settle_to, and with them all that wait up to rest_to.
    update messages m set state = %(message_state)s,
        turn_id = case
            when m.sequence <= %(settle_to)s or %(message_state)s = 'handled' then %(turn_id)s else m.turn_id
        end
    from held
    where m.case_id = held.id and m.sequence >= %(first_sequence)s and m.direction = 'in'
        and (m.state = 'waiting' and m.sequence <= %(rest_to)s
            or m.state in ('waiting', 'handled') and m.sequence <= %(settle_to)s)
), written as (
    insert into messages (
        id, case_id, conversation_id, key_id, sequence, direction, author, channel, provider_message_id, body_sealed,
        state, turn_id
    )
    select %(message_id)s::uuid, held.id, held.conversation_id, %(key_id)s, %(next_sequence)s, 'out', %(author)s,
        v.channel, %(message_id)s::uuid::text, %(text_sealed)s::bytea, 'written', %(turn_id)s
    from held join conversations v on v.id = held.conversation_id
    where %(text_sealed)s::bytea is not null
    returning id, case_id, conversation_id, channel
), queued as (
    insert into outbox (id, intent_id, ordinal, message_id, case_id, conversation_id, channel, kind)
    select %(outbox_id)s, %(turn_id)s, %(ordinal)s, id, case_id, conversation_id, channel, %(kind)s from written
), turn as (
    insert into turns (
        id, case_id, status, first_sequence, last_sequence, graph_version, lease_token, outcome, polarity, confidence,
        rules, topic, scope, cited, model, key_id, draft_sealed, started_at, milliseconds
    )
    select %(turn_id)s, held.id, %(status)s, %(first_sequence)s, %(last_sequence)s, %(graph_version)s, %(token)s,
        %(outcome)s, %(polarity)s, %(confidence)s, %(rules)s, %(topic)s, %(scope)s, %(cited)s, %(model)s,
        %(key_id)s, %(draft_sealed)s,
        %(started_at)s, %(milliseconds)s
    from held
    on conflict (id) do update set
        status = excluded.status, outcome = excluded.outcome, finished_at = now(), lease_token = excluded.lease_token,
        confidence = excluded.confidence, rules = excluded.rules, cited = excluded.cited, model = excluded.model,
        draft_sealed = excluded.draft_sealed, graph_version = excluded.graph_version
), forgotten as (
    delete from model_replies where turn_id = %(turn_id)s and not %(paused)s and exists (select from held)
), logged as (
    insert into events (id, kind, case_id, actor, data)
    select %(event_id)s, %(event)s, held.id, 'agent', %(event_data)s from held
)
select id from held;

-- name: close_review
-- The decision that resumed this turn is applied, and can't be applied again.
with closed as (
    update escalations set status = 'closed' where id = %(escalation_id)s returning id
)
update decisions set applied_at = now() from closed where escalation_id = closed.id;

-- name: attach_files
-- What the person sends along with their text is the message's from now on. The sealed contents stay where they are.
update message_files f set message_id = %(message_id)s, decision_id = null
from decisions d
where d.escalation_id = %(escalation_id)s and f.decision_id = d.id;

-- name: open_review
-- A draft that was turned down or a case that was handed back makes a new escalation. Where it is still about what the
-- customer wrote before, what they were promised then holds.
insert into escalations (
    id, case_id, turn_id, interrupt_id, checkpoint_id, key_id, request_sealed, proposal_hash, has_draft, severity,
    rules, due_at
)
values (
    %(id)s, %(case_id)s, %(turn_id)s, %(interrupt_id)s, %(checkpoint_id)s, %(key_id)s, %(request_sealed)s,
    %(proposal_hash)s, %(has_draft)s, %(severity)s, %(rules)s, least(now() + %(deadline)s, (
        select min(e.due_at)
        from turns t
        join escalations e on e.case_id = t.case_id
        join turns earlier on earlier.id = e.turn_id
        where t.id = %(turn_id)s and earlier.last_sequence >= t.first_sequence
    ))
);

-- name: clear_thread
with checkpoint as (
    delete from checkpoints where thread_id = %(thread_id)s
), blobs as (
    delete from checkpoint_blobs where thread_id = %(thread_id)s
)
delete from checkpoint_writes where thread_id = %(thread_id)s;

-- name: save_thread
-- What LangGraph's own saver writes, in one statement.
with checkpointed as (
    insert into checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, checkpoint, metadata)
    select %(thread_id)s, '', c.id, c.parent_id, c.checkpoint, c.metadata
    from unnest(
        %(checkpoint_ids)s::text[], %(checkpoint_parents)s::text[],
        %(checkpoints)s::jsonb[], %(checkpoint_metadata)s::jsonb[]
    ) as c(id, parent_id, checkpoint, metadata)
    on conflict (thread_id, checkpoint_ns, checkpoint_id) do update set
        checkpoint = excluded.checkpoint, metadata = excluded.metadata
), blobs as (
    insert into checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
    select %(thread_id)s, '', b.channel, b.version, b.type, b.blob
    from unnest(
        %(blob_channels)s::text[], %(blob_versions)s::text[], %(blob_types)s::text[], %(blobs)s::bytea[]
    ) as b(channel, version, type, blob)
    on conflict do nothing
)
insert into checkpoint_writes (
    thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, blob
)
select %(thread_id)s, '', w.checkpoint_id, w.task_id, w.task_path, w.idx, w.channel, w.type, w.blob
from unnest(
    %(write_checkpoints)s::text[], %(write_tasks)s::text[], %(write_paths)s::text[], %(write_places)s::integer[],
    %(write_channels)s::text[], %(write_types)s::text[], %(writes)s::bytea[]
) as w(checkpoint_id, task_id, task_path, idx, channel, type, blob)
on conflict (thread_id, checkpoint_ns, checkpoint_id, task_id, idx) do update set
    channel = excluded.channel, type = excluded.type, blob = excluded.blob;

-- name: write_outgoing
-- A text for the customer: the message, and its row in the outbox. Written once for an intent and ordinal.
with wanted as (
    insert into messages (
        id, case_id, conversation_id, key_id, sequence, direction, author, channel, provider_message_id, body_sealed,
        state, turn_id
    )
    select %(id)s, c.id, c.conversation_id, %(key_id)s, %(sequence)s, 'out', %(author)s, v.channel, %(id)s::text,
        %(body_sealed)s, 'written', %(turn_id)s
    from cases c join conversations v on v.id = c.conversation_id
    where c.id = %(case_id)s
    returning id, case_id, conversation_id, channel
)
insert into outbox (id, intent_id, ordinal, message_id, case_id, conversation_id, channel, kind)
select %(outbox_id)s, %(intent_id)s, %(ordinal)s, id, case_id, conversation_id, channel, %(kind)s from wanted;

-- name: count_outgoing
update cases set next_sequence = next_sequence + %(count)s where id = %(case_id)s;

-- name: leave_to_person
-- A person owns the case now: what waits, waits for that person.
update messages set state = 'human' where case_id = %(case_id)s and state = 'waiting';

-- name: finish_work
update case_work set
    lease_holder = null, leased_until = null, attempts = 0, paused = %(paused)s,
    turn_id = case when %(paused)s then turn_id end,
    due_at = case when not %(paused)s and exists (
        select from messages m where m.case_id = %(case_id)s and m.state = 'waiting'
    ) then now() end
where case_id = %(case_id)s;

-- name: log
insert into events (id, kind, case_id, actor, data) values (%(id)s, %(kind)s, %(case_id)s, %(actor)s, %(data)s);
