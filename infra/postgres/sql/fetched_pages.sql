-- What servers said of the pages that were fetched.

-- name: known
-- Of pages whose articles are there, and that were read under the same terms.
select url, etag, last_modified
from fetched_pages f
where source = %(source)s and terms = %(terms)s
  and exists (select from articles a
              where a.source = f.source and (a.slug = f.url or starts_with(a.slug, f.url || '#')))

-- name: keep
insert into fetched_pages (source, url, etag, last_modified, terms)
select %(source)s, url, etag, last_modified, %(terms)s
from unnest(%(urls)s::text[], %(etags)s::text[], %(dates)s::text[]) as new (url, etag, last_modified)
on conflict (source, url) do update
set etag = excluded.etag, last_modified = excluded.last_modified, terms = excluded.terms, fetched_at = now()
