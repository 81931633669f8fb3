-- What a person wrote to a customer past us, in the channel's own program.

-- name: find_talk
-- The talk that it stands in: by its thread; else by a message that it answers, if it went to that talk's customer.
select v.id as conversation_id
from conversations v
where v.channel = %(channel)s and v.thread_index = any(%(thread_indexes)s)
union all
(
    select m.conversation_id
    from messages m
    join conversations v on v.id = m.conversation_id
    join identities i on i.id = v.identity_id
    where m.channel = %(channel)s and m.provider_message_id = any(%(related)s)
        and i.address_index = any(%(address_indexes)s)
    order by m.received_at desc
    limit 1
)
limit 1;

-- name: newest_case
-- The one that the newest message belongs to.
select case_id from messages where conversation_id = %(conversation_id)s and position is not null
order by position desc limit 1;

-- name: read_case
-- Once the case is locked, so that nothing of it is from before the wait.
select c.status, c.owner, c.next_sequence, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    exists (
        select from messages m where m.channel = %(channel)s and m.provider_message_id = %(provider_message_id)s
    ) as known
from cases c
join customers u on u.id = c.customer_id
join customer_keys k on k.id = u.key_id
where c.id = %(case_id)s;

-- name: write
with numbered as (
    update cases set next_sequence = next_sequence + 1 where id = %(case_id)s
    returning id, conversation_id, next_sequence - 1 as sequence
), placed as (
    update conversations v set next_position = next_position + 1
    from numbered where v.id = numbered.conversation_id
    returning next_position - 1 as position
)
insert into messages (
    id, case_id, conversation_id, key_id, sequence, position, direction, author, channel, provider_message_id,
    body_sealed, state, provider_time, delivered_at, detail_sealed
)
select %(id)s, numbered.id, numbered.conversation_id, %(key_id)s, numbered.sequence, placed.position, 'out', 'human',
    %(channel)s, %(provider_message_id)s, %(body_sealed)s, 'delivered', %(written_at)s, %(written_at)s,
    %(detail_sealed)s
from numbered, placed;

-- name: take_over
-- A person who has the case already stays its owner; the version changes all the same, so that no turn that runs now
-- commits over what was written.
update cases set
    owner_name = case when owner = 'human' then owner_name else %(owner_name)s end,
    owner = 'human', owner_version = owner_version + 1
where id = %(case_id)s;

-- name: answered
-- What the customer had written by then is answered; what came later waits for the person.
update messages set state = case when coalesce(provider_time, received_at) <= %(written_at)s then 'handled' else 'human' end
where case_id = %(case_id)s and state in ('waiting', 'human');

-- name: rest
-- Nothing is due any more. Where a turn runs, its commit finds another owner and keeps its draft for the person; and a
-- decision that was taken still has to be applied.
update case_work set due_at = null where case_id = %(case_id)s and lease_holder is null and not paused;

-- name: withdraw
-- A review that nobody has decided is over, as by a take-over. One that is decided belongs to its turn.
with closed as (
    update escalations set status = 'closed', claimed_by = null, claimed_until = null
    where case_id = %(case_id)s and status = 'open'
    returning id, turn_id, key_id
), decided as (
    insert into decisions (id, escalation_id, action, reviewer, key_id, seen_sequence, applied_at)
    select %(decision_id)s, id, 'take_over', %(owner_name)s, key_id, %(sequence)s, now() from closed
), ended as (
    update turns t set status = 'done', outcome = 'taken_over', finished_at = now()
    from closed where t.id = closed.turn_id
), woken as (
    update case_work w set paused = false, turn_id = null, due_at = null, attempts = 0
    from closed where w.case_id = %(case_id)s
)
select id from closed;

-- name: log
insert into events (id, kind, case_id, actor, data)
values (%(event_id)s, 'case.answered_elsewhere', %(case_id)s, %(owner_name)s, %(data)s);
