-- Sessions of the staff. A cookie's token is never here, only its hash.

-- name: begin
-- Looks again at what was proven, under the account's lock: a password may have been changed, or an account disabled,
-- while the old password was compared. ``former`` is what this browser had until now.
with proven as (
    select id from staff_accounts
    where id = %(account_id)s and disabled_at is null and password_hash is not distinct from %(proven)s::text
    for share
), over as (
    delete from staff_sessions
    where expires_at < now() or (token_hash = %(former)s and exists (select from proven))
)
insert into staff_sessions (token_hash, id, account_id, agent, expires_at)
select %(token_hash)s, %(id)s, proven.id, %(agent)s, now() + %(life)s from proven
returning id;

-- name: renew
update staff_sessions set token_hash = %(token_hash)s where id = %(id)s and expires_at > now() returning id;

-- name: goes_on
select id from staff_sessions where id = %(id)s and account_id = %(account_id)s and expires_at > now() for update;

-- name: find
-- Once a minute is often enough to write down that it is in use.
with found as (
    select s.token_hash, s.id, s.account_id, s.seen_at, a.name, a.role, a.password_made_up, a.issuer
    from staff_sessions s join staff_accounts a on a.id = s.account_id
    where s.token_hash = %(token_hash)s and s.expires_at > now() and s.seen_at > now() - %(idle)s
        and a.disabled_at is null
), seen as (
    update staff_sessions s set seen_at = now() from found
    where s.token_hash = found.token_hash and %(touch)s and found.seen_at < now() - interval '1 minute'
)
select id, account_id, name, role, password_made_up, issuer from found;

-- name: list
select id, agent, created_at, seen_at, expires_at from staff_sessions
where account_id = %(account_id)s and expires_at > now() and seen_at > now() - %(idle)s
order by seen_at desc;

-- name: end
delete from staff_sessions where id = %(id)s and account_id = %(account_id)s returning id;

-- name: end_all
-- ``keep`` is the one that goes on, if any.
delete from staff_sessions where account_id = %(account_id)s and id is distinct from %(keep)s::uuid returning id;

-- name: log
insert into events (id, kind, actor, data) values (%(event_id)s, %(kind)s, %(actor)s, %(data)s);
