-- Whether what was reported of a text passes by itself: it may be reported sooner than that the text was taken.
alter table delivery_reports add column passes boolean not null default false;
