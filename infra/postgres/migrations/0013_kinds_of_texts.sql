-- Texts that follow an answer: whether it helped, how it was, that the assistant answers again.
alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check
    check (kind in ('reply', 'handoff', 'delay', 'failure', 'follow_up', 'survey', 'hand_back'));
