-- Cases as staff see them: transcript, owner, and the person's own messages.

-- name: read
select c.id, c.status, c.owner, c.owner_name, c.owner_version, c.opened_at, c.resolved_at, c.resolved_by,
    c.resolved_by_name, c.resolution, c.resolution_number, v.channel,
    u.name_sealed, coalesce(u.language, c.language) as language, u.segment,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    (select s.id from escalations s where s.case_id = c.id and s.status in ('open', 'decided')) as escalation_id,
    (select w.state from case_states w where w.case_id = c.id) as state
from cases c
join conversations v on v.id = c.conversation_id
join customers u on u.id = c.customer_id
join customer_keys k on k.id = u.key_id
where c.id = %(case_id)s;

-- name: transcript
select m.id, m.sequence, m.direction, m.author, m.state, m.body_sealed,
    m.received_at as at, case
        when o.state = 'sent' and report.status in ('delivered', 'read') then report.status else o.state
    end as delivery,
    exists (select from message_files f where f.message_id = m.id) as has_files,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m
join customer_keys k on k.id = m.key_id
left join outbox o on o.message_id = m.id
left join lateral (
    -- Of several messages that it became, the one that got least far.
    select r.status from delivery_reports r
    where r.outbox_id = o.id and not r.superseded order by r.rank, r.part limit 1
) report on true
where m.case_id = %(case_id)s
order by m.sequence desc
limit %(limit)s;

-- name: turns
-- What the agent made of each turn, for whoever wants to know why. A passage that was indexed anew is not named any more.
select t.id, t.status, t.outcome, t.first_sequence, t.last_sequence, t.confidence, t.polarity, t.rules, t.model,
    t.milliseconds, t.finished_at,
    array(
        select distinct a.title from passages p join articles a on a.id = p.article_id where p.id = any(t.cited)
    ) as cited
from turns t
where t.case_id = %(case_id)s
order by t.last_sequence;

-- name: set_segment
update customers set segment = %(segment)s where id = (select customer_id from cases where id = %(case_id)s);

-- name: withheld_draft
select t.id, t.draft_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from turns t join customer_keys k on k.id = t.key_id
where t.case_id = %(case_id)s and t.draft_sealed is not null
order by t.last_sequence desc, t.finished_at desc
limit 1;

-- name: owned_by_people
-- Every such case is looked into, for the order is by what waits; the rest only of those that are shown.
select o.id, o.owner_name, o.opened_at, v.channel, o.waiting, o.waiting_since, o.total, asked.severity,
    case when o.waiting_since <= asked.created_at then asked.due_at end as due_at,
    said.message_id, said.body_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    u.name_sealed, n.id as name_key_id, n.customer_id as name_customer_id, n.wrapped as name_wrapped,
    n.master_key_id as name_master_key_id
from (
    select c.id, c.owner_name, c.opened_at, c.conversation_id, c.customer_id, w.waiting, w.waiting_since,
        count(*) over () as total
    from cases c
    cross join lateral (
        select count(*) as waiting, min(m.received_at) as waiting_since
        from messages m where m.case_id = c.id and m.state = 'human'
    ) w
    where c.owner = 'human' and c.status = 'open'
    order by w.waiting_since nulls last, c.opened_at
    limit %(limit)s
) o
join conversations v on v.id = o.conversation_id
join customers u on u.id = o.customer_id
join customer_keys n on n.id = u.key_id
left join lateral (
    select s.severity, s.created_at, s.due_at
    from escalations s join decisions d on d.escalation_id = s.id
    where s.case_id = o.id and d.action = 'take_over'
    order by s.created_at desc limit 1
) asked on true
left join lateral (
    select m.id as message_id, m.body_sealed, m.key_id
    from messages m where m.case_id = o.id and m.direction = 'in' order by m.sequence desc limit 1
) said on true
left join customer_keys k on k.id = said.key_id
order by o.waiting_since nulls last, o.opened_at;

-- name: asked_for
-- What a case that a person owns was taken over for. The deadline holds while a message from before it has no answer.
select s.id, s.severity, s.request_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    case when exists (
        select from messages m where m.case_id = s.case_id and m.state = 'human' and m.received_at <= s.created_at
    ) then s.due_at end as due_at
from cases c
join escalations s on s.case_id = c.id
join decisions d on d.escalation_id = s.id
join customer_keys k on k.id = s.key_id
where c.id = %(case_id)s and c.owner = 'human' and c.status = 'open' and d.action = 'take_over'
order by s.created_at desc limit 1;

-- name: lock
select c.id, c.status, c.owner, c.owner_name, c.next_sequence, c.conversation_id, v.channel,
    c.language, u.language as own_language,
    -- Whether the customer has heard of a person since they last heard that the agent answers.
    coalesce((
        select m.author = 'human' or o.kind <> 'hand_back' from messages m join outbox o on o.message_id = m.id
        where m.case_id = c.id and (m.author = 'human' or o.kind in ('handoff', 'failure', 'hand_back'))
        order by m.sequence desc limit 1
    ), false) as met_person,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    (select s.status from escalations s where s.case_id = c.id and s.status in ('open', 'decided')) as escalation
from cases c
join conversations v on v.id = c.conversation_id
join customers u on u.id = c.customer_id
join customer_keys k on k.id = u.key_id
where c.id = %(case_id)s
for update of c;

-- name: own
update cases set owner = 'human', owner_name = %(reviewer)s, owner_version = owner_version + 1
where id = %(case_id)s;

-- name: waiting_to_person
with moved as (
    update messages set state = 'human' where case_id = %(case_id)s and state = 'waiting'
)
update case_work set due_at = null where case_id = %(case_id)s and lease_holder is null;

-- name: hand_back
-- A turn that began before the person took over knows nothing of what they did: from now on its token is an old one.
with back as (
    update cases set owner = 'agent', owner_name = null, owner_version = owner_version + 1 where id = %(case_id)s
    returning id
)
update case_work w set
    lease_token = w.lease_token + 1, lease_holder = null, leased_until = null, due_at = null, attempts = 0, turn_id = null
from back where w.case_id = back.id;

-- name: waiting_to_agent
with moved as (
    update messages set state = 'waiting' where case_id = %(case_id)s and state = 'human' returning id
)
update case_work set due_at = now() where case_id = %(case_id)s and not paused and exists (select from moved);

-- name: answered_by_person
update messages set state = 'handled' where case_id = %(case_id)s and state = 'human';

-- name: find_written
-- A person's message with this intent, if it was written before.
select o.message_id from outbox o where o.intent_id = %(intent_id)s;

-- name: log
insert into events (id, kind, case_id, actor, data) values (%(event_id)s, %(kind)s, %(case_id)s, %(actor)s, %(data)s);
