-- More neighbours are looked at when a vector comes into an index, so that a search has to look at fewer. Holds for what
-- comes in from now on; "reindex index concurrently embeddings_minilm" brings it to what is there.
do $$
declare
    vectors regclass;
begin
    for vectors in
        select i.indexrelid from pg_index i
        join pg_class c on c.oid = i.indexrelid
        join pg_am m on m.oid = c.relam
        where i.indrelid = 'embeddings'::regclass and m.amname = 'hnsw'
    loop
        execute format('alter index %s set (ef_construction = 200)', vectors);
    end loop;
end $$;
