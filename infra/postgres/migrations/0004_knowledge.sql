-- Articles, their passages, and one vector a passage and embedding model.

create table articles (
    id uuid primary key,
    source text not null,                       -- where it came from: a folder, a file, a feed
    slug text not null,                         -- its name there
    title text not null,
    url text,
    language text not null,
    audience text not null check (audience in ('public', 'customers', 'staff')),
    content_hash bytea not null,                -- of everything that a passage is made from: unchanged means untouched
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (source, slug)
);

create table passages (
    id uuid primary key,
    article_id uuid not null references articles on delete cascade,
    ordinal integer not null,
    heading text not null,
    body text not null,
    language text not null,                     -- copied from the article, so that a filter needs no join
    audience text not null,
    words tsvector not null,
    unique (article_id, ordinal)
);
-- Without the list of pending entries, which every search would read whole.
create index passages_words on passages using gin (words) with (fastupdate = off);
-- Counts the readers' passages before a search: few are compared one by one, many through the vectors' index.
create index passages_readers on passages (language, audience);

create table embeddings (
    passage_id uuid not null references passages on delete cascade,
    model text not null,
    embedding vector not null,
    primary key (model, passage_id)
);
-- An HNSW index needs a fixed length: one partial index a model. MiniLM's is here; another model's is made when it is first used.
create index embeddings_minilm on embeddings using hnsw ((embedding::vector(384)) vector_cosine_ops)
    where model = 'minilm-l6-v2';

-- Vectors by content, so that a second import is quick.
create table embedding_cache (
    model text not null,
    content_hash bytea not null,
    embedding vector not null,
    primary key (model, content_hash)
);
