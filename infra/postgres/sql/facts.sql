-- What the company knows of its customers, brought by a file or by staff.

-- name: lock
-- Two that bring records at once come one after the other, and the second finds what the first made.
select pg_advisory_xact_lock(hashtextextended('customer facts', 0));

-- name: find
-- Records that are here already, with what opens them.
select f.id, f.record_index, f.facts_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from customer_facts f join customer_keys k on k.id = f.key_id
where f.record_index = any(%(indexes)s);

-- name: owners
-- Whose the addresses of new records are, where somebody has proven them.
select i.channel, i.address_index, u.id, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from identities i
join customers u on u.id = i.customer_id
join customer_keys k on k.id = u.key_id
where i.address_index = any(%(indexes)s) and i.verified_at is not null;

-- name: owner
select u.id, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from customers u join customer_keys k on k.id = u.key_id
where u.id = %(customer_id)s;

-- name: insert_customers
with keys as (
    insert into customer_keys (id, customer_id, wrapped, master_key_id)
    select * from unnest(%(key_ids)s::uuid[], %(customer_ids)s::uuid[], %(wrapped_keys)s::bytea[], %(masters)s::text[])
)
insert into customers (id, key_id, name_sealed, language)
select * from unnest(%(customer_ids)s::uuid[], %(key_ids)s::uuid[], %(names_sealed)s::bytea[], %(languages)s::text[]);

-- name: insert_claims
-- An address from a file is a claim: only whoever writes from it, or reads a code there, proves it.
insert into identities (id, customer_id, key_id, channel, address_sealed, address_index)
select * from unnest(
    %(claim_ids)s::uuid[], %(claimants)s::uuid[], %(claim_keys)s::uuid[], %(claim_channels)s::text[],
    %(claim_addresses)s::bytea[], %(claim_indexes)s::bytea[]
);

-- name: keep
with kept as (
    insert into customer_facts (id, customer_id, key_id, record_index, facts_sealed, told_by)
    select f.*, %(told_by)s
    from unnest(
        %(ids)s::uuid[], %(customer_ids)s::uuid[], %(key_ids)s::uuid[], %(record_indexes)s::bytea[],
        %(facts_sealed)s::bytea[]
    ) f
    on conflict (id) do update
    set facts_sealed = excluded.facts_sealed, told_by = excluded.told_by, updated_at = now()
)
delete from customer_fact_keys where facts_id = any(%(ids)s);

-- name: keep_keys
insert into customer_fact_keys (value_index, facts_id)
select distinct * from unnest(%(value_indexes)s::bytea[], %(facts_ids)s::uuid[]);

-- name: log
insert into events (id, kind, actor, data) values (%(event_id)s, 'customer.facts_kept', %(told_by)s, %(data)s);
