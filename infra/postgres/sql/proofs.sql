-- What a proof does, and what whoever gave it may see: the talks of the same customer, if both are theirs beyond doubt.

-- name: find_owner
select id as identity_id, customer_id from identities
where channel = %(channel)s and address_index = %(address_index)s and verified_at is not null;

-- name: standing
-- Whose talk it is and whether that customer proved anything before.
select v.customer_id, coalesce(v.proven_until > now(), false) as proven,
    exists (select from identities p where p.customer_id = v.customer_id and p.verified_at is not null) as known,
    k.id as key_id, k.wrapped, k.master_key_id
from conversations v
join customers u on u.id = v.customer_id
join customer_keys k on k.id = u.key_id
where v.id = %(conversation_id)s;

-- name: address_of
select v.id, v.address_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from verifications v join customer_keys k on k.id = v.key_id
where v.id = %(id)s;

-- name: upgrade_claim
-- What was only said so far is proven now.
update identities set verified_at = now(), contested_at = null
where id = (
    select id from identities
    where customer_id = %(customer_id)s and channel = %(channel)s and address_index = %(address_index)s
    limit 1
)
returning id;

-- name: contest_claim
update identities set contested_at = now()
where customer_id = %(customer_id)s and channel = %(channel)s and address_index = %(address_index)s
returning id;

-- name: insert_identity
insert into identities (
    id, customer_id, key_id, channel, address_sealed, address_index, verified_at, contested_at
)
values (
    %(id)s, %(customer_id)s, %(key_id)s, %(channel)s, %(address_sealed)s, %(address_index)s,
    case when not %(contested)s then now() end, case when %(contested)s then now() end
)
returning id;

-- name: prove
update conversations set proven_by = %(identity_id)s, proven_until = now() + %(life)s
where id = %(conversation_id)s
returning proven_until;

-- name: mark_proven
update verifications set proven_at = coalesce(proven_at, now()) where id = %(id)s;

-- name: forget_here
-- The talk stays the customer's; its token is nobody's proof any more.
update conversations set proven_until = null where id = %(conversation_id)s;

-- name: claimed_kinds
-- On which channels the visitor named an address; and what they wrote lately, for one may stand there.
select array(
    select distinct i.channel from identities i join conversations v on v.customer_id = i.customer_id
    where v.id = %(conversation_id)s and i.id <> v.identity_id
) as channels;

-- name: lately_written
select m.id, m.body_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m join customer_keys k on k.id = m.key_id
where m.conversation_id = %(conversation_id)s and m.position is not null and m.author = 'customer'
order by m.position desc limit 10;

-- name: talks
-- The newest talks of the customer of a talk that counts as proven, with what the customer said in them first.
select t.id, t.channel, t.created_at, t.status, t.id = v.id as here,
    f.id as message_id, f.body_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from conversations v
cross join lateral (
    select o.id, o.channel, o.created_at, o.identity_id, o.proven_by,
        case when exists (
            select from cases c where c.conversation_id = o.id and c.status = 'open'
        ) then 'open' else 'resolved' end as status
    from conversations o where o.customer_id = v.customer_id
    order by o.created_at desc limit 200
) t
join identities i on i.id = t.identity_id
left join lateral (
    select m.id, m.body_sealed, m.key_id from messages m
    where m.conversation_id = t.id and m.position is not null and m.author = 'customer'
    order by m.position limit 1
) f on true
left join customer_keys k on k.id = f.key_id
where v.id = %(conversation_id)s and v.proven_until > now() and (i.verified_at is not null or t.proven_by is not null)
order by t.created_at desc
limit %(limit)s;

-- name: messages
-- Of another talk of the same customer; none when either is not theirs beyond doubt.
select m.id, m.position, m.author, m.body_sealed, coalesce(m.delivered_at, m.received_at) as at,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from conversations v
join conversations o on o.customer_id = v.customer_id and o.id = %(other_id)s
join identities i on i.id = o.identity_id
join messages m on m.conversation_id = o.id
join customer_keys k on k.id = m.key_id
where v.id = %(conversation_id)s and v.proven_until > now() and (i.verified_at is not null or o.proven_by is not null)
    and m.position > %(after)s
order by m.position
limit %(limit)s;

-- name: readable
select from conversations v
join conversations o on o.customer_id = v.customer_id and o.id = %(other_id)s
join identities i on i.id = o.identity_id
where v.id = %(conversation_id)s and v.proven_until > now() and (i.verified_at is not null or o.proven_by is not null);

-- name: log
insert into events (id, kind, actor, data) values (%(event_id)s, %(kind)s, %(actor)s, %(data)s);
