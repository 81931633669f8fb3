-- Figures by topic.

-- name: counts
select (t.started_at at time zone 'UTC')::date as day, v.channel, t.topic,
    count(*) as turns,
    count(*) filter (where t.outcome = 'answered') as answered,
    count(*) filter (where t.rules <> '{}') as escalated,
    count(*) filter (where t.scope = 'near') as near,
    count(*) filter (where t.scope = 'far') as far
from turns t
join cases c on c.id = t.case_id
join conversations v on v.id = c.conversation_id
where t.started_at >= %(since)s and t.started_at < %(until)s
group by 1, 2, 3
order by day desc, turns desc, channel, topic;
