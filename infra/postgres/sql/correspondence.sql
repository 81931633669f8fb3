-- What a channel's sending half has to know of the talk that it sends into.

-- name: newest
select m.id, m.provider_message_id, m.detail_sealed, coalesce(m.provider_time, m.received_at) as written_at,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m
join customer_keys k on k.id = m.key_id
where m.conversation_id = %(conversation_id)s and m.direction = 'in' and m.position is not null
order by m.position desc
limit 1;

-- name: known
select provider_message_id from messages
where channel = %(channel)s and provider_message_id = any(%(provider_message_ids)s);
