-- What the report on articles is made from. Read now and then by the staff, whole.

-- name: articles
with lately as (
    select p.article_id, count(*) as cited
    from turns t cross join unnest(t.cited) as c (passage) join passages p on p.id = c.passage
    where t.finished_at > now() - %(lately)s
    group by p.article_id
)
select a.id, a.source, a.slug, a.title, a.url, a.language, a.audience, a.effective_at, a.expires_at, a.updated_at,
       coalesce(a.body, (select string_agg(p.body, E'\n\n' order by p.ordinal) from passages p where p.article_id = a.id), '')
           as body,
       m.since as missing_since, coalesce(l.cited, 0) as cited
from articles a
left join missing_articles m on m.article_id = a.id
left join lately l on l.article_id = a.id
order by a.source, a.slug

-- name: vectors
select p.article_id, e.embedding::text as embedding
from passages p
join embeddings e on e.passage_id = p.id
join embedding_models m on m.model = e.model and m.state = 'answers'
where p.expires_at > now()
order by p.id
limit %(most)s

-- name: removed_addresses
select distinct v.url
from article_versions v
where v.change = 'removed' and v.url is not null and not exists (select from articles a where a.url = v.url)
