-- What a customer may see of a conversation.

-- name: find
select v.id, c.owner, w.paused, w.due_at is not null or w.leased_until > now() as working
from conversations v
left join cases c on c.conversation_id = v.id and c.status = 'open'
left join case_work w on w.case_id = c.id
where v.channel = %(channel)s and v.thread_index = %(thread_index)s;

-- name: messages_after
select m.id, m.position, m.author, m.body_sealed, coalesce(m.delivered_at, m.received_at) as at,
    exists (select from message_files f where f.message_id = m.id and f.ordinal > 0) as has_files,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m join customer_keys k on k.id = m.key_id
where m.conversation_id = %(conversation_id)s and m.position > %(after)s
order by m.position
limit %(limit)s;
