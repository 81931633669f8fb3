-- What a customer may see of a conversation.

-- name: find
-- What the page should ask: whether an answer that rests on articles helped, while nothing has followed it; or how it was,
-- while the last end of a case stands and no rating is there. An answer that is written but not yet to be read is still work:
-- a page that said "answered" would show none.
select v.id, c.owner, w.paused,
    w.due_at is not null or w.leased_until > now() or exists (
        select from outbox o where o.conversation_id = v.id and o.state in ('pending', 'sending')
    ) as working,
    case
        when c.owner = 'agent' and not w.paused and w.due_at is null and newest.sourced then 'helped'
        when c.id is null and survey.open then 'survey'
    end as asks
from conversations v
left join cases c on c.conversation_id = v.id and c.status = 'open'
left join case_work w on w.case_id = c.id
left join lateral (
    select m.direction = 'out' and m.author = 'agent' and t.outcome = 'answered' and t.cited <> '{}' as sourced
    from messages m left join turns t on t.id = m.turn_id
    where m.conversation_id = v.id and m.position is not null
    order by m.position desc
    limit 1
) newest on true
left join lateral (
    select s.rating is null and s.withdrawn is null and s.created_at > now() - interval '14 days' as open
    from surveys s where s.conversation_id = v.id
    order by s.created_at desc
    limit 1
) survey on true
where v.channel = %(channel)s and v.thread_index = %(thread_index)s;

-- name: messages_after
select m.id, m.position, m.author, m.body_sealed, coalesce(m.delivered_at, m.received_at) as at,
    exists (select from message_files f where f.message_id = m.id and f.ordinal > 0) as has_files,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m join customer_keys k on k.id = m.key_id
where m.conversation_id = %(conversation_id)s and m.position > %(after)s
order by m.position
limit %(limit)s;
