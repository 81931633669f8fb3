-- Reading the rows that figures are made of: one row for all that share channel, language, segment and topic, each column
-- of it the binary values of theirs, in one order. A hundred thousand rows come over as a few hundred.

-- name: as_of
select computed_at, filled_to is not null as filling from analytics_progress;

-- name: cases
-- Opened in the span, or gone to a person in it.
select c.channel, coalesce(c.language, '') as language, c.segment, coalesce(c.topic, '') as topic,
    string_agg(timestamptz_send(c.opened_at), '') as opened,
    string_agg(coalesce(timestamptz_send(c.to_person_at), '\x8000000000000000'), '') as to_person,
    string_agg(float8send(coalesce(c.agent_seconds, 'nan')), '') as agent_seconds,
    string_agg(float8send(coalesce(c.person_seconds, 'nan')), '') as person_seconds,
    string_agg(float8send(c.money::float8), '') as money
from analytics_cases c
where (c.opened_at >= %(since)s and c.opened_at < %(until)s or c.to_person_at >= %(since)s and c.to_person_at < %(until)s)
    and (%(channel)s::text is null or c.channel = %(channel)s)
    and (%(language)s::text is null or coalesce(c.language, '') = %(language)s)
    and (%(segment)s::text is null or c.segment = %(segment)s)
    and (%(topic)s::text is null or coalesce(c.topic, '') = %(topic)s)
group by 1, 2, 3, 4;

-- name: ends
-- Of the span, or rated in it. how: 0 a person had a part, 1 confirmed, 2 assumed, 3 unknown. solved: 0 no, 1 yes, 2 unread.
select c.channel, coalesce(c.language, '') as language, c.segment, coalesce(c.topic, '') as topic,
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
join analytics_cases c on c.case_id = e.case_id
where (e.ended_at >= %(since)s and e.ended_at < %(until)s or e.rated_at >= %(since)s and e.rated_at < %(until)s)
    and (%(channel)s::text is null or c.channel = %(channel)s)
    and (%(language)s::text is null or coalesce(c.language, '') = %(language)s)
    and (%(segment)s::text is null or c.segment = %(segment)s)
    and (%(topic)s::text is null or coalesce(c.topic, '') = %(topic)s)
group by 1, 2, 3, 4;

-- name: visits
-- When customers began to write: a case was opened, or opened again.
select c.channel, coalesce(c.language, '') as language, c.segment, coalesce(c.topic, '') as topic,
    string_agg(timestamptz_send(v.at), '') as at,
    string_agg(uuid_send(c.customer_id), '') as customer
from (
    select case_id, opened_at as at from analytics_cases where opened_at >= %(since)s and opened_at < %(until)s
    union all
    select case_id, reopened_at from analytics_ends where reopened_at >= %(since)s and reopened_at < %(until)s
) v
join analytics_cases c on c.case_id = v.case_id
where (%(channel)s::text is null or c.channel = %(channel)s)
    and (%(language)s::text is null or coalesce(c.language, '') = %(language)s)
    and (%(segment)s::text is null or c.segment = %(segment)s)
    and (%(topic)s::text is null or coalesce(c.topic, '') = %(topic)s)
group by 1, 2, 3, 4;

-- name: work
select c.channel, coalesce(c.language, '') as language, c.segment, coalesce(c.topic, '') as topic, w.person, w.action,
    string_agg(timestamptz_send(w.at), '') as at,
    string_agg(float8send(coalesce(w.seconds, 'nan')), '') as seconds
from analytics_work w
join analytics_cases c on c.case_id = w.case_id
where w.at >= %(since)s and w.at < %(until)s
    and (%(channel)s::text is null or c.channel = %(channel)s)
    and (%(language)s::text is null or coalesce(c.language, '') = %(language)s)
    and (%(segment)s::text is null or c.segment = %(segment)s)
    and (%(topic)s::text is null or coalesce(c.topic, '') = %(topic)s)
group by 1, 2, 3, 4, 5, 6;
