-- Work that was given up: kept, shown to people, told to the customer; retried or discarded by a person.

-- name: span
-- What the turn was about: its own row if it was paused, else everything that waits.
select coalesce(t.first_sequence, w.first) as first_sequence, coalesce(t.last_sequence, w.last) as last_sequence
from (
    select min(sequence) as first, max(sequence) as last from messages
    where case_id = %(case_id)s and state = 'waiting'
) w
left join turns t on t.id = %(turn_id)s;

-- name: addressee
-- Who is told, in which language, sealed with which key.
select u.language, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from cases c
join customers u on u.id = c.customer_id
join customer_keys k on k.id = u.key_id
where c.id = %(case_id)s;

-- name: bury
with dead as (
    update messages set state = 'dead', turn_id = %(turn_id)s
    where case_id = %(case_id)s and direction = 'in' and state in ('waiting', 'handled')
        and sequence between %(first_sequence)s and %(last_sequence)s
), closed as (
    update escalations set status = 'closed' where case_id = %(case_id)s and status in ('open', 'decided')
), marked as (
    update turns set status = 'dead', outcome = 'dead', finished_at = now() where id = %(turn_id)s
), owned as (
    update cases set owner = 'human', owner_version = owner_version + 1 where id = %(case_id)s
)
insert into dead_letters (id, case_id, turn_id, first_sequence, last_sequence, error, attempts)
values (%(id)s, %(case_id)s, %(turn_id)s, %(first_sequence)s, %(last_sequence)s, %(error)s, %(attempts)s);

-- name: open
select d.id, d.case_id, d.first_sequence, d.last_sequence, d.error, d.attempts, d.created_at,
    (select count(*) from messages m where m.case_id = d.case_id and m.direction = 'in' and m.state = 'dead'
        and m.sequence between d.first_sequence and d.last_sequence) as messages
from dead_letters d
join cases c on c.id = d.case_id
where d.resolved_at is null and c.status = 'open'
order by d.created_at, d.id
limit %(limit)s;

-- name: count_open
select count(*) as open from dead_letters d
join cases c on c.id = d.case_id
where d.resolved_at is null and c.status = 'open';

-- name: begins
-- Ids that begin alike.
select id from dead_letters where id between %(first_id)s and %(last_id)s order by id limit 2;

-- name: read
select d.id, d.case_id, d.turn_id, d.first_sequence, d.last_sequence, d.error, d.attempts, d.created_at,
    d.resolved_at, d.resolution, d.resolved_by, d.reason_sealed,
    c.status, c.owner, c.owner_name, v.channel,
    exists (
        select from escalations s where s.case_id = d.case_id and s.status in ('open', 'decided')
    ) as under_review,
    exists (
        select from messages m where m.case_id = d.case_id and m.author = 'human' and m.sequence > d.last_sequence
    ) as answered,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from dead_letters d
join cases c on c.id = d.case_id
join conversations v on v.id = c.conversation_id
join customers u on u.id = c.customer_id
join customer_keys k on k.id = coalesce(d.key_id, u.key_id)
where d.id = %(id)s;

-- name: lock_case_of
select c.id from cases c where c.id = (select case_id from dead_letters where id = %(id)s) for update;

-- name: transcript
-- The talk around it: from a little before the dead messages to the newest.
select m.id, m.sequence, m.author, m.state, m.body_sealed, m.received_at as at, o.state as delivery, o.kind, m.turn_id,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m
join customer_keys k on k.id = m.key_id
left join outbox o on o.message_id = m.id
where m.case_id = %(case_id)s and m.sequence >= %(first_sequence)s - 20
order by m.sequence
limit 200;

-- name: wait_again
-- With what the customer wrote since, which waited for a person.
update messages set state = 'waiting', turn_id = null
where case_id = %(case_id)s and direction = 'in' and (
    state = 'human'
    or (state = 'dead' and sequence between %(first_sequence)s and %(last_sequence)s)
);

-- name: to_agent
-- As a fresh turn: the old one's id stands on the note that the customer got, and a worker may hold the old token still.
with back as (
    update cases set owner = 'agent', owner_name = null, owner_version = owner_version + 1 where id = %(case_id)s
    returning id
)
update case_work w set
    lease_token = w.lease_token + 1, lease_holder = null, leased_until = null, due_at = now(), attempts = 0,
    turn_id = null
from back where w.case_id = back.id;

-- name: settle
update dead_letters set
    resolved_at = now(), resolution = %(resolution)s, resolved_by = %(operator)s, key_id = %(key_id)s,
    reason_sealed = %(reason_sealed)s
where id = %(id)s and resolved_at is null;

-- name: log
insert into events (id, kind, case_id, actor, data)
values (%(event_id)s, %(kind)s, %(case_id)s, %(actor)s, %(data)s);
