-- Notes that only staff read. No other file but the archive's names their table (tests/architecture).

-- name: find_case
-- Whose key seals what is said about the case.
select k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from cases c join customers u on u.id = c.customer_id join customer_keys k on k.id = u.key_id
where c.id = %(case_id)s;

-- name: add
with added as (
    insert into internal_notes (id, case_id, key_id, author, asked, answers, text_sealed)
    values (%(id)s, %(case_id)s, %(key_id)s, %(author)s, %(asked)s, %(answers)s, %(text_sealed)s)
    returning case_id, author
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'note.added', case_id, author,
    jsonb_build_object('note_id', %(id)s::uuid, 'asked', %(asked)s::text, 'answers', %(answers)s::uuid)
from added;

-- name: answer
-- A question is answered once, by whoever was asked.
update internal_notes set answered_at = now()
where id = %(answers)s and case_id = %(case_id)s and asked = %(author)s and answered_at is null
returning author;

-- name: question
select asked, answered_at from internal_notes where id = %(answers)s and case_id = %(case_id)s;

-- name: of_case
-- The newest, for a page that shows them oldest first.
select n.id, n.author, n.asked, n.answers, n.text_sealed, n.created_at, n.answered_at,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from internal_notes n join customer_keys k on k.id = n.key_id
where n.case_id = %(case_id)s
order by n.id desc
limit %(limit)s;

-- name: newest
select id from internal_notes where case_id = %(case_id)s order by id desc limit 1;

-- name: asked_of
-- What somebody was asked and has not answered, the oldest first, and where to find it.
select n.id, n.case_id, n.author, n.text_sealed, n.created_at, v.channel,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    (select s.id from escalations s where s.case_id = n.case_id and s.status = 'open') as escalation_id
from internal_notes n
join cases c on c.id = n.case_id
join conversations v on v.id = c.conversation_id
join customer_keys k on k.id = n.key_id
where n.asked = %(name)s and n.answered_at is null
order by n.id
limit %(limit)s;
