-- How far mailboxes have been read. One row a mailbox; a hold is a token, and an old token changes nothing.

-- name: hold
insert into mailboxes (address, holder, held_since, held_until, token)
values (%(address)s, %(holder)s, now(), now() + %(hold)s, 1)
on conflict (address) do update set
    holder = excluded.holder, held_since = now(), held_until = now() + %(hold)s, token = mailboxes.token + 1
where mailboxes.held_until is null or mailboxes.held_until < now()
returning token, history_id, began_at, synced_at;

-- name: begin
update mailboxes set history_id = %(history_id)s, began_at = now()
where address = %(address)s and token = %(token)s and history_id is null
returning address;

-- name: renew
update mailboxes set held_until = now() + %(hold)s where address = %(address)s and token = %(token)s returning address;

-- name: advance
update mailboxes set history_id = %(history_id)s, held_until = now() + %(hold)s
where address = %(address)s and token = %(token)s
returning address;

-- name: finish
-- What was asked for since the run began may have come too late for it.
update mailboxes set synced_at = held_since, holder = null, held_until = null
where address = %(address)s and token = %(token)s
returning coalesce(wanted_at > held_since, false) as wanted;

-- name: release
update mailboxes set holder = null, held_until = null where address = %(address)s and token = %(token)s;

-- name: want
-- The job that runs over it is due at once; while it runs, `finish` sees that it was asked for.
with wanted as (
    update mailboxes set wanted_at = now() where address = %(address)s
)
update scheduler_jobs set due_at = now() where name = %(job)s and due_at > now();

-- name: watched
update mailboxes set watch_until = %(until)s where address = %(address)s;

-- name: await_mail
insert into awaited_mails (address, mail_id) values (%(address)s, %(mail_id)s)
on conflict (address, mail_id) do update set tries = awaited_mails.tries + 1, asked_at = now();

-- name: forget_mail
delete from awaited_mails where address = %(address)s and mail_id = %(mail_id)s;

-- name: awaited
select mail_id, since from awaited_mails where address = %(address)s order by asked_at limit %(limit)s;

-- name: state
select m.history_id, m.began_at, m.synced_at, m.watch_until,
    (select count(*) from awaited_mails a where a.address = m.address) as awaited
from mailboxes m where m.address = %(address)s;
