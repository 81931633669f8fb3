-- What the language model costs, and whether another call may be made.

-- name: reserve
-- Read what is spent, and count the call's estimate unless it would pass a ceiling: in one statement, so that whatever is
-- committed is seen. Calls that are reserved in the same moment do not see each other: a ceiling may be passed by the calls
-- under way, never by more.
with spent as (
    select
        d.day, d.tokens as day_tokens, d.money as day_money,
        coalesce(c.tokens_in + c.tokens_out, 0) as case_tokens, coalesce(c.money, 0) as case_money
    from (
        select t.day, coalesce(sum(s.tokens_in + s.tokens_out), 0) as tokens, coalesce(sum(s.money), 0) as money
        from (select (now() at time zone 'utc')::date as day) t
        left join model_spend_of_days s on s.day = t.day
        group by t.day
    ) d
    left join model_spend_of_cases c on c.case_id = %(case_id)s
), verdict as (
    select day, case
        when case_tokens + %(tokens_in)s + %(tokens_out)s > %(most_case_tokens)s then 'case_tokens'
        when case_money + %(money)s > %(most_case_money)s then 'case_money'
        when day_tokens + %(tokens_in)s + %(tokens_out)s > %(most_day_tokens)s then 'day_tokens'
        when day_money + %(money)s > %(most_day_money)s then 'day_money'
    end as ceiling
    from spent
), of_case as (
    insert into model_spend_of_cases as s (case_id, tokens_in, tokens_out, estimated, money)
    select %(case_id)s, %(tokens_in)s, %(tokens_out)s, %(estimated)s, %(money)s
    from verdict where ceiling is null and %(case_id)s::uuid is not null
    on conflict (case_id) do update set
        tokens_in = s.tokens_in + excluded.tokens_in, tokens_out = s.tokens_out + excluded.tokens_out,
        estimated = s.estimated + excluded.estimated, money = s.money + excluded.money
), of_day as (
    insert into model_spend_of_days as s (day, slot, tokens_in, tokens_out, estimated, money)
    select day, %(slot)s, %(tokens_in)s, %(tokens_out)s, %(estimated)s, %(money)s
    from verdict where ceiling is null
    on conflict (day, slot) do update set
        tokens_in = s.tokens_in + excluded.tokens_in, tokens_out = s.tokens_out + excluded.tokens_out,
        estimated = s.estimated + excluded.estimated, money = s.money + excluded.money
)
select day, ceiling from verdict;

-- name: settle
-- By how much the call was more or less than its estimate.
with of_case as (
    update model_spend_of_cases set
        tokens_in = tokens_in + %(tokens_in)s, tokens_out = tokens_out + %(tokens_out)s,
        estimated = estimated + %(estimated)s, money = money + %(money)s
    where case_id = %(case_id)s
)
update model_spend_of_days set
    tokens_in = tokens_in + %(tokens_in)s, tokens_out = tokens_out + %(tokens_out)s,
    estimated = estimated + %(estimated)s, money = money + %(money)s
where day = %(day)s and slot = %(slot)s;

-- name: log_case
-- Once a case: a ceiling of its own was reached.
with first as (
    insert into model_spend_of_cases as s (case_id, refused_at) values (%(case_id)s, now())
    on conflict (case_id) do update set refused_at = now() where s.refused_at is null
    returning case_id
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'spend.ceiling_reached', case_id, 'agent', %(data)s from first;

-- name: log_day
-- Once a day: a ceiling of the day was reached.
with first as (
    insert into model_spend_of_days as s (day, slot, refused_at) values (%(day)s, 0, now())
    on conflict (day, slot) do update set refused_at = now() where s.refused_at is null
    returning day
)
insert into events (id, kind, case_id, actor, data)
select %(event_id)s, 'spend.ceiling_reached', null, 'agent', %(data)s from first;
