-- Which embedding model answers, which one is filled beside it, and which one leaves.

-- name: answering
select model, dimensions from embedding_models where state = 'answers'

-- name: begin
insert into embedding_models (model, dimensions, state) values (%(model)s, %(dimensions)s, 'fills')
on conflict (model) do update set state = 'fills', dimensions = excluded.dimensions, since = now()
where embedding_models.state = 'leaves'

-- name: count_waiting
select count(*) as waiting
from passages p
where not exists (select from embeddings e where e.passage_id = p.id and e.model = %(model)s)

-- name: lock
-- Waits for every import that is storing articles, and holds up the next until the switch is done.
select pg_advisory_xact_lock(hashtext('csagent embedding model'))

-- name: any_waiting
select exists (select from passages p
               where not exists (select from embeddings e where e.passage_id = p.id and e.model = %(model)s)) as waiting

-- name: retire
update embedding_models set state = 'leaves', since = now() where state = 'answers' and model <> %(model)s

-- name: promote
update embedding_models set state = 'answers', since = now() where model = %(model)s and state <> 'answers'

-- name: leaving
select model from embedding_models where state = 'leaves' order by model

-- name: drop_vectors
delete from embeddings
where (model, passage_id) in (select model, passage_id from embeddings where model = %(model)s limit 5000)

-- name: drop_cache
delete from embedding_cache
where (model, content_hash) in (select model, content_hash from embedding_cache where model = %(model)s limit 5000)

-- name: index_of
select c.relname as name
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid = 'embeddings'::regclass
  and pg_get_expr(i.indpred, i.indrelid) = format('(model = %%L::text)', %(model)s::text)

-- name: forget
delete from embedding_models where model = %(model)s and state = 'leaves'
