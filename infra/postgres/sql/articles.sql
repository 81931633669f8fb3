-- Articles, their passages and vectors, as the ingestion puts them in and the staff sees them.

-- name: find_model_index
select 1
from pg_index
where indrelid = 'embeddings'::regclass and indisvalid
  and pg_get_expr(indpred, indrelid) = format('(model = %%L::text)', %(model)s::text)

-- name: create_model_index
create index {name} on embeddings using hnsw ((embedding::{vector}) {operators})
with (ef_construction = 200) where model = {model}

-- name: first_model
insert into embedding_models (model, dimensions, state)
select %(model)s, %(dimensions)s, 'answers'
where not exists (select from embedding_models where state = 'answers')
on conflict do nothing

-- name: keep_model
-- Until the transaction ends no other model is switched to.
select pg_advisory_xact_lock_shared(hashtext('csagent embedding model'))

-- name: answering
select model from embedding_models where state = 'answers'

-- name: content_hashes
select slug, content_hash from articles where source = %(source)s

-- name: cached
select content_hash from embedding_cache where model = %(model)s and content_hash = any (%(hashes)s)

-- name: cache
insert into embedding_cache (model, content_hash, embedding)
select %(model)s, hash, embedding::vector
from unnest(%(hashes)s::bytea[], %(embeddings)s::text[]) as new (hash, embedding)
on conflict (model, content_hash) do nothing

-- name: put_articles
-- A version is kept of everything that says something else than the one before. An article that says the same, and is
-- only split in another way, keeps its number.
with new as (
    select * from unnest(
        %(ids)s::uuid[], %(sources)s::text[], %(slugs)s::text[], %(titles)s::text[], %(bodies)s::text[], %(urls)s::text[],
        %(languages)s::text[], %(audiences)s::text[], %(effective)s::timestamptz[], %(expires)s::timestamptz[],
        %(hashes)s::bytea[])
    as new (id, source, slug, title, body, url, language, audience, effective_at, expires_at, content_hash)
),
put as (
    insert into articles as a (id, source, slug, title, body, url, language, audience, effective_at, expires_at,
                               content_hash, version)
    select new.*, coalesce((select max(version) from article_versions v where v.article_id = new.id), 0) + 1 from new
    on conflict (id) do update
    set title = excluded.title, body = excluded.body, url = excluded.url, language = excluded.language,
        audience = excluded.audience, effective_at = excluded.effective_at, expires_at = excluded.expires_at,
        content_hash = excluded.content_hash,
        version = case when (a.title, a.body, a.url, a.language, a.audience, a.effective_at, a.expires_at)
                            is distinct from (excluded.title, excluded.body, excluded.url, excluded.language,
                                              excluded.audience, excluded.effective_at, excluded.expires_at)
                       then excluded.version else a.version end,
        updated_at = case when (a.title, a.body, a.url, a.language, a.audience, a.effective_at, a.expires_at)
                               is distinct from (excluded.title, excluded.body, excluded.url, excluded.language,
                                                 excluded.audience, excluded.effective_at, excluded.expires_at)
                          then now() else a.updated_at end
    returning *
)
insert into article_versions (article_id, version, change, source, slug, title, body, url, language, audience,
                              effective_at, expires_at, changed_by)
select id, version,
       case when %(restored)s then 'restored'
            when exists (select from articles before where before.id = put.id) then 'changed'
            else 'added' end,
       source, slug, title, body, url, language, audience, effective_at, expires_at, %(by)s
from put
on conflict (article_id, version) do nothing

-- name: clear_passages
delete from passages where article_id = any (%(ids)s)

-- name: put_passages
insert into passages (id, article_id, ordinal, heading, body, language, audience, effective_at, expires_at, words)
select id, article_id, ordinal, heading, body, language, audience, coalesce(effective_at, '-infinity'),
       coalesce(expires_at, 'infinity'), to_tsvector(configuration, searchable)
from unnest(
    %(ids)s::uuid[], %(articles)s::uuid[], %(ordinals)s::integer[], %(headings)s::text[], %(bodies)s::text[],
    %(languages)s::text[], %(audiences)s::text[], %(effective)s::timestamptz[], %(expires)s::timestamptz[],
    %(configurations)s::regconfig[], %(searchables)s::text[]
) as new (id, article_id, ordinal, heading, body, language, audience, effective_at, expires_at, configuration, searchable)

-- name: put_embeddings
insert into embeddings (passage_id, model, embedding)
select passage, c.model, c.embedding
from unnest(%(passages)s::uuid[], %(hashes)s::bytea[]) as new (passage, hash)
join embedding_cache c on c.model = %(model)s and c.content_hash = hash
on conflict (model, passage_id) do nothing

-- name: waiting
select p.id, a.title, p.heading, p.body
from passages p join articles a on a.id = p.article_id
where not exists (select from embeddings e where e.passage_id = p.id and e.model = %(model)s)
order by length(p.body)
limit %(limit)s

-- name: remove
-- What is removed keeps its versions, and one that says when it went and who removed it.
with gone as (
    delete from articles
    where (%(source)s::text is null or source = %(source)s)
      and (%(slugs)s::text[] is null or slug = any (%(slugs)s))
      and (%(id)s::uuid is null or id = %(id)s)
    returning *
),
written as (
    insert into article_versions (article_id, version, change, source, slug, title, body, url, language, audience,
                                  effective_at, expires_at, changed_by)
    select id, version + 1, 'removed', source, slug, title, body, url, language, audience, effective_at, expires_at, %(by)s
    from gone where body is not null
)
select count(*) as removed from gone

-- name: seen
insert into knowledge_sources (source, location) values (%(source)s, %(location)s)
on conflict (source) do update set location = excluded.location, read_at = now()

-- name: mark_missing
insert into missing_articles (article_id)
select id from articles where source = %(source)s and slug = any (%(missing)s)
on conflict do nothing

-- name: unmark_missing
delete from missing_articles m using articles a
where a.id = m.article_id and a.source = %(source)s and a.slug <> all (%(missing)s)

-- name: forget_source
delete from knowledge_sources where source = %(source)s

-- name: forget_pages
delete from fetched_pages where source = %(source)s

-- name: analyze
analyze articles, passages, embeddings

-- name: share_words
-- What the search asks of each word, out of what ANALYZE saw: the common words, their shares of the passages, and after
-- these the least of them. Read there by every search it would cost a millisecond.
with seen as (
    select unnest(most_common_elems::text::text[]) as word, unnest(most_common_elem_freqs) as share
    from pg_stats
    where schemaname = any (current_schemas(false)) and tablename = 'passages' and attname = 'words'
),
shares as (select word, share from seen where word is not null order by word),
gone as (delete from word_shares where word not in (select word from shares))
insert into word_shares (word, share) select word, share from shares
on conflict (word) do update set share = excluded.share

-- name: list_articles
select a.id, a.source, a.slug, a.title, a.url, a.language, a.audience, a.updated_at,
       (select count(*) from passages p where p.article_id = a.id) as passages,
       a.effective_at, a.expires_at, a.version, m.since as missing_since
from articles a left join missing_articles m on m.article_id = a.id
where (%(source)s::text is null or a.source = %(source)s)
  and (%(text)s::text is null or strpos(lower(a.title || ' ' || a.slug), lower(%(text)s)) > 0)
order by a.source, a.slug
limit %(limit)s offset %(offset)s

-- name: find_articles
select a.id, a.source, a.slug, a.title, a.url, a.language, a.audience, a.updated_at,
       (select count(*) from passages p where p.article_id = a.id) as passages,
       a.effective_at, a.expires_at, a.version, m.since as missing_since
from articles a left join missing_articles m on m.article_id = a.id
where a.id = any (%(ids)s)

-- name: count_articles
select a.source, a.language, a.audience, count(*) as articles, sum(p.passages)::bigint as passages,
       max(a.updated_at) as updated_at
from articles a
cross join lateral (select count(*) as passages from passages where article_id = a.id) p
group by a.source, a.language, a.audience
order by a.source, a.language, a.audience
