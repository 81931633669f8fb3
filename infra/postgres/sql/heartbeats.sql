-- Signs of life, and what else is measured for the status page.

-- name: beat
insert into process_beats (holder, process, seen_at, breakers)
values (%(holder)s, %(process)s, now(), %(breakers)s)
on conflict (holder) do update set seen_at = now(), breakers = excluded.breakers;

-- name: leave
delete from process_beats where holder = %(holder)s;

-- name: forget_beats
delete from process_beats where seen_at < now() - interval '1 day';

-- name: beats
select process, extract(epoch from now() - seen_at)::float8 as age, breakers from process_beats
where seen_at > now() - interval '10 minutes';

-- name: deliveries
-- How long the oldest text that could be sent has waited, by channel.
select channel, extract(epoch from now() - min(due_at))::float8 as seconds from outbox
where state = 'pending' and due_at <= now()
group by channel;

-- name: review
select coalesce(extract(epoch from now() - min(due_at)), 0)::float8 as seconds from escalations
where status = 'open' and due_at < now();

-- name: failing
select coalesce((select failing from scheduler_jobs where name = %(job)s), 0) as failing;
