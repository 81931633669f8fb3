-- In what share of the passages the common words are, for the search: copied from the statistics after each import.
create table word_shares (
    word text primary key,
    share real not null
);
create index word_shares_least on word_shares (share);
insert into word_shares (word, share)
select word, share
from (
    select unnest(most_common_elems::text::text[]) as word, unnest(most_common_elem_freqs) as share
    from pg_stats
    where schemaname = any (current_schemas(false)) and tablename = 'passages' and attname = 'words'
) seen
where word is not null;

-- A passage's vectors by one step, where few passages are compared one by one: half the time of the key, which begins with
-- the model's name. Its removal finds them by this, too.
create index embeddings_of_passages on embeddings using hash (passage_id);

-- With the id: the few readable passages are then known without a look at the passages themselves.
drop index passages_readers;
create index passages_readers on passages (language, audience) include (effective_at, expires_at, id);
