-- What articles said before, and who changed them.

-- name: find
-- By the beginning of the id, by the slug, or by source and slug; those that were removed too.
select distinct on (article_id) article_id, source, slug, title
from article_versions
where article_id::text like %(beginning)s or slug = %(name)s or source || '/' || slug = %(name)s
order by article_id, version desc
limit 20

-- name: history
select version, change, title, changed_by, changed_at, effective_at, expires_at, audience, language, length(body) as characters
from article_versions
where article_id = %(article)s
order by version desc
limit %(limit)s

-- name: version
select version, change, source, slug, title, body, url, language, audience, effective_at, expires_at, changed_by, changed_at
from article_versions
where article_id = %(article)s and (version = %(version)s or %(version)s::integer is null)
order by version desc
limit 1
