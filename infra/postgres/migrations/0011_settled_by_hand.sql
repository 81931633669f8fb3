-- Who found out what became of a send that was unknown or had failed; from then on it is nobody's trouble.
alter table outbox add column settled_by text;
