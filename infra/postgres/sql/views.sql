-- That somebody of the staff saw a customer's data.

-- name: log
insert into events (id, kind, case_id, actor, data)
values (%(event_id)s, %(kind)s, %(case_id)s, %(actor)s, %(data)s);
