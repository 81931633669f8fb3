-- Conversations as staff look for them. A source gives cases, the newest first (ids are made in the order of time), and
-- at most so many; ``fitting`` keeps those that are wanted; ``lines`` says what a list shows of them.

-- name: newest
select array(
    select c.id from cases c where c.id >= %(first_id)s and c.id < %(before_id)s order by c.id desc limit %(reach)s
) as ids;

-- name: of_people
-- Cases that people own now are few, wherever they stand in the list.
select array(
    select c.id from cases c
    where c.owner = 'human' and c.status = 'open' and c.id >= %(first_id)s and c.id < %(before_id)s
    order by c.id desc limit %(reach)s
) as ids;

-- name: of_customers
select array(
    select c.id from cases c
    where c.customer_id = any(%(customers)s) and c.id >= %(first_id)s and c.id < %(before_id)s
    order by c.id desc limit %(reach)s
) as ids;

-- name: of_topic
select array(
    select distinct t.case_id from turns t
    where t.topic = %(wanted_topic)s and t.case_id >= %(first_id)s and t.case_id < %(before_id)s
    order by t.case_id desc limit %(reach)s
) as ids;

-- name: of_ids
-- Cases whose own id begins so, or that of their conversation, of an escalation or of a message.
select array(
    select id from cases where id between %(first_id)s and %(last_id)s
    union
    select c.id from conversations v join cases c on c.conversation_id = v.id and c.status = 'open'
    where v.id between %(first_id)s and %(last_id)s
    union
    select c.id from conversations v join cases c on c.conversation_id = v.id and c.status = 'resolved'
    where v.id between %(first_id)s and %(last_id)s
    union
    select s.case_id from escalations s where s.id between %(first_id)s and %(last_id)s
    union
    select m.case_id from messages m where m.id between %(first_id)s and %(last_id)s
    order by 1 desc limit %(limit)s
) as ids, array(
    select u.id from customers u where u.id between %(first_id)s and %(last_id)s order by u.id limit %(limit)s
) as customers;

-- name: fitting
select g.id
from unnest(%(ids)s::uuid[]) with ordinality as g(id, place)
join cases c on c.id = g.id
join conversations v on v.id = c.conversation_id
where (%(wanted_state)s::text is null or c.status = %(wanted_state)s)
    and (%(wanted_channel)s::text is null or v.channel = %(wanted_channel)s)
    and (%(wanted_language)s::text is null or c.language = %(wanted_language)s)
    and (%(wanted_owner)s::text is null or c.owner = %(wanted_owner)s)
    and (%(wanted_person)s::text is null or c.owner_name = %(wanted_person)s)
    and (%(wanted_from)s::uuid is null or c.id >= %(wanted_from)s)
    and (%(wanted_until)s::uuid is null or c.id < %(wanted_until)s)
    and (%(wanted_customer)s::uuid is null or c.customer_id = %(wanted_customer)s)
    and (%(wanted_topic)s::text is null or exists (
        select from turns t where t.case_id = c.id and t.topic = %(wanted_topic)s
    ))
order by g.place
limit %(limit)s;

-- name: lines
-- What a list shows of each of these cases: whose it is, the customer's first words, when something was last written.
select c.id as case_id, c.conversation_id, v.channel, c.status, c.owner, c.owner_name, c.opened_at, c.resolved_at,
    c.language, u.id as customer_id, u.name_sealed,
    uk.id as name_key_id, uk.customer_id as name_customer_id, uk.wrapped as name_wrapped,
    uk.master_key_id as name_master_key_id,
    opening.id as opening_id, opening.body_sealed,
    mk.id as text_key_id, mk.customer_id as text_customer_id, mk.wrapped as text_wrapped,
    mk.master_key_id as text_master_key_id,
    coalesce(newest.received_at, c.opened_at) as last_at, about.topic,
    (select s.id from escalations s where s.case_id = c.id and s.status in ('open', 'decided')) as escalation_id
from unnest(%(ids)s::uuid[]) with ordinality as g(id, place)
join cases c on c.id = g.id
join conversations v on v.id = c.conversation_id
join customers u on u.id = c.customer_id
join customer_keys uk on uk.id = u.key_id
left join lateral (
    select m.id, m.body_sealed, m.key_id from messages m
    where m.case_id = c.id and m.author = 'customer' order by m.sequence limit 1
) opening on true
left join customer_keys mk on mk.id = opening.key_id
left join lateral (
    select m.received_at from messages m where m.case_id = c.id order by m.sequence desc limit 1
) newest on true
left join lateral (
    select t.topic from turns t where t.case_id = c.id and t.topic is not null order by t.last_sequence desc limit 1
) about on true
order by g.place;

-- name: with_address
-- Whoever proved the address first, then those who only say that it is theirs.
select i.customer_id, bool_or(i.verified_at is not null) as proven, min(i.created_at) as since
from identities i
where i.address_index = any(%(indexes)s)
group by i.customer_id
order by proven desc, since
limit %(limit)s;

-- name: customers
-- Who these are today: of somebody who was joined with another, the other.
with recursive joined as (
    select g.id, g.place from unnest(%(customers)s::uuid[]) with ordinality as g(id, place)
    union
    select u.merged_into, j.place from joined j join customers u on u.id = j.id where u.merged_into is not null
)
select u.id, u.name_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id, min(j.place) as place
from joined j
join customers u on u.id = j.id and u.merged_into is null
join customer_keys k on k.id = u.key_id
group by u.id, k.id
order by place;

-- name: topics
-- Every topic once, by as many looks into the index as there are topics.
with recursive known as (
    (select t.topic from turns t where t.topic is not null order by t.topic limit 1)
    union all
    select (select t.topic from turns t where t.topic > k.topic order by t.topic limit 1)
    from known k where k.topic is not null
)
select topic from known where topic is not null limit 1000;
