-- Loading the work of a leased case, and committing its outcome.

-- name: load_case
-- The case, its customer's key, and the decision that waits to be applied, if there is one.
select
    c.owner, c.customer_id, v.channel,
    u.name_sealed, u.language, u.segment, i.verified_at is not null as verified,
    k.id as key_id, k.wrapped, k.master_key_id,
    (select count(*) from cases e where e.customer_id = c.customer_id
        and e.opened_at < c.opened_at and e.opened_at > c.opened_at - interval '7 days') as earlier_cases,
    s.id as escalation_id, s.interrupt_id, s.key_id as escalation_key_id,
    d.id as decision_id, d.action, d.reviewer, d.text_sealed, d.reason_sealed
from cases c
join conversations v on v.id = c.conversation_id
join identities i on i.id = v.identity_id
join customers u on u.id = c.customer_id
join customer_keys k on k.id = u.key_id
left join escalations s on s.case_id = c.id and s.status = 'decided'
left join decisions d on d.escalation_id = s.id
where c.id = %(case_id)s;

-- name: load_waiting
select m.id, m.sequence, m.author, m.body_sealed, m.received_at
from messages m
where m.case_id = %(case_id)s and m.state = 'waiting'
order by m.sequence
limit %(limit)s;

-- name: load_history
select m.id, m.sequence, m.author, m.body_sealed, m.received_at
from messages m
where m.case_id = %(case_id)s and m.state <> 'waiting'
order by m.sequence desc
limit 20;

-- name: load_polarity
select polarity from turns
where case_id = %(case_id)s and polarity is not null
order by last_sequence desc
limit 5;

-- name: lock_case
select id, owner, conversation_id, next_sequence from cases where id = %(case_id)s for update;

-- name: lock_work
-- Only with the current token; and whether something newer than this turn has come in.
select w.paused,
    exists (select from messages m
        where m.case_id = w.case_id and m.state = 'waiting' and m.sequence > %(last_sequence)s) as newer
from case_work w
where w.case_id = %(case_id)s and w.lease_token = %(token)s
for update;

-- name: settle_messages
update messages set state = %(state)s, turn_id = %(turn_id)s
where case_id = %(case_id)s and direction = 'in' and state in ('waiting', 'handled')
    and sequence between %(first_sequence)s and %(last_sequence)s;

-- name: cover_later
-- The reviewer read these too and said that the answer covers them.
update messages set state = 'handled', turn_id = %(turn_id)s
where case_id = %(case_id)s and state = 'waiting' and sequence <= (
    select seen_sequence from decisions where escalation_id = %(escalation_id)s and covers_later
);

-- name: write_turn
insert into turns (
    id, case_id, status, first_sequence, last_sequence, graph_version, lease_token, outcome, polarity, confidence,
    rules, cited, model, key_id, draft_sealed, started_at, milliseconds
)
values (
    %(id)s, %(case_id)s, %(status)s, %(first_sequence)s, %(last_sequence)s, %(graph_version)s, %(token)s, %(outcome)s,
    %(polarity)s, %(confidence)s, %(rules)s, %(cited)s, %(model)s, %(key_id)s, %(draft_sealed)s, %(started_at)s,
    %(milliseconds)s
)
on conflict (id) do update set
    status = excluded.status, outcome = excluded.outcome, finished_at = now(), lease_token = excluded.lease_token,
    confidence = excluded.confidence, rules = excluded.rules, cited = excluded.cited, model = excluded.model,
    draft_sealed = excluded.draft_sealed, graph_version = excluded.graph_version;

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

-- name: open_escalation
insert into escalations (
    id, case_id, turn_id, interrupt_id, checkpoint_id, key_id, request_sealed, proposal_hash, severity, rules, due_at
)
values (
    %(id)s, %(case_id)s, %(turn_id)s, %(interrupt_id)s, %(checkpoint_id)s, %(key_id)s, %(request_sealed)s,
    %(proposal_hash)s, %(severity)s, %(rules)s, now() + %(deadline)s
);

-- name: close_escalation
with closed as (
    update escalations set status = 'closed' where id = %(escalation_id)s returning id
)
update decisions set applied_at = now() from closed where escalation_id = closed.id;

-- name: take_over
update cases set owner = 'human', owner_name = %(reviewer)s, owner_version = owner_version + 1
where id = %(case_id)s;

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

-- name: forget_model_replies
delete from model_replies where turn_id = %(turn_id)s;

-- name: log
insert into events (id, kind, case_id, actor, data) values (%(id)s, %(kind)s, %(case_id)s, %(actor)s, %(data)s);
