-- Articles have versions and dates; where they come from is remembered; one of several embedding models answers.

alter table articles
    add column body text,                               -- Markdown; null: stored by a release that kept passages only
    add column effective_at timestamptz,                -- not found before; null: since ever
    add column expires_at timestamptz,                  -- not found from then on; null: never
    add column version integer not null default 0,      -- of article_versions; 0: none was kept yet
    add check (effective_at < expires_at);

-- Copied from the article, so that a filter needs no join; infinite rather than null, so that it is two comparisons.
alter table passages
    add column effective_at timestamptz not null default '-infinity',
    add column expires_at timestamptz not null default 'infinity';

drop index passages_readers;
create index passages_readers on passages (language, audience) include (effective_at, expires_at);

-- What an article said, and says. Stays when the article is removed, so that it can be brought back.
create table article_versions (
    article_id uuid not null,
    version integer not null,
    change text not null check (change in ('added', 'changed', 'restored', 'removed')),
    source text not null,
    slug text not null,
    title text not null,
    body text not null,
    url text,
    language text not null,
    audience text not null,
    effective_at timestamptz,
    expires_at timestamptz,
    changed_by text not null,
    changed_at timestamptz not null default now(),
    primary key (article_id, version)
);

-- Where a source was read from, for the report of what vanished.
create table knowledge_sources (
    source text primary key,
    location text not null,         -- a path on the machine that read it, or an address
    read_at timestamptz not null default now()
);

-- Articles that their source has no more. Not a column of theirs, whose every change is seen by caches.
create table missing_articles (
    article_id uuid primary key references articles on delete cascade,
    since timestamptz not null default now()
);

-- What a server said of a page, so that the next run fetches only what changed.
create table fetched_pages (
    source text not null,
    url text not null,
    etag text,
    last_modified text,
    terms bytea not null,           -- how it was read: under other terms it is fetched again
    fetched_at timestamptz not null default now(),
    primary key (source, url)
);

create table embedding_models (
    model text primary key,         -- the name under which its vectors are stored
    dimensions integer not null,
    state text not null check (state in ('fills', 'answers', 'leaves')),
    since timestamptz not null default now()
);
create unique index embedding_models_answering on embedding_models (state) where state = 'answers';
