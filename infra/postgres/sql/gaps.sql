-- Questions that the articles don't answer, and what people have decided of them.

-- name: open_turns
-- The newest first. A turn counts when its draft did not answer, or may not fit; and the last one of a case that the
-- agent alone has answered, and whose customer rates that with 1 or 2. What has nothing to do with the company, what was
-- an emergency or an attack, and a draft that a person has approved as it was, leave no question open.
select t.id as turn_id, t.case_id, c.customer_id, t.started_at, coalesce(c.language, u.language) as language,
    d.id as decision_id, d.action, d.article_id, d.decided_at
from (
    (select id from turns
        where (outcome = 'unanswered' or rules && '{unanswered,vip_unanswered,low_confidence}'::text[])
            and started_at > %(since)s
        order by started_at desc limit %(limit)s)
    union
    (select last.id from surveys s
        cross join lateral (
            select id from turns where case_id = s.case_id and outcome = 'answered' and started_at < s.rated_at
            order by last_sequence desc limit 1
        ) last
        where s.rating <= 2 and s.answered_by = 'agent' and s.rated_at > %(since)s
        order by s.rated_at desc limit %(limit)s)
) found
join turns t on t.id = found.id
join cases c on c.id = t.case_id
join customers u on u.id = c.customer_id
left join gap_turns g on g.turn_id = t.id
left join gap_decisions d on d.id = g.decision_id
where t.scope is distinct from 'far' and t.status in ('done', 'paused')
    and not t.rules && '{prompt_injection}'::text[] and not exists (
    select from escalations e left join decisions x on x.escalation_id = e.id
    where e.turn_id = t.id and (e.severity = 'P1' or x.action = 'approve')
)
order by t.started_at desc, t.id desc
limit %(limit)s;

-- name: said
-- What the customer wrote in each turn, and what a person of staff answered first after it.
select w.turn_id, m.id, m.author, m.body_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from unnest(%(turns)s::uuid[]) as w (turn_id)
join turns t on t.id = w.turn_id
cross join lateral (
    (select * from messages where case_id = t.case_id and direction = 'in'
        and sequence between t.first_sequence and t.last_sequence)
    union all
    (select * from messages where case_id = t.case_id and author = 'human' and sequence > t.last_sequence
        order by sequence limit 1)
) m
join customer_keys k on k.id = m.key_id
order by w.turn_id, m.sequence;

-- name: names
-- The names of the customers of these cases, to be kept out of an article; one by one, never all customers.
select distinct on (u.id) u.id, u.name_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from cases c
cross join lateral (select * from customers where id = c.customer_id and name_sealed is not null limit 1) u
join customer_keys k on k.id = u.key_id
where c.id = any(%(cases)s);

-- name: log_reads
insert into events (id, kind, case_id, actor, data)
select new.id, 'case.read', new.case_id, %(actor)s, '{"for": "knowledge gaps"}'
from unnest(%(ids)s::uuid[], %(cases)s::uuid[]) as new (id, case_id);

-- name: one_at_a_time
select pg_advisory_xact_lock(hashtext('csagent gaps'));

-- name: decided
select turn_id, decision_id from gap_turns where turn_id = any(%(turns)s);

-- name: decide
insert into gap_decisions (id, action, article_id, reason, decided_by)
values (%(id)s, %(action)s, %(article_id)s, %(reason)s, %(by)s);

-- name: put_turns
insert into gap_turns (turn_id, decision_id)
select t.id, %(decision_id)s from turns t where t.id = any(%(turns)s)
on conflict (turn_id) do update set decision_id = excluded.decision_id;

-- name: log_decision
insert into events (id, kind, actor, data) values (%(id)s, %(kind)s, %(actor)s, %(data)s);
