-- Reading the rows that figures are made of: each column comes over as the binary values of all rows, one after the other,
-- and all columns of a block in the same order. A hundred thousand rows are one.

-- name: as_of
select computed_at, filled_to is not null as filling from analytics_progress;

-- name: labels
select id, channel, language, segment, topic from analytics_labels
where (%(channel)s::text is null or channel = %(channel)s) and (%(language)s::text is null or language = %(language)s)
    and (%(segment)s::text is null or segment = %(segment)s) and (%(topic)s::text is null or topic = %(topic)s)
order by id;

-- name: cases
-- Opened in the span, or gone to a person in it.
select
    string_agg(int4send(c.label_id), '') as label,
    string_agg(timestamptz_send(c.opened_at), '') as opened,
    string_agg(uuid_send(c.customer_id), '') as customer,
    string_agg(coalesce(timestamptz_send(c.to_person_at), '\x8000000000000000'), '') as to_person,
    string_agg(float8send(coalesce(c.agent_seconds, 'nan')), '') as agent_seconds,
    string_agg(float8send(coalesce(c.person_seconds, 'nan')), '') as person_seconds,
    string_agg(float8send(c.money::float8), '') as money
from analytics_cases c
where (c.opened_at >= %(since)s and c.opened_at < %(until)s or c.to_person_at >= %(since)s and c.to_person_at < %(until)s)
    and (%(labels)s::integer[] is null or c.label_id = any(%(labels)s));

-- name: ends
-- Of the span, or rated in it. how: 0 a person had a part, 1 confirmed, 2 assumed, 3 unknown. solved: 0 no, 1 yes, 2 unread.
select
    string_agg(int4send(e.label_id), '') as label,
    string_agg(timestamptz_send(e.ended_at), '') as ended,
    string_agg(coalesce(timestamptz_send(e.reopened_at), '\x8000000000000000'), '') as reopened,
    string_agg(coalesce(timestamptz_send(e.rated_at), '\x8000000000000000'), '') as rated,
    string_agg(float8send(coalesce(e.open_seconds, 'nan')), '') as open_seconds,
    string_agg(int2send(coalesce(e.rating, 0::smallint)), '') as rating,
    string_agg(int2send(
        case e.how when 'person' then 0 when 'confirmed' then 1 when 'assumed' then 2 else 3 end::smallint
    ), '') as how,
    string_agg(int2send(case when e.solved then 1 when not e.solved then 0 else 2 end::smallint), '') as solved
from analytics_ends e
where (e.ended_at >= %(since)s and e.ended_at < %(until)s or e.rated_at >= %(since)s and e.rated_at < %(until)s)
    and (%(labels)s::integer[] is null or e.label_id = any(%(labels)s));

-- name: visits
-- When customers began to write, beside the openings that are read already: cases that were opened in the span before,
-- and those that were opened again since then.
select
    string_agg(int4send(v.label_id), '') as label,
    string_agg(timestamptz_send(v.at), '') as at,
    string_agg(uuid_send(v.customer_id), '') as customer
from (
    select c.label_id, c.opened_at as at, c.customer_id from analytics_cases c
    where c.opened_at >= %(earlier)s and c.opened_at < %(since)s
    union all
    select c.label_id, e.reopened_at, c.customer_id
    from analytics_ends e join analytics_cases c on c.case_id = e.case_id
    where e.reopened_at >= %(earlier)s and e.reopened_at < %(until)s
) v
where %(labels)s::integer[] is null or v.label_id = any(%(labels)s);

-- name: work
-- One row for a person and an action.
select w.person, w.action,
    string_agg(int4send(c.label_id), '') as label,
    string_agg(timestamptz_send(w.at), '') as at,
    string_agg(float8send(coalesce(w.seconds, 'nan')), '') as seconds
from analytics_work w
join analytics_cases c on c.case_id = w.case_id
where w.at >= %(since)s and w.at < %(until)s and (%(labels)s::integer[] is null or c.label_id = any(%(labels)s))
group by w.person, w.action;
