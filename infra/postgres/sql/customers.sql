-- Customers as staff see them: found by an exact address, with all that is theirs on every channel.

-- name: find
-- Whoever proved the address first, then those who only say that it is theirs.
select i.customer_id, bool_or(i.verified_at is not null) as proven, array_agg(distinct i.channel) as channels,
    min(i.created_at) as since
from identities i
where i.address_index = any(%(indexes)s)
group by i.customer_id
order by proven desc, since
limit 50;

-- name: read
-- Of whom no language is written down, that of the newest case.
select u.id, u.name_sealed,
    coalesce(u.language, (
        select c.language from cases c where c.customer_id = u.id and c.language is not null
        order by c.opened_at desc limit 1
    )) as language, u.segment, u.merged_into, u.created_at,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id,
    (select count(*) from conversations v where v.customer_id = u.id) as conversations,
    (select count(*) from cases c where c.customer_id = u.id and c.status = 'open') as open_cases
from customers u join customer_keys k on k.id = u.key_id
where u.id = %(customer_id)s;

-- name: identities
-- Chats and forms have a random name that nobody can be found by, so they are left out; a claim beside its proof too.
select i.id, i.channel, i.address_sealed, i.verified_at, i.contested_at, i.created_at,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from identities i join customer_keys k on k.id = i.key_id
where i.customer_id = %(customer_id)s and i.channel <> all(%(nameless)s) and (
    i.verified_at is not null or not exists (
        select from identities p
        where p.address_index = i.address_index and p.channel = i.channel and p.customer_id = i.customer_id
            and p.verified_at is not null
    )
)
order by i.verified_at nulls last, i.created_at
limit 100;

-- name: cases
select c.id, c.conversation_id, v.channel, c.status, c.owner, c.owner_name, c.opened_at, c.resolved_at,
    i.verified_at is not null or v.proven_by is not null as proven,
    (select s.id from escalations s where s.case_id = c.id and s.status in ('open', 'decided')) as escalation_id
from (
    select * from cases where customer_id = %(customer_id)s order by opened_at desc limit 100
) c
join conversations v on v.id = c.conversation_id
join identities i on i.id = v.identity_id
order by c.opened_at desc;

-- name: matches
-- Others who proved an address that is claimed here, or claim one that is proven here.
select o.customer_id, array_agg(distinct o.channel) as channels,
    bool_or(o.verified_at is not null) as theirs,
    bool_or(mine.contested_at is not null or o.contested_at is not null) as contested
from identities mine
join identities o on o.address_index = mine.address_index and o.channel = mine.channel
    and o.customer_id <> mine.customer_id
where mine.customer_id = %(customer_id)s and (mine.verified_at is not null or o.verified_at is not null)
group by o.customer_id
order by contested desc, theirs desc, o.customer_id
limit 20;

-- name: merges
select x.id, x.source_id, x.into_id, x.merged_by, x.merged_at, x.undone_by, x.undone_at,
    cardinality(x.conversations) as talks, cardinality(x.identities) as addresses,
    x.undone_at is null and x.merged_at > now() - %(window)s as undoable,
    x.reason_sealed, x.undone_reason_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from merges x left join customer_keys k on k.id = x.key_id
where x.source_id = %(customer_id)s or x.into_id = %(customer_id)s
order by x.merged_at desc
limit 50;

-- name: live_merge
select id from merges where source_id = %(source_id)s and undone_at is null;

-- name: key
select k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from customers u join customer_keys k on k.id = u.key_id
where u.id = %(customer_id)s;

-- name: give_reason
update merges set key_id = %(key_id)s, reason_sealed = %(reason_sealed)s where id = %(id)s;

-- name: give_reason_undone
update merges set key_id = %(key_id)s, undone_reason_sealed = %(reason_sealed)s where id = %(id)s;

-- name: begins
-- Ids that begin alike.
select id from customers where id between %(first_id)s and %(last_id)s order by id limit 2;
