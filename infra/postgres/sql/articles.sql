-- Articles, their passages and vectors, as the ingestion puts them in and the staff sees them.

-- name: find_model_index
select 1
from pg_index
where indrelid = 'embeddings'::regclass and indisvalid
  and pg_get_expr(indpred, indrelid) = format('(model = %%L::text)', %(model)s::text)

-- name: create_model_index
create index {name} on embeddings using hnsw ((embedding::{vector}) {operators}) where model = {model}

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
insert into articles (id, source, slug, title, url, language, audience, content_hash)
select * from unnest(
    %(ids)s::uuid[], %(sources)s::text[], %(slugs)s::text[], %(titles)s::text[], %(urls)s::text[], %(languages)s::text[],
    %(audiences)s::text[], %(hashes)s::bytea[])
on conflict (id) do update
set title = excluded.title, url = excluded.url, language = excluded.language, audience = excluded.audience,
    content_hash = excluded.content_hash, updated_at = now()

-- name: clear_passages
delete from passages where article_id = any (%(ids)s)

-- name: put_passages
insert into passages (id, article_id, ordinal, heading, body, language, audience, words)
select id, article_id, ordinal, heading, body, language, audience, to_tsvector(configuration, searchable)
from unnest(
    %(ids)s::uuid[], %(articles)s::uuid[], %(ordinals)s::integer[], %(headings)s::text[], %(bodies)s::text[],
    %(languages)s::text[], %(audiences)s::text[], %(configurations)s::regconfig[], %(searchables)s::text[]
) as new (id, article_id, ordinal, heading, body, language, audience, configuration, searchable)

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
delete from articles where source = %(source)s and slug = any (%(slugs)s)

-- name: analyze
analyze articles, passages, embeddings

-- name: list_articles
select a.id, a.source, a.slug, a.title, a.url, a.language, a.audience, a.updated_at,
       (select count(*) from passages p where p.article_id = a.id) as passages
from articles a
where (%(source)s::text is null or a.source = %(source)s)
order by a.source, a.slug
limit %(limit)s offset %(offset)s

-- name: count_articles
select a.source, a.language, a.audience, count(*) as articles, sum(p.passages)::bigint as passages,
       max(a.updated_at) as updated_at
from articles a
cross join lateral (select count(*) as passages from passages where article_id = a.id) p
group by a.source, a.language, a.audience
order by a.source, a.language, a.audience

-- name: delete_article
delete from articles where id = %(id)s

-- name: delete_source
delete from articles where source = %(source)s
