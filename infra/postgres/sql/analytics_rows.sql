-- Computing the rows that figures are made of. Each block may run again and again: the same events make the same rows.

-- name: lock
-- Whoever comes second leaves it to the first.
select pg_try_advisory_xact_lock(7041726) as mine;

-- name: begin
insert into analytics_progress (seen_at, filled_to, computed_at)
values (now(), '00000000-0000-0000-0000-000000000000', now())
on conflict do nothing;

-- name: progress
-- Up to where events are read now: a quarter of an hour beyond the next one, so that no step is long.
select p.seen_at, p.filled_to, now() as now,
    least(now(), greatest(p.seen_at, coalesce(next.at, now())) + interval '15 minutes') as until
from analytics_progress p
left join lateral (select e.at from events e where e.at > p.seen_at order by e.at limit 1) next on true;

-- name: cases_behind
select c.id from cases c where c.id > %(behind_id)s order by c.id limit %(limit)s;

-- name: filled
update analytics_progress set filled_to = %(last_id)s;

-- name: changed
-- Cases in which something happened, and those of customers who were joined, parted, or are another kind of customer now.
-- Events carry the time at which their transaction began, so a little is read again.
with lately as (
    select e.case_id, e.kind, e.data from events e where e.at > %(since)s and e.at <= %(until)s
), named as (
    select (data ->> 'source_id')::uuid as id from lately where kind in ('customer.merged', 'customer.unmerged')
    union
    select (data ->> 'into_id')::uuid from lately where kind in ('customer.merged', 'customer.unmerged')
    union
    select c.customer_id from lately join cases c on c.id = lately.case_id where kind = 'customer.segment_set'
)
select case_id from lately where case_id is not null
union
select c.id from named join cases c on c.customer_id = named.id;

-- name: seen
update analytics_progress set seen_at = %(until)s, computed_at = greatest(computed_at, %(until)s);

-- name: look_back
-- Events of the last days are read once more, for a server's clock may have gone back.
update analytics_progress set seen_at = least(seen_at, now() - %(span)s);

-- name: start_over
update analytics_progress set filled_to = '00000000-0000-0000-0000-000000000000';

-- name: compute_labels
insert into analytics_labels (channel, language, segment, topic)
select distinct v.channel, coalesce(c.language, ''), u.segment, coalesce(about.topic, '')
from cases c
-- One by one: a few hundred cases, beside all conversations and customers there are.
cross join lateral (select v.channel from conversations v where v.id = c.conversation_id limit 1) v
cross join lateral (select u.segment from customers u where u.id = c.customer_id limit 1) u
left join lateral (
    select t.topic from turns t where t.case_id = c.id and t.topic is not null
    order by t.last_sequence desc, t.finished_at desc limit 1
) about on true
where c.id = any(%(cases)s) and not exists (
    select from analytics_labels l
    where l.channel = v.channel and l.language = coalesce(c.language, '') and l.segment = u.segment
        and l.topic = coalesce(about.topic, '')
);

-- name: compute_cases
-- A reply counts when it was delivered. One that a person wrote past us, in the channel's own program, has that program's
-- time, which can't be later than when we found it. No length is below zero, whatever clocks say.
with heard as (
    select m.case_id, min(m.received_at) as at from messages m
    where m.case_id = any(%(cases)s) and m.direction = 'in'
    group by m.case_id
), handed as (
    select e.case_id, min(e.at) as at from events e
    where e.case_id = any(%(cases)s)
        and e.kind in ('escalation.opened', 'case.taken_over', 'case.answered_elsewhere', 'turn.dead')
    group by e.case_id
), replies as (
    select r.case_id, min(r.at) filter (where not r.by_person) as by_agent, min(r.at) filter (where r.by_person) as by_person
    from (
        select m.case_id,
            case when o.id is null then least(m.delivered_at, m.received_at) else m.delivered_at end as at,
            m.author = 'human' or exists (
                select from escalations s join decisions d on d.escalation_id = s.id
                where s.case_id = m.case_id and s.turn_id = m.turn_id and d.action in ('approve', 'edit', 'answer')
            ) as by_person
        from messages m left join outbox o on o.message_id = m.id
        where m.case_id = any(%(cases)s) and m.direction = 'out' and m.author in ('agent', 'human')
            and m.state = 'delivered' and (o.id is null or o.kind = 'reply' and o.state = 'sent')
    ) r
    group by r.case_id
)
insert into analytics_cases as known (
    case_id, conversation_id, customer_id, label_id, opened_at,
    agent_seconds, to_person_at, person_seconds, money
)
select c.id, c.conversation_id, c.customer_id, l.id, c.opened_at,
    case when replies.by_agent is not null
        then greatest(0, extract(epoch from replies.by_agent - coalesce(heard.at, c.opened_at))) end,
    handed.at,
    case when replies.by_person is not null and handed.at is not null
        then greatest(0, extract(epoch from replies.by_person - handed.at)) end,
    coalesce(s.money, 0)
from cases c
-- One by one: a few hundred cases, beside all conversations and customers there are.
cross join lateral (select v.channel from conversations v where v.id = c.conversation_id limit 1) v
cross join lateral (select u.segment from customers u where u.id = c.customer_id limit 1) u
left join heard on heard.case_id = c.id
left join handed on handed.case_id = c.id
left join replies on replies.case_id = c.id
left join lateral (select s.money from model_spend_of_cases s where s.case_id = c.id limit 1) s on true
left join lateral (
    select t.topic from turns t where t.case_id = c.id and t.topic is not null
    order by t.last_sequence desc, t.finished_at desc limit 1
) about on true
join analytics_labels l on l.channel = v.channel and l.language = coalesce(c.language, '') and l.segment = u.segment
    and l.topic = coalesce(about.topic, '')
where c.id = any(%(cases)s)
on conflict (case_id) do update set
    customer_id = excluded.customer_id, label_id = excluded.label_id, agent_seconds = excluded.agent_seconds,
    -- Events may have gone to the archive before their case.
    to_person_at = least(excluded.to_person_at, known.to_person_at),
    person_seconds = coalesce(excluded.person_seconds, known.person_seconds),
    money = excluded.money
where (known.customer_id, known.label_id, known.agent_seconds, known.to_person_at, known.person_seconds, known.money)
    is distinct from (excluded.customer_id, excluded.label_id, excluded.agent_seconds, excluded.to_person_at,
        excluded.person_seconds, excluded.money);

-- name: compute_ends
-- An end without a person is one of a case that nobody but the agent had a part in until then.
with ended as (
    select distinct on (e.case_id, n.number) e.case_id, n.number, e.at, e.data ->> 'by' as by
    from events e
    cross join lateral (select coalesce((e.data ->> 'resolution')::integer, 1) as number) n
    where e.case_id = any(%(cases)s) and e.kind = 'case.resolved'
    order by e.case_id, n.number, e.at
), reopened as (
    select e.case_id, (e.data ->> 'resolution')::integer - 1 as number, min(e.at) as at
    from events e
    where e.case_id = any(%(cases)s) and e.kind = 'case.reopened'
    group by 1, 2
), judged as (
    select distinct on (e.case_id, n.number) e.case_id, n.number, e.at, (e.data ->> 'solved')::boolean as solved
    from events e
    cross join lateral (select (e.data ->> 'resolution')::integer as number) n
    where e.case_id = any(%(cases)s) and e.kind = 'case.judged'
    order by e.case_id, n.number, e.at desc
)
insert into analytics_ends as known (
    case_id, number, ended_at, seconds, how, reopened_at, rating, rated_at, judged_at, solved
)
select ended.case_id, ended.number, ended.at,
    case
        when ended.number = 1 then greatest(0, extract(epoch from ended.at - c.opened_at))
        when begun.at is not null then greatest(0, extract(epoch from ended.at - begun.at))
    end,
    case
        when ended.by = 'person' or c.to_person_at <= ended.at then 'person'
        when ended.by in ('customer', 'agent') then 'confirmed'
        when ended.by = 'silence' then 'assumed'
        else 'unknown'
    end,
    reopened.at, s.rating, s.rated_at, judged.at, judged.solved
from ended
join analytics_cases c on c.case_id = ended.case_id
left join reopened on reopened.case_id = ended.case_id and reopened.number = ended.number
left join reopened begun on begun.case_id = ended.case_id and begun.number = ended.number - 1
left join judged on judged.case_id = ended.case_id and judged.number = ended.number
left join surveys s on s.case_id = ended.case_id and s.resolution_number = ended.number
on conflict (case_id, number) do update set
    seconds = coalesce(excluded.seconds, known.seconds), how = excluded.how,
    reopened_at = coalesce(excluded.reopened_at, known.reopened_at),
    rating = coalesce(excluded.rating, known.rating), rated_at = coalesce(excluded.rated_at, known.rated_at),
    judged_at = coalesce(excluded.judged_at, known.judged_at), solved = coalesce(excluded.solved, known.solved)
where (known.seconds, known.how, known.reopened_at, known.rating, known.rated_at, known.judged_at, known.solved)
    is distinct from (excluded.seconds, excluded.how, excluded.reopened_at, excluded.rating, excluded.rated_at,
        excluded.judged_at, excluded.solved);

-- name: sum_ends
update analytics_ends known set
    open_seconds = summed.seconds, label_id = summed.label_id, customer_id = summed.customer_id
from (
    select e.case_id, e.number, c.label_id, c.customer_id, sum(e.seconds) over (partition by e.case_id order by e.number) as seconds
    from analytics_ends e join analytics_cases c on c.case_id = e.case_id
    where e.case_id = any(%(cases)s)
) summed
where known.case_id = summed.case_id and known.number = summed.number
    and (known.open_seconds, known.label_id, known.customer_id)
        is distinct from (summed.seconds, summed.label_id, summed.customer_id);

-- name: withdraw_work
-- What somebody took back is no work; what they decided instead is computed next.
delete from analytics_work known using events e
where known.case_id = any(%(cases)s) and e.case_id = known.case_id
    and e.kind in ('escalation.undone', 'message.undone') and e.at >= known.at
    and known.id = coalesce(e.data ->> 'escalation_id', e.data ->> 'message_id')::uuid;

-- name: compute_work
insert into analytics_work (id, case_id, person, at, action, seconds)
select distinct on (w.id) w.id, w.case_id, w.person, w.at, w.action, w.seconds
from (
    select coalesce((e.data ->> 'escalation_id')::uuid, (e.data ->> 'message_id')::uuid, e.id) as id, e.case_id, e.actor as person, e.at,
        coalesce(e.data ->> 'action', 'reply') as action, (e.data ->> 'seconds')::float8 as seconds
    from events e
    where e.case_id = any(%(cases)s) and e.kind in ('escalation.decided', 'case.answered_by_person')
        and e.actor is not null
) w
where not exists (
    select from events undone
    where undone.case_id = w.case_id and undone.kind in ('escalation.undone', 'message.undone') and undone.at >= w.at
        and coalesce(undone.data ->> 'escalation_id', undone.data ->> 'message_id')::uuid = w.id
)
order by w.id, w.at
on conflict (id) do nothing;

-- name: label_work
update analytics_work known set label_id = c.label_id
from analytics_cases c
where known.case_id = any(%(cases)s) and c.case_id = known.case_id and known.label_id is distinct from c.label_id;

-- name: follow_customers
-- Who was joined with another, or parted: in cases that are in the archive too, for conversations stay.
with named as (
    select (e.data ->> 'source_id')::uuid as id from events e
    where e.kind in ('customer.merged', 'customer.unmerged') and e.at > %(since)s and e.at <= %(until)s
    union
    select (e.data ->> 'into_id')::uuid from events e
    where e.kind in ('customer.merged', 'customer.unmerged') and e.at > %(since)s and e.at <= %(until)s
), moved as (
    update analytics_cases known set customer_id = v.customer_id
    from named join conversations v on v.customer_id = named.id
    where known.conversation_id = v.id and known.customer_id <> v.customer_id
    returning known.case_id, known.customer_id
), ends as (
    update analytics_ends known set customer_id = moved.customer_id from moved where known.case_id = moved.case_id
)
select case_id from moved;

-- name: judge
-- Somebody has read a case that is over, and says whether its matter is solved. No row comes back for one that is open.
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'case.judged', c.id, %(person)s,
    jsonb_build_object('resolution', c.resolution_number, 'solved', %(solved)s::boolean)
from cases c where c.id = %(case_id)s and c.status = 'resolved'
returning case_id;
