-- What providers report of texts that they took: in any order, doubled, late or not at all.

-- name: find
-- The row that a report is about: by its own id where the report has it, else by the provider's name for the message.
select o.id, o.case_id from outbox o where o.id = %(outbox_id)s and o.channel = %(channel)s
union all
select o.id, o.case_id from messages m join outbox o on o.message_id = m.id
where %(outbox_id)s::uuid is null and m.channel = %(channel)s and m.provider_message_id = %(provider_message_id)s;

-- name: lock
-- One report of a row at a time, and none while a sender or a person settles it.
select o.state, o.settled_by, o.handed_over_at, o.reported_failure, m.state = 'delivered' as delivered
from outbox o join messages m on m.id = o.message_id
where o.id = %(outbox_id)s
for update of o;

-- name: keep
-- No row comes back for a report that says nothing new.
insert into delivery_reports as r (outbox_id, name, part, parts, status, rank, failure, passes)
values (%(outbox_id)s, %(name)s, %(part)s, %(parts)s, %(status)s, %(rank)s, %(failure)s, %(passes)s)
on conflict (outbox_id, name) do update set
    status = excluded.status, rank = excluded.rank, failure = excluded.failure, passes = excluded.passes,
    reported_at = now(),
    superseded = r.superseded and not %(same_name)s
where r.rank < excluded.rank or r.superseded and %(same_name)s
returning r.superseded;

-- name: sums
-- What all reports of a row say together: how many of its messages were taken, why one of them failed, and whether
-- that passes by itself. A message that went out twice, for nobody knew of the first, arrived when one of the two did.
-- Of several messages none goes out again without the others, so no failure of theirs passes.
with told as (
    select part, max(parts) as parts, min(failure) as failure, bool_or(failure is null) as fine,
        bool_and(passes) as passes,
        (array_agg(name order by failure is not null, name))[1] as name
    from delivery_reports where outbox_id = %(outbox_id)s and not superseded
    group by part
)
select count(*) >= max(parts) as complete,
    (array_agg(failure order by part) filter (where not fine))[1] as failure,
    max(parts) = 1 and bool_and(passes) as passes,
    (array_agg(name order by part))[1] as name
from told;

-- name: note
-- Whoever settles the row as sent later has to know: their statement sees the row as it is then, not this table.
update outbox set reported_failure = %(failure)s where id = %(outbox_id)s;

-- name: send_again
-- It certainly did not arrive, for a reason that passes; only while nothing later in its conversation went out.
with due as (
    update outbox o set
        state = 'pending', due_at = now() + %(delay)s, settled_at = null, settled_by = null, error = %(failure)s,
        reported_failure = null
    from messages m
    where o.id = %(outbox_id)s and m.id = o.message_id and o.attempts < %(attempts)s and not exists (
        select from outbox later
        where later.conversation_id = o.conversation_id and later.position > o.position
            and later.state in ('sending', 'unknown')
    ) and not exists (
        select from messages later
        where later.conversation_id = o.conversation_id and later.position > m.position and later.direction = 'out'
    )
    returning o.id
)
update delivery_reports r set superseded = true from due where r.outbox_id = due.id
returning r.name;

-- name: fail
-- It was taken and did not arrive: from now on a person's business.
with failed as (
    update outbox set
        state = 'failed', error = %(failure)s, settled_at = now(), settled_by = null, reconcile_at = null
    where id = %(outbox_id)s
    returning case_id, channel
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'message.failed', case_id, 'provider', jsonb_build_object('channel', channel, 'error', %(failure)s::text)
from failed;

-- name: arrive_after_all
with arrived as (
    update outbox set state = 'sent', error = null, settled_at = now() where id = %(outbox_id)s
    returning case_id, channel
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'message.arrived', case_id, 'provider', jsonb_build_object('channel', channel) from arrived;

-- name: log
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'message.reported', o.case_id, 'provider',
    jsonb_build_object('channel', o.channel, 'status', %(status)s::text, 'part', %(part)s::integer)
from outbox o where o.id = %(outbox_id)s;
