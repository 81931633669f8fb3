-- Whether the agent proposes an answer to what waits, so that the queue can be filtered by it; null: from before this.
alter table escalations add column has_draft boolean;
