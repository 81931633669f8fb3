-- Escalations as reviewers see and decide them.

-- name: queue
-- On some channels an answer can't be sent any more so long after the customer's last message: the nearer end counts.
select s.id, s.case_id, s.severity, s.rules, s.status, s.due_at, s.created_at, s.request_sealed, s.has_draft,
    heard.at + opening.length as window_closes_at, holder.name as claimed_by, s.moved_on_from, v.channel, t.topic,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id, u.name_sealed,
    n.id as name_key_id, n.customer_id as name_customer_id, n.wrapped as name_wrapped,
    n.master_key_id as name_master_key_id, count(*) over () as total
from escalations s
join cases c on c.id = s.case_id
join conversations v on v.id = c.conversation_id
join customers u on u.id = c.customer_id
join customer_keys n on n.id = u.key_id
join customer_keys k on k.id = s.key_id
left join unnest(%(window_channels)s::text[], %(window_lengths)s::interval[]) as opening(channel, length)
    on opening.channel = v.channel
left join lateral (
    select coalesce(m.provider_time, m.received_at) as at from messages m
    where m.conversation_id = v.id and m.direction = 'in' and m.position is not null and opening.length is not null
    order by m.position desc limit 1
) heard on true
cross join lateral (select case when s.claimed_until > now() then s.claimed_by end as name) holder
left join turns t on t.id = s.turn_id
where s.status = 'open'
    and (%(channel)s::text is null or v.channel = %(channel)s)
    and (%(severity)s::text is null or s.severity = %(severity)s)
    and (%(topic)s::text is null or t.topic = %(topic)s)
    and (%(has_draft)s::boolean is null or s.has_draft = %(has_draft)s)
    and (not %(late)s or least(s.due_at, heard.at + opening.length) < now())
    and case %(whose)s::text
        when 'mine' then holder.name = %(reader)s when 'nobodys' then holder.name is null
        when 'others' then holder.name <> %(reader)s else true
    end
order by least(s.due_at, heard.at + opening.length), s.id
limit %(limit)s;

-- name: read
select s.id, s.case_id, s.severity, s.rules, s.status, s.due_at, s.created_at, s.request_sealed, s.proposal_hash,
    heard.at + opening.length as window_closes_at,
    case when s.claimed_until > now() then s.claimed_by end as claimed_by, v.channel,
    u.name_sealed, coalesce(u.language, c.language) as language, u.segment, c.owner, c.owner_name,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    n.id as name_key_id, n.customer_id as name_customer_id, n.wrapped as name_wrapped,
    n.master_key_id as name_master_key_id,
    (select max(m.sequence) from messages m where m.case_id = s.case_id and m.direction = 'in') as newest,
    (select t.last_sequence from turns t where t.id = s.turn_id) as last_sequence,
    (select w.state from case_states w where w.case_id = s.case_id) as state,
    d.action, d.reviewer
from escalations s
join cases c on c.id = s.case_id
join conversations v on v.id = c.conversation_id
join customers u on u.id = c.customer_id
join customer_keys n on n.id = u.key_id
join customer_keys k on k.id = s.key_id
left join decisions d on d.escalation_id = s.id
left join unnest(%(window_channels)s::text[], %(window_lengths)s::interval[]) as opening(channel, length)
    on opening.channel = v.channel
left join lateral (
    select coalesce(m.provider_time, m.received_at) as at from messages m
    where m.conversation_id = v.id and m.direction = 'in' and m.position is not null and opening.length is not null
    order by m.position desc limit 1
) heard on true
where s.id = %(id)s;

-- name: lock_case_of
select c.id from cases c
where c.id = (select case_id from escalations where id = %(id)s)
for update;

-- name: claim
update escalations set claimed_by = %(reviewer)s, claimed_until = now() + %(hold)s
where id = %(id)s and status = 'open' and (claimed_by is null or claimed_by = %(reviewer)s or claimed_until < now())
returning id;

-- name: release
update escalations set claimed_by = null, claimed_until = null
where id = %(id)s and claimed_by = %(reviewer)s
returning id;

-- name: insert_decision
insert into decisions (
    id, escalation_id, action, reviewer, key_id, text_sealed, reason_sealed, seen_sequence, covers_later,
    undo_until
)
values (
    %(id)s, %(escalation_id)s, %(action)s, %(reviewer)s, %(key_id)s, %(text_sealed)s, %(reason_sealed)s,
    %(seen_sequence)s, %(covers_later)s, now() + %(undo)s::interval
);

-- name: mark_decided
with decided as (
    update escalations set status = 'decided', claimed_by = null, claimed_until = null
    where id = %(id)s and status = 'open'
    returning case_id, created_at
), woken as (
    -- Held back so that it can be taken back: no worker begins before.
    update case_work w set due_at = now() + coalesce(%(undo)s::interval, '0') from decided where w.case_id = decided.case_id
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'escalation.decided', case_id, %(reviewer)s, jsonb_build_object(
    'escalation_id', %(id)s::text, 'action', %(action)s::text,
    'seconds', round(extract(epoch from now() - created_at)::numeric, 1)
)
from decided
returning case_id;

-- name: begins
select id from escalations where id between %(first_id)s and %(last_id)s order by id limit 2;

-- name: newest_of
select id, status from escalations where case_id = %(case_id)s order by id desc limit 1;
