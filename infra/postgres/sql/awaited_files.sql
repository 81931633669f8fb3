-- Files that are still at their provider, fetched after their message was acknowledged.

-- name: await_file
insert into awaited_files (message_id, ordinal, channel, source_sealed)
values (%(message_id)s, %(ordinal)s, %(channel)s, %(source_sealed)s);

-- name: claim
-- The next time is set before anybody fetches: a file that kills whoever fetches it is fetched less and less, then given up.
with due as materialized (
    select message_id, ordinal from awaited_files
    where channel = %(channel)s and due_at <= now()
    order by due_at
    limit %(limit)s
    for update skip locked
)
update awaited_files a set
    attempts = a.attempts + 1, due_at = now() + %(hold)s + %(first)s::interval * power(3, a.attempts)
from due, message_files f, customer_keys k
where a.message_id = due.message_id and a.ordinal = due.ordinal
    and f.message_id = a.message_id and f.ordinal = a.ordinal and k.id = f.key_id
returning a.message_id, a.ordinal, a.attempts, a.source_sealed, f.id, f.media_type,
    k.id as key_id, k.customer_id, k.wrapped, k.master_key_id;

-- name: again
-- It can't be had now: the next time is not a call's longest time away, as for one whose fetcher died.
update awaited_files set due_at = due_at - %(hold)s
where message_id = %(message_id)s and ordinal = %(ordinal)s and attempts = %(attempts)s;

-- name: keep
-- Who comes second finds nothing awaited, and writes nothing.
with had as (
    delete from awaited_files where message_id = %(message_id)s and ordinal = %(ordinal)s
    returning message_id, ordinal
), kept as (
    update message_files f set
        name_sealed = %(name_sealed)s, media_type = %(media_type)s, size = %(size)s,
        content_sealed = %(content_sealed)b, refusal = %(refusal)s
    from had where f.message_id = had.message_id and f.ordinal = had.ordinal
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'file.fetched', m.case_id, 'provider',
    jsonb_build_object('ordinal', had.ordinal, 'refusal', %(refusal)s::text)
from had join messages m on m.id = had.message_id
returning id;
