-- What a load test asks of the database beside the product.

-- name: connections
select coalesce(nullif(application_name, ''), 'unnamed') as application, count(*)::integer as connections
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend' and application_name <> 'csagent loadtest'
group by 1 order by 1;

-- name: sent_since
select extract(epoch from o.settled_at - m.received_at)::float8 as seconds
from messages m
join outbox o on o.intent_id = m.turn_id and o.state = 'sent'
where m.id >= %(first)s and m.direction = 'in';
