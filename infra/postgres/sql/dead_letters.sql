-- Work that was given up: kept, shown to people, and told to the customer.

-- name: span
-- What the turn was about: its own row if it was paused, else everything that waits.
select coalesce(t.first_sequence, w.first) as first_sequence, coalesce(t.last_sequence, w.last) as last_sequence
from (
    select min(sequence) as first, max(sequence) as last from messages
    where case_id = %(case_id)s and state = 'waiting'
) w
left join turns t on t.id = %(turn_id)s;

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
insert into dead_letters (id, case_id, turn_id, first_sequence, last_sequence, error)
values (%(id)s, %(case_id)s, %(turn_id)s, %(first_sequence)s, %(last_sequence)s, %(error)s);

-- name: open
select id, case_id, first_sequence, last_sequence, error, created_at
from dead_letters where resolved_at is null order by created_at limit %(limit)s;
