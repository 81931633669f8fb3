-- Joining two customers and parting them again. Rows keep the key that they were sealed with; only whose they are changes.
-- Locks are taken in one order: address, customers, cases, conversations, work.

-- name: lock_customers
-- Whoever is about to write something of theirs (``inbox.sql``, ``hold_customer``) waits, and looks again.
select u.id, u.merged_into, k.wrapped is null as erased
from customers u join customer_keys k on k.id = u.key_id
where u.id = any(%(ids)s)
order by u.id
for update of u;

-- name: lock_cases
select id from cases where customer_id = any(%(ids)s) order by id for update;

-- name: merge
-- A case that moves is another one for a turn that began before (ADR 12), and for a worker its token is an old one.
with conversations as (
    update conversations set customer_id = %(into_id)s where customer_id = %(source_id)s returning id
), cases as (
    update cases set customer_id = %(into_id)s, owner_version = owner_version + 1
    where customer_id = %(source_id)s
), identities as (
    update identities set customer_id = %(into_id)s where customer_id = %(source_id)s returning id
), joined as (
    update customers set merged_into = %(into_id)s where id = %(source_id)s returning language
), spoken as (
    update customers u set language = joined.language
    from joined where u.id = %(into_id)s and u.language is null and joined.language is not null
), kept as (
    insert into merges (id, source_id, into_id, conversations, identities, merged_by)
    select %(id)s, %(source_id)s, %(into_id)s,
        array(select id from conversations), array(select id from identities), %(merged_by)s
)
insert into events (id, kind, actor, data)
values (%(event_id)s, 'customer.merged', %(merged_by)s, jsonb_build_object(
    'merge_id', %(id)s::uuid, 'source_id', %(source_id)s::uuid, 'into_id', %(into_id)s::uuid
));

-- name: fence
-- What is being worked on in a customer's cases begins anew: what its turn was loaded with is not true any more.
update case_work w set lease_token = w.lease_token + 1, lease_holder = null, leased_until = null, attempts = 0
from cases c
where c.customer_id = any(%(ids)s) and c.status = 'open' and w.case_id = c.id and w.leased_until is not null;

-- name: find_merge
-- The merge that holds, of a customer who was joined with another.
select id, source_id, into_id, conversations, identities, merged_by, merged_at,
    merged_at > now() - %(window)s as undoable
from merges where source_id = %(source_id)s and undone_at is null;

-- name: under_review
-- A case of the two in which a person decides about a text that was written since, knowing both.
select s.case_id from cases c
join escalations s on s.case_id = c.id and s.status in ('open', 'decided')
where c.customer_id = %(into_id)s and s.created_at > %(merged_at)s
limit 1;

-- name: later_merges
-- Talks that joined since by proving an address of the one who is parted now: they are that one's.
select x.id, x.source_id, x.conversations, x.identities
from merges x
where x.into_id = %(into_id)s and x.undone_at is null and x.merged_at > %(merged_at)s and exists (
    select from conversations v where v.id = any(x.conversations) and v.proven_by = any(%(identities)s)
);

-- name: part
-- What moved goes back, and with it what was begun since from the addresses that go back. A proof of an address counts
-- only where its owner is.
with talks as (
    update conversations v set
        customer_id = %(source_id)s,
        proven_by = case when v.proven_by = any(%(identities)s) then v.proven_by end,
        proven_until = case when v.proven_by = any(%(identities)s) then v.proven_until end
    where v.customer_id = %(into_id)s and (
        v.id = any(%(conversations)s) or v.identity_id = any(%(identities)s) or v.proven_by = any(%(identities)s)
    )
    returning v.id, v.identity_id
), cases as (
    update cases c set customer_id = %(source_id)s, owner_version = owner_version + 1
    where c.customer_id = %(into_id)s and c.conversation_id in (select id from talks)
), identities as (
    update identities i set customer_id = %(source_id)s
    where i.customer_id = %(into_id)s and (
        i.id = any(%(identities)s) or i.verified_at is null and i.id in (select identity_id from talks)
    )
), freed as (
    update customers set merged_into = null where id = %(source_id)s
), rerouted as (
    update merges set into_id = %(source_id)s where id = any(%(later)s) returning source_id
), followed as (
    update customers u set merged_into = %(source_id)s from rerouted where u.id = rerouted.source_id
), undone as (
    update merges set undone_by = %(undone_by)s, undone_at = now() where id = %(id)s
)
insert into events (id, kind, actor, data)
values (%(event_id)s, 'customer.unmerged', %(undone_by)s, jsonb_build_object(
    'merge_id', %(id)s::uuid, 'source_id', %(source_id)s::uuid, 'into_id', %(into_id)s::uuid
));
