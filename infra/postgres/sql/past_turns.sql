-- Turns that have ended, as they were found when they began: what another policy would have said of them is asked here.

-- name: ended
-- The newest first. A turn's end and its event are one transaction, so both have the same time: the index of events by
-- kind finds turns by time, and a case's turns are few.
select t.id, t.case_id
from (
    (select e.case_id, e.at from events e
        where e.kind = 'turn.answered' and e.at > %(since)s order by e.at desc limit %(limit)s)
    union all
    (select e.case_id, e.at from events e
        where e.kind = 'escalation.opened' and e.at > %(since)s order by e.at desc limit %(limit)s)
    union all
    (select e.case_id, e.at from events e
        where e.kind = 'case.taken_over' and e.at > %(since)s order by e.at desc limit %(limit)s)
) e
join turns t on t.case_id = e.case_id and t.finished_at = e.at
order by e.at desc
limit %(limit)s;

-- name: past_turn
-- What a turn started from, but for its texts. Who was proven then is known as far as it was not proven anew since.
select t.id, t.case_id, t.first_sequence, t.last_sequence, t.started_at, t.rules, c.customer_id, v.channel,
    u.language, u.segment,
    coalesce(i.verified_at <= t.started_at, false) or coalesce(v.proven_until > t.started_at, false) as verified,
    (select count(*) from cases e where e.customer_id = c.customer_id
        and e.opened_at < c.opened_at and e.opened_at > c.opened_at - interval '7 days')
        + case when c.reopened_at between t.started_at - interval '7 days' and t.started_at
            then c.resolution_number - 1 else 0 end as earlier_cases,
    (select count(*) from (
        select p.finished_at, p.status, p.rules from turns p
        where p.case_id = t.case_id and p.last_sequence < t.first_sequence order by p.last_sequence desc limit 50
    ) p where p.finished_at > t.started_at - interval '1 hour' and p.status = 'done' and p.rules = '{}'
    ) as answered_within_hour,
    array(
        select p.polarity from turns p
        where p.case_id = t.case_id and p.last_sequence < t.first_sequence and p.polarity is not null
        order by p.last_sequence desc limit 5
    ) as polarities
from turns t
join cases c on c.id = t.case_id
join conversations v on v.id = c.conversation_id
join identities i on i.id = v.identity_id
join customers u on u.id = c.customer_id
where t.id = %(turn_id)s;

-- name: said
-- The turn's own messages, and the newest twenty before them.
select m.id, m.sequence, m.direction, m.author, m.body_sealed, m.received_at, m.for_person,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from (
    (select * from messages where case_id = %(case_id)s and direction = 'in'
        and sequence between %(first_sequence)s and %(last_sequence)s)
    union all
    (select * from messages where case_id = %(case_id)s and sequence < %(first_sequence)s
        order by sequence desc limit 20)
) m
join customer_keys k on k.id = m.key_id
order by m.sequence;
