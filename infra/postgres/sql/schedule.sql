-- The schedulers' leader and their jobs' times. The server's clock decides, so the schedulers' clocks don't matter.

-- name: hold
-- Renews, or takes what nobody holds. A lease that ran out is a new reign even for its old holder.
update scheduler_lease set
    token = token + case when holder = %(holder)s and leased_until >= now() then 0 else 1 end,
    holder = %(holder)s,
    leased_until = now() + %(lease)s
where holder = %(holder)s or leased_until is null or leased_until < now()
returning token;

-- name: resign
update scheduler_lease set holder = null, leased_until = null where holder = %(holder)s;

-- name: leads
select from scheduler_lease where holder = %(holder)s and token = %(token)s and leased_until >= now();

-- name: register
-- A nightly job waits for its first night; the others are due at once.
insert into scheduler_jobs (name, due_at)
values (
    %(name)s,
    case when %(every)s < 86400 then now() else to_timestamp(
        (floor((extract(epoch from now()) - %(offset)s) / %(every)s) + 1) * %(every)s + %(offset)s
    ) end
)
on conflict (name) do nothing;

-- name: due
select name from scheduler_jobs
where name = any(%(names)s) and due_at <= now() and exists (
    select from scheduler_lease where holder = %(holder)s and token = %(token)s and leased_until >= now()
)
order by due_at;

-- name: begin
update scheduler_jobs set begun_at = now()
where name = %(name)s and due_at <= now() and exists (
    select from scheduler_lease where holder = %(holder)s and token = %(token)s and leased_until >= now()
)
returning name;

-- name: finish
-- Due again at the next beat of its interval, or at once when work was left over.
update scheduler_jobs set
    ended_at = now(), failing = 0, error = null,
    due_at = case when %(more)s then now() else to_timestamp(
        (floor((extract(epoch from now()) - %(offset)s) / %(every)s) + 1) * %(every)s + %(offset)s
    ) end
where name = %(name)s and exists (
    select from scheduler_lease where holder = %(holder)s and token = %(token)s
);

-- name: fail
-- Tried again after 5 s, 10 s, 20 s … up to an hour, and never more rarely than its interval says.
update scheduler_jobs set
    failures = failures + 1, failing = failing + 1, error = %(error)s,
    due_at = now() + least(%(every)s, 3600, 5 * 2 ^ least(failing, 10)) * interval '1 second'
where name = %(name)s and exists (
    select from scheduler_lease where holder = %(holder)s and token = %(token)s
);

-- name: ended
select ended_at from scheduler_jobs where name = %(name)s;
