"""Every figure a second time, in plain SQL over what the product itself stores: none of the rows made for figures."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

from infra.postgres.database import Database

_OF_CASE: LiteralString = """
(select min(e.at) from events e where e.case_id = c.id and e.kind in
    ('escalation.opened', 'case.taken_over', 'case.answered_elsewhere', 'turn.dead'))
"""
_PRELUDE: LiteralString = (
    """
with wanted as (
    select c.*, v.channel, u.segment, """
    + _OF_CASE
    + """ as handed
    from cases c join conversations v on v.id = c.conversation_id join customers u on u.id = c.customer_id
    where %(channel)s::text is null or v.channel = %(channel)s
), spoken as (
    select c.id as case_id, m.author = 'human' or d.action in ('approve', 'edit', 'answer') as by_person,
        case when o.id is null and m.delivered_at > m.received_at then m.received_at else m.delivered_at end as at
    from wanted c join messages m on m.case_id = c.id
    left join outbox o on o.message_id = m.id
    left join escalations s on s.turn_id = m.turn_id
    left join decisions d on d.escalation_id = s.id
    where m.author in ('agent', 'human') and m.state = 'delivered' and coalesce(o.kind, 'reply') = 'reply'
        and coalesce(o.state, 'sent') = 'sent'
), marks as (
    select c.id as case_id, n, c.opened_at, c.handed,
        (select min(at) from events e where e.case_id = c.id and e.kind = 'case.resolved'
            and (e.data ->> 'resolution')::int = n) as ended,
        (select e.data ->> 'by' from events e where e.case_id = c.id and e.kind = 'case.resolved'
            and (e.data ->> 'resolution')::int = n order by at limit 1) as by,
        case when n = 1 then c.opened_at else (select min(at) from events e where e.case_id = c.id
            and e.kind = 'case.reopened' and (e.data ->> 'resolution')::int = n) end as begun,
        (select min(at) from events e where e.case_id = c.id and e.kind = 'case.reopened'
            and (e.data ->> 'resolution')::int = n + 1) as again
    from wanted c, generate_series(1, 9) n
), ends as (
    select *, by is distinct from 'person' and (handed is null or handed > ended) as alone
    from marks where ended is not null
), standing as (
    select e.*, (select sum(case when f.ended > f.begun then extract(epoch from f.ended - f.begun) else 0 end)
        from ends f where f.case_id = e.case_id and f.n <= e.n) as seconds
    from ends e where e.again is null and e.ended >= %(start)s and e.ended < %(end)s
), visits as (
    select customer_id, opened_at as at from wanted
    union all
    select c.customer_id, m.begun from marks m join wanted c on c.id = m.case_id where m.n > 1 and m.begun is not null
)
"""
)

FIGURES: dict[LiteralString, LiteralString] = {
    "csat": """
        select avg((s.rating > 3)::int) as value, count(*) filter (where s.rating > 3) as counted, count(*) as of
        from surveys s join wanted c on c.id = s.case_id where s.rated_at >= %(start)s and s.rated_at < %(end)s""",
    "first_response_agent": """
        select percentile_cont(0.5) within group (order by greatest(seconds, 0)) as value, null as counted,
            count(*) as of
        from (select extract(epoch from min(s.at) - (select min(received_at) from messages m
                where m.case_id = c.id and direction = 'in')) as seconds
            from wanted c join spoken s on s.case_id = c.id and s.by_person is not true
            where c.opened_at >= %(start)s and c.opened_at < %(end)s group by c.id) x""",
    "first_response_person": """
        select percentile_cont(0.5) within group (order by greatest(seconds, 0)) as value, null as counted,
            count(*) as of
        from (select extract(epoch from min(s.at) - c.handed) as seconds
            from wanted c join spoken s on s.case_id = c.id and s.by_person
            where c.handed >= %(start)s and c.handed < %(end)s group by c.id, c.handed) x""",
    "resolution_time": """
        select percentile_cont(0.5) within group (order by seconds) as value, null as counted, count(*) as of
        from standing""",
    "escalation": """
        select avg((handed is not null)::int) as value, count(handed) as counted, count(*) as of
        from wanted where opened_at >= %(start)s and opened_at < %(end)s""",
    "self_service_confirmed": """
        select avg((alone and by in ('customer', 'agent'))::int) as value,
            count(*) filter (where alone and by in ('customer', 'agent')) as counted, count(*) as of
        from standing""",
    "self_service_assumed": """
        select avg((alone and by = 'silence')::int) as value,
            count(*) filter (where alone and by = 'silence') as counted, count(*) as of
        from standing""",
    "self_service_verified": """
        select avg(solved::int) as value, count(*) filter (where solved) as counted, count(*) as of
        from (select (select (data ->> 'solved')::bool from events e
                where e.case_id = s.case_id and e.kind = 'case.judged' and (e.data ->> 'resolution')::int = s.n
                order by at desc limit 1) as solved
            from standing s where s.alone and s.by in ('customer', 'agent', 'silence')) x where solved is not null""",
    "reopen": """
        select avg((again - ended <= interval '14 days' is true)::int) as value,
            count(*) filter (where again - ended <= interval '14 days') as counted, count(*) as of
        from ends where ended >= %(start)s and ended < %(end)s""",
    "cost": """
        select avg(coalesce(money, 0)) as value, coalesce(sum(money), 0) as counted, count(*) as of
        from wanted c left join model_spend_of_cases s on s.case_id = c.id
        where opened_at >= %(start)s and opened_at < %(end)s""",
    "productivity": """
        select avg(works) as value, coalesce(sum(works), 0) as counted, count(*) as of
        from (select count(*) as works
            from (select e.actor, min(e.at) as at from events e join wanted c on c.id = e.case_id
                where e.kind in ('escalation.decided', 'case.answered_by_person') and not exists (
                    select from events u where u.case_id = e.case_id and u.at >= e.at
                        and u.kind in ('escalation.undone', 'message.undone')
                        and (u.data ->> 'escalation_id' = e.data ->> 'escalation_id'
                            or u.data ->> 'message_id' = e.data ->> 'message_id'))
                group by e.actor, coalesce(e.data ->> 'escalation_id', e.data ->> 'message_id', e.id::text)) w
            where at >= %(start)s and at < %(end)s
            group by actor, (at at time zone 'utc')::date) x""",
    "retention": """
        select avg(back::int) as value, count(*) filter (where back) as counted, count(*) as of
        from (select distinct customer_id, customer_id in
                (select customer_id from visits where at >= %(start)s and at < %(end)s) as back
            from visits where at >= %(start)s - (%(end)s - %(start)s) and at < %(start)s) x""",
}
_ALL = _PRELUDE + " union all ".join(
    f"select '{key}' as key, value::float8, counted::float8, of::bigint from ({figure}) f"
    for key, figure in FIGURES.items()
)


async def reckoned(
    database: Database, start: datetime, end: datetime, channel: str | None = None
) -> dict[str, tuple[float | None, float | None, int]]:
    """Value, what was counted, and of how many: each figure of a span, end excluded."""
    values = {"start": start, "end": end, "channel": channel}
    async with database.connection() as connection:
        rows = await (await connection.execute(_ALL, values)).fetchall()
    return {row["key"]: (row["value"], row["counted"], row["of"]) for row in rows}
