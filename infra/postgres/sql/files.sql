-- A message as it came in, and its attachments, sealed.

-- name: insert_file
insert into message_files (
    id, message_id, decision_id, key_id, ordinal, name_sealed, media_type, size, content_sealed, refusal
)
values (
    %(id)s, %(message_id)s, %(decision_id)s, %(key_id)s, %(ordinal)s, %(name_sealed)s, %(media_type)s, %(size)s,
    %(content_sealed)b, %(refusal)s
);

-- name: of_case
-- What there is, without the contents.
select f.message_id, f.ordinal, f.id, f.name_sealed, f.media_type, f.size, f.refusal,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m
join message_files f on f.message_id = m.id
join customer_keys k on k.id = f.key_id
where m.case_id = %(case_id)s
order by m.sequence, f.ordinal;

-- name: of_messages
-- What there is, without the contents.
select f.message_id, f.ordinal, f.id, f.name_sealed, f.media_type, f.size, f.refusal,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from message_files f
join customer_keys k on k.id = f.key_id
where f.message_id = any(%(messages)s)
order by f.message_id, f.ordinal;

-- name: to_send
-- With the contents: what a person sends along.
select f.message_id, f.id, f.name_sealed, f.media_type, f.size, f.content_sealed,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from message_files f
join customer_keys k on k.id = f.key_id
where f.message_id = any(%(messages)s) and f.content_sealed is not null
order by f.message_id, f.ordinal;

-- name: content
select f.id, f.name_sealed, f.media_type, f.size, f.content_sealed, f.refusal, m.case_id, m.conversation_id,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from message_files f
join messages m on m.id = f.message_id
join customer_keys k on k.id = f.key_id
where f.message_id = %(message_id)s and f.ordinal = %(ordinal)s;
