-- What happened in a case, and what a customer said and heard on every channel.

-- name: events
-- The newest events of a case; whoever only looked is told apart by the kind.
select e.id, e.at, e.kind, e.actor, e.data from events e
where e.case_id = %(case_id)s and (%(looks)s or e.kind !~ '(read|listed|searched)$')
order by e.at desc, e.id desc
limit %(limit)s;

-- name: place
-- Where a case stands: its conversation, and whether it is there at all.
select c.id, c.conversation_id, c.customer_id from cases c where c.id = %(case_id)s;

-- name: said
-- A customer's newest messages before one, from all their cases on all channels.
select m.id, m.case_id, m.sequence, m.author, m.state, m.body_sealed, m.received_at as at, m.channel,
    case when o.state = 'sent' and report.status in ('delivered', 'read') then report.status else o.state
    end as delivery,
    exists (select from message_files f where f.message_id = m.id) as has_files,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from (
    select n.* from cases c
    cross join lateral (
        select * from messages m where m.case_id = c.id and m.id < %(before_id)s order by m.sequence desc limit %(limit)s
    ) n
    where c.customer_id = %(customer_id)s
    order by n.id desc
    limit %(limit)s
) m
join customer_keys k on k.id = m.key_id
left join outbox o on o.message_id = m.id
left join lateral (
    select r.status from delivery_reports r
    where r.outbox_id = o.id and not r.superseded order by r.rank, r.part limit 1
) report on true
order by m.id desc;

-- name: customer
select id from customers where id = %(customer_id)s;
