-- Accounts of the staff.

-- name: add
insert into staff_accounts (id, name, role, password_hash, password_made_up)
values (%(id)s, %(name)s, %(role)s, %(password_hash)s, %(made_up)s)
on conflict do nothing
returning id;

-- name: add_first
insert into staff_accounts (id, name, role, password_hash)
select %(id)s, %(name)s, 'admin', %(password_hash)s
where not exists (select from staff_accounts)
on conflict do nothing
returning id;

-- name: of_provider
-- Whoever came before comes back under their name; the role is the provider's word of today.
update staff_accounts set role = %(role)s, signed_in_at = case when disabled_at is null then now() else signed_in_at end
where issuer = %(issuer)s and subject = %(subject)s
returning id, name, role, disabled_at;

-- name: add_of_provider
insert into staff_accounts (id, name, role, issuer, subject, signed_in_at)
values (%(id)s, %(name)s, %(role)s, %(issuer)s, %(subject)s, now())
on conflict do nothing
returning id, name, role, disabled_at;

-- name: list
select a.id, a.name, a.role, a.issuer, a.password_made_up, a.created_at, a.disabled_at, a.signed_in_at,
    (select count(*) from staff_sessions s where s.account_id = a.id and s.expires_at > now()) as sessions
from staff_accounts a
order by a.disabled_at is not null, a.name;

-- name: by_name
select id, name, role, password_hash, issuer, disabled_at from staff_accounts where name = %(name)s;

-- name: lock
select id, name, role, password_hash, issuer, disabled_at from staff_accounts where name = %(name)s for update;

-- name: lock_admins
-- Everybody who could still do it: so that two admins who demote each other at once leave one.
select name, issuer from staff_accounts where role = 'admin' and disabled_at is null order by name for update;

-- name: rename
update staff_accounts set name = %(name)s where id = %(id)s;

-- name: set_role
update staff_accounts set role = %(role)s where id = %(id)s;

-- name: disable
update staff_accounts set disabled_at = now() where id = %(id)s and disabled_at is null;

-- name: enable
update staff_accounts set disabled_at = null where id = %(id)s;

-- name: set_password
update staff_accounts set password_hash = %(password_hash)s, password_made_up = %(made_up)s where id = %(id)s;

-- name: rehash
update staff_accounts set password_hash = %(password_hash)s where id = %(id)s and password_hash = %(old)s;

-- name: signed_in
update staff_accounts set signed_in_at = now() where id = %(id)s;

-- name: log
insert into events (id, kind, actor, data) values (%(event_id)s, %(kind)s, %(actor)s, %(data)s);
