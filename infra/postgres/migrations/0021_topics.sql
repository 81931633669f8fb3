-- What turns are about, for figures: an intent of the company's own or an article's title, never a customer's words.

alter table turns
    add column topic text check (length(topic) <= 200),
    -- in: one of the intents, or answered by an article; near: neither; far: nothing to do with the company
    add column scope text check (scope in ('in', 'near', 'far'));

-- Turns are written in the order of time, so that a small index by ranges of blocks does, which costs a turn next to nothing.
create index turns_by_time on turns using brin (started_at);
