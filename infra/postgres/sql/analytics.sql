-- Reading the rows that figures are made of: they come over as binary records, one after the other in one value, which
-- infra.postgres.analytics knows how to read.

-- name: as_of
select computed_at, filled_to is not null as filling from analytics_progress;

-- name: share
-- So that another connection sees the very same.
select pg_export_snapshot() as snapshot;

-- name: labels
select id, channel, language, segment, topic from analytics_labels
where (%(channel)s::text is null or channel = %(channel)s) and (%(language)s::text is null or language = %(language)s)
    and (%(segment)s::text is null or segment = %(segment)s) and (%(topic)s::text is null or topic = %(topic)s)
order by id;

-- name: cases
-- Opened in the span, or gone to a person in it.
select string_agg(c.packed, '') as packed
from analytics_cases c
where (c.opened_at >= %(since)s and c.opened_at < %(until)s or c.to_person_at >= %(since)s and c.to_person_at < %(until)s)
    and (%(labels)s::integer[] is null or c.label_id in (select unnest(%(labels)s::integer[])));

-- name: ends
-- Of the span, or rated in it.
select string_agg(e.packed, '') as packed
from analytics_ends e
where (e.ended_at >= %(since)s and e.ended_at < %(until)s or e.rated_at >= %(since)s and e.rated_at < %(until)s)
    and (%(labels)s::integer[] is null or e.label_id in (select unnest(%(labels)s::integer[])));

-- name: visits
-- When customers began to write, beside the openings that are read already: cases that were opened in the span before,
-- and those that were opened again since then. A record begins as a case's does: label, moment, customer.
select string_agg(v.packed, '') as packed
from (
    select c.label_id, substring(c.packed from 1 for 28) as packed from analytics_cases c
    where c.opened_at >= %(earlier)s and c.opened_at < %(since)s
    union all
    select e.label_id, int4send(e.label_id) || timestamptz_send(e.reopened_at) || uuid_send(e.customer_id)
    from analytics_ends e
    where e.reopened_at >= %(earlier)s and e.reopened_at < %(until)s
) v
where %(labels)s::integer[] is null or v.label_id in (select unnest(%(labels)s::integer[]));

-- name: work
-- One row for a person and an action.
select w.person, w.action, string_agg(
    int4send(w.label_id) || timestamptz_send(w.at) || float8send(coalesce(w.seconds, 'nan')), ''
) as packed
from analytics_work w
where w.at >= %(since)s and w.at < %(until)s and (%(labels)s::integer[] is null or w.label_id in (select unnest(%(labels)s::integer[])))
group by w.person, w.action;
