-- The queue and the lease: one narrow row a case. The server's clock decides, so workers' clocks don't matter.

-- name: claim_case
update case_work set
    lease_token = lease_token + 1,
    lease_holder = %(holder)s,
    leased_until = now() + %(lease)s,
    attempts = attempts + 1,
    turn_id = coalesce(turn_id, %(turn_id)s)
where case_id = %(case_id)s and due_at <= now() and (leased_until is null or leased_until < now())
returning case_id, turn_id, lease_token, attempts;

-- name: claim_due
-- The sweeper's claim: what has waited longest and nobody holds. Materialized: see the outbox's claim.
with due as materialized (
    select case_id, gen_random_uuid() as fresh_turn_id from case_work
    where due_at <= now() and (leased_until is null or leased_until < now())
    order by due_at
    limit %(limit)s
    for update skip locked
)
update case_work w set
    lease_token = lease_token + 1,
    lease_holder = %(holder)s,
    leased_until = now() + %(lease)s,
    attempts = attempts + 1,
    turn_id = coalesce(w.turn_id, due.fresh_turn_id)
from due
where w.case_id = due.case_id
returning w.case_id, w.turn_id, w.lease_token, w.attempts;

-- name: renew
update case_work set leased_until = now() + %(lease)s
where case_id = %(case_id)s and lease_token = %(token)s and leased_until is not null
returning case_id;

-- name: release
-- Nothing to do: unless a message came in the meantime, which then is due at once.
update case_work set
    lease_holder = null, leased_until = null, attempts = 0, turn_id = case when paused then turn_id end,
    due_at = case when not paused and exists (
        select from messages m where m.case_id = %(case_id)s and m.state = 'waiting'
    ) and (select owner from cases where id = %(case_id)s) = 'agent' then now() end
where case_id = %(case_id)s and lease_token = %(token)s and leased_until is not null;

-- name: give_back
-- Not this worker's fault (drained, database away): due again after the delay, and the attempt does not count.
-- Only while it is held: after a commit whose answer was lost there is nothing to give back, least of all a paused case.
update case_work set
    lease_holder = null, leased_until = null, due_at = now() + %(delay)s,
    attempts = attempts - case when %(blameless)s then 1 else 0 end
where case_id = %(case_id)s and lease_token = %(token)s and leased_until is not null;

-- name: waiting
-- How much waits and since when: what workers are scaled by.
select
    count(*) filter (where due_at <= now() and (leased_until is null or leased_until < now())) as due,
    count(*) filter (where leased_until >= now()) as running,
    coalesce(extract(epoch from now() - min(due_at) filter (where due_at <= now())), 0)::float8 as oldest_seconds
from case_work where due_at is not null;
