-- name: verified_owners
select distinct customer_id from identities
where address_index = any(%(indexes)s) and verified_at is not null;
