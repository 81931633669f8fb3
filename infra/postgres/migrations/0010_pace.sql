-- How quickly turns may follow each other in a case: the time at which one more would be due at an even pace.
-- A case may be ahead of it by a few turns, so that a lively talk is not slowed; null is no turn yet.
alter table case_work add column next_turn_at timestamptz;
