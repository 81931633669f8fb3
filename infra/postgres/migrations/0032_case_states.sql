-- A word that is another one whenever something has changed in a case that staff have before them: a message, its owner,
-- whether it waits for a decision, and who is at that. Whoever reads a case gets it in the same statement, so it is never
-- newer than what they read.
create view case_states as
select c.id as case_id, concat_ws(
    ' ', c.next_sequence, c.owner_version, s.id, s.status, case when s.claimed_until > now() then s.claimed_by end
) as state
from cases c
left join escalations s on s.case_id = c.id and s.status in ('open', 'decided');
