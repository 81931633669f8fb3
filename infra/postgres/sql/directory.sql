-- name: verified_owners
select distinct customer_id from identities
where address_index = any(%(indexes)s) and verified_at is not null;

-- name: known_by
-- Records that share a key with what was said, those that share most first, and whose they are by now. One that was
-- erased can't be opened. How many records there are in all is what the server last counted.
with recursive shared as (
    select facts_id, count(*) as keys from customer_fact_keys
    where value_index = any(%(indexes)s)
    group by facts_id
    order by keys desc, facts_id
    limit %(most)s
), whose as (
    select s.facts_id, f.customer_id from shared s join customer_facts f on f.id = s.facts_id
    union all
    select w.facts_id, u.merged_into from whose w join customers u on u.id = w.customer_id
    where u.merged_into is not null
)
select f.id, f.facts_sealed, w.customer_id as whose, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    (select greatest(reltuples, 0)::bigint from pg_class where oid = 'customer_facts'::regclass) as among
from whose w
join customers u on u.id = w.customer_id and u.merged_into is null
join customer_facts f on f.id = w.facts_id
join customer_keys k on k.id = f.key_id
where k.wrapped is not null;
