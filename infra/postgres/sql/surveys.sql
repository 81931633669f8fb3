-- How it was: asked once for every end of a case, answered on a page, by a link, or by a number.

-- name: to_ask
select s.id, s.case_id from surveys s
where s.asked_at is null and s.withdrawn is null and s.rating is null and s.due_at <= now()
    and s.channel = any(%(channels)s)
order by s.due_at
limit %(limit)s;

-- name: unasked
-- Read once its case is locked.
select s.resolution_number from surveys s
where s.id = %(id)s and s.asked_at is null and s.withdrawn is null and s.rating is null;

-- name: asked
update surveys set asked_at = now(), message_id = %(message_id)s where id = %(id)s;

-- name: withdraw
update surveys set withdrawn = %(reason)s where id = %(id)s;

-- name: log
insert into events (id, kind, case_id, actor, data)
values (%(event_id)s, %(kind)s, %(case_id)s, %(actor)s, %(data)s);

-- name: of_page
-- The survey of a talk that a page may ask or change: of its newest end, while that lasts.
select s.id from surveys s join cases c on c.id = s.case_id
where c.id = %(case_id)s and c.status = 'resolved' and s.resolution_number = c.resolution_number;

-- name: lock
select id from surveys where id = %(id)s for update;

-- name: read
select s.id, s.case_id, s.rating, c.language, u.language as own_language,
    coalesce(s.rated_at < now() - %(change)s, false) as too_late,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from surveys s
join cases c on c.id = s.case_id
join customers u on u.id = c.customer_id
join customer_keys k on k.id = u.key_id
where s.id = %(id)s;

-- name: rate
-- The time of the first rating stays: so long a change is allowed.
with rated as (
    update surveys set
        changes = changes + case when rating is null then 0 else 1 end,
        rating = %(rating)s, rated_at = coalesce(rated_at, now()),
        key_id = case when %(comment_sealed)s::bytea is null then key_id else %(key_id)s end,
        comment_sealed = coalesce(%(comment_sealed)s::bytea, comment_sealed)
    where id = %(id)s
    returning case_id, answered_by, changes, rating, channel
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'survey.rated', case_id, 'customer', jsonb_build_object(
    'rating', rating, 'answered_by', answered_by, 'changes', changes, 'channel', channel
)
from rated;

-- name: answered_by_number
-- The survey that a bare number answers: the last thing that we said in the talk, not long ago, and nothing that the
-- customer has asked since waits for an answer, which the number may belong to.
select s.id, s.case_id, c.status from surveys s
join cases c on c.id = s.case_id
join messages asked on asked.id = s.message_id
where s.conversation_id = %(conversation_id)s and s.channel = any(%(channels)s)
    and s.withdrawn is null and asked.delivered_at > now() - %(window)s
    and (s.rated_at is null or s.rated_at > now() - %(change)s)
    and not exists (
        select from messages later
        where later.conversation_id = s.conversation_id and later.position > asked.position
            and (later.direction = 'out' or later.state in ('waiting', 'human'))
    )
order by s.created_at desc
limit 1;

-- name: of_case
select s.resolution_number, s.answered_by, s.asked_at, s.withdrawn, s.rating, s.rated_at, s.id,
    s.comment_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from surveys s left join customer_keys k on k.id = s.key_id
where s.case_id = %(case_id)s
order by s.resolution_number desc
limit 1;
