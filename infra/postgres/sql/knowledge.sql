-- Hybrid search. infra/postgres/knowledge.py puts in the model and the type of its vectors, with their length: as
-- constants, because a partial index on an expression is used only for these; and which passages are readable, as a text
-- of its own for each set of filters, because its plan is made once and kept.

-- name: settings
-- For this transaction. Planning the search takes longer than doing it, so its plan is kept; it may depend neither on
-- values nor on statistics, which can be missing: no table is read whole, and what an index gives in order is not sorted.
select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_sort', 'off', true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %(effort)s, true)

-- name: readable
p.audience = any (%(audiences)s) and p.effective_at <= now() and p.expires_at > now()

-- name: of_language
p.language = %(language)s

-- name: of_articles
p.article_id = any (%(articles)s)

-- name: search
with recursive
-- Read once: as a text it would be read again for every passage that is compared with it.
question as materialized (select %(embedding)s::vector as embedding),
-- The languages of the passages, each found by one step through the index.
spoken as (
    select coalesce(%(language)s, min(language)) as language from passages
    union all
    select (select min(p.language) from passages p where p.language > s.language)
    from spoken s
    where s.language is not null and %(language)s::text is null
),
-- The question's words as each of these languages would have stored them.
asked as (
    select distinct word
    from spoken s
    left join unnest(%(languages)s::text[], %(configurations)s::regconfig[]) as c (language, configuration) using (language)
    cross join unnest(tsvector_to_array(to_tsvector(coalesce(c.configuration, 'simple'), %(text)s))) as word
    where s.language is not null
),
-- In what share of the passages a word is: the common ones are listed, and the least of them bounds every other one.
known as (
    select word, coalesce(common.share, (select share / 2 from word_shares order by share limit 1), 0.001) as share
    from asked left join word_shares common using (word)
),
weighed as (
    select word, ln(1 + 1 / share) as weight,
           sum(share) over (order by share, word) * reltuples > %(most)s as everywhere
    from known, pg_class
    where pg_class.oid = 'passages'::regclass
    order by share, word
    limit 32
),
-- Words that stand nearly everywhere are left to the vectors: reading all their passages costs much and tells little.
terms as materialized (
    select ('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''')::tsquery as term, weight
    from weighed where not everywhere
),
-- One step through the words' index for each; rare words that both have weigh most, a passage of many words needs more.
worded as (
    select id, row_number() over (order by rank desc, id) as place
    from (
        select p.id, sum(t.weight) / (1 + ln(1 + p.length)) as rank
        from terms t
        cross join lateral (
            -- Apart, so that no other index can seem better.
            select id, article_id, audience, language, effective_at, expires_at, length(words) as length
            from passages where words @@ t.term offset 0
        ) p
        where {readable}
        group by p.id, p.length
        order by rank desc, p.id
        limit %(candidates)s
    ) ranked
),
crowd as materialized (
    select exists (select from passages p where {readable} offset %(few)s) as large
),
near as materialized (
    select e.passage_id as id, e.embedding::{vector} <=> (select embedding from question)::{vector} as distance
    from embeddings e join passages p on p.id = e.passage_id
    where e.model = {model} and {readable}
      and (select large from crowd)
      and %(embedding)s::vector is not null
    order by e.embedding::{vector} <=> (select embedding from question)::{vector}
    limit %(candidates)s
),
-- Few passages, or fewer found than asked for: compare every one that the reader may see. One without a vector of this
-- model is as far away as any other of them, so that it has no place here: it is found by its words.
every as (
    select p.id, e.embedding <=> (select embedding from question) as distance
    from passages p
    -- One step through the key for each, whatever the planner takes their number for.
    cross join lateral (select embedding from embeddings where model = {model} and passage_id = p.id limit 1) e
    where {readable}
      and (select count(*) from near) < %(limit)s
      and %(embedding)s::vector is not null
    order by distance, p.id
    limit %(candidates)s
),
dense as (
    select id, row_number() over (order by distance, id) as place
    from (select id, distance from near where (select count(*) from near) >= %(limit)s
          union all select id, distance from every) found
),
best as materialized (
    select id, sum(1.0::float8 / (%(fusion)s + place)) as score, min(place) filter (where nearness) as nearest
    from (select id, place, true as nearness from dense union all select id, place, false from worded) lists
    group by id
    order by score desc, nearest, id
    limit %(limit)s
)
select p.id, p.article_id, a.title, p.heading, p.body, a.url, p.language, b.score,
       coalesce(nullif(1 - (e.embedding <=> (select embedding from question)), 'NaN'), 0) as similarity
from best b
join passages p using (id)
join articles a on a.id = p.article_id
left join embeddings e on e.passage_id = p.id and e.model = {model}
order by b.score desc, b.nearest, p.id

-- name: version
-- Every change of an article gives its row a higher transaction number, and every removal takes one away; the days on
-- which articles come into force or expire count too, and so does which model answers. Reads the table of articles whole,
-- once a second: some milliseconds for ten thousand.
select count(*) || '.' || coalesce(sum(xmin::text::bigint), 0) || '.'
       || count(*) filter (where effective_at <= now()) || '.' || count(*) filter (where expires_at <= now()) || '.'
       || coalesce((select model from embedding_models where state = 'answers'), '') as version
from articles

-- name: named
-- What may be names of articles that may be found now: their titles, and the first headings above their passages. Reads
-- both tables whole, after the articles have changed and twice a minute at most.
select a.id, a.audience, a.title, array_agg(distinct split_part(p.heading, ' > ', 1)) as headings
from articles a join passages p on p.article_id = a.id
where p.effective_at <= now() and p.expires_at > now()
group by a.id
