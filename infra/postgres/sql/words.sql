-- The index of words: filled by a job, in the order in which messages came in, and searched by the tags of words.

-- name: unwritten_messages
-- The next messages without a row. Ids are made before their transactions end and by several machines' clocks, so a
-- while before the point that was reached is looked at again.
select m.id, m.body_sealed as sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from messages m
join customer_keys k on k.id = m.key_id
where m.id > %(behind_id)s and m.author <> 'system' and k.wrapped is not null
    and not exists (select from message_words w where w.message_id = m.id)
order by m.id
limit %(limit)s;

-- name: unwritten_customers
select u.id, u.name_sealed as sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from customers u
join customer_keys k on k.id = u.key_id
where u.id > %(behind_id)s and u.name_sealed is not null and k.wrapped is not null
    and not exists (select from customer_words w where w.customer_id = u.id)
order by u.id
limit %(limit)s;

-- name: progress
select name, reached from word_progress;

-- name: write_messages
-- The key is held: whoever destroys it meanwhile waits, and takes these rows away; who was quicker leaves none to write.
with held as (
    select id from customer_keys where id = any(%(key_ids)s) and wrapped is not null order by id for share
)
insert into message_words (message_id, key_id, words)
select g.id, g.key_id, g.tags::smallint[]
from unnest(%(ids)s::uuid[], %(key_ids)s::uuid[], %(tag_arrays)s::text[]) as g(id, key_id, tags)
join held on held.id = g.key_id
on conflict (message_id) do nothing;

-- name: write_customers
with held as (
    select id from customer_keys where id = any(%(key_ids)s) and wrapped is not null order by id for share
)
insert into customer_words (customer_id, key_id, words)
select g.id, g.key_id, g.tags::smallint[]
from unnest(%(ids)s::uuid[], %(key_ids)s::uuid[], %(tag_arrays)s::text[]) as g(id, key_id, tags)
join held on held.id = g.key_id
on conflict (customer_id) do nothing;

-- name: reach
insert into word_progress (name, reached) values (%(name)s, %(reached)s)
on conflict (name) do update set reached = excluded.reached where word_progress.reached < excluded.reached;

-- name: behind
-- Since when messages can't be found by their words yet; no row when all can.
select m.id from messages m
join customer_keys k on k.id = m.key_id
where m.id > coalesce(
        (select reached from word_progress where name = 'messages'), '00000000-0000-0000-0000-000000000000'
    ) and m.author <> 'system'
    and k.wrapped is not null
order by m.id limit 1;

-- name: span
-- The oldest and the newest message that can be found.
select
    (select message_id from message_words order by message_id limit 1) as oldest,
    (select message_id from message_words order by message_id desc limit 1) as newest;

-- name: tagged_messages
-- Messages of a month that have all these tags, the newest first: most have the words, too. Frequent words are found in
-- the newest messages, one by one; the others by the tags' index, which gives all that there are of a tag.
with newest as materialized (
    select w.message_id, w.words from message_words w
    where w.message_id >= %(first_id)s and w.message_id < %(before_id)s
    order by w.message_id desc
    limit %(one_by_one)s
),
among as materialized (
    select n.message_id from newest n
    where n.words @> %(tags)s::smallint[]
    order by n.message_id desc
    limit %(limit)s
),
tagged as (
    select message_id from among
    union all
    select message_id from (
        select w.message_id from message_words w
        where w.words @> %(tags)s::smallint[] and (select count(*) from among) < %(limit)s
        offset 0 -- apart, or a range of ids would seem reason enough to read every message in it
    ) of_all_months
    where message_id >= %(first_id)s
        and message_id < (select n.message_id from newest n order by n.message_id limit 1)
    order by message_id desc
    limit %(limit)s
)
select m.id, m.case_id, m.author, m.body_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from tagged w
join messages m on m.id = w.message_id
join customer_keys k on k.id = m.key_id
order by m.id desc;

-- name: tagged_customers
with newest as materialized (
    select w.customer_id, w.words from customer_words w order by w.customer_id desc limit %(one_by_one)s
),
among as materialized (
    select n.customer_id from newest n
    where n.words @> %(tags)s::smallint[]
    order by n.customer_id desc
    limit %(limit)s
),
tagged as (
    select customer_id from among
    union all
    select customer_id from (
        select w.customer_id from customer_words w
        where w.words @> %(tags)s::smallint[] and (select count(*) from among) < %(limit)s
        offset 0
    ) older
    where customer_id < (select n.customer_id from newest n order by n.customer_id limit 1)
    order by customer_id desc
    limit %(limit)s
)
select u.id, u.name_sealed, k.id as key_id, k.customer_id, k.wrapped, k.master_key_id
from tagged w
join customers u on u.id = w.customer_id
join customer_keys k on k.id = u.key_id
order by u.id desc;
