-- Questions that the articles don't answer: what a person has decided of them. The questions themselves are found among
-- the turns each time and stay sealed where they are; nothing of their words or vectors is kept here.

create table gap_decisions (
    id uuid primary key,
    action text not null check (action in ('approved', 'dismissed')),
    article_id uuid,                -- the article that was approved; it may have been removed since
    reason text check (reason in ('not_ours', 'case_by_case', 'answered_already', 'other')),
    decided_by text not null,
    decided_at timestamptz not null default now(),
    check ((action = 'approved') = (article_id is not null)),
    check ((action = 'dismissed') = (reason is not null))
);

-- Which turns asked it. A turn stands at the newest decision that it was part of, and goes with its case.
create table gap_turns (
    turn_id uuid primary key references turns on delete cascade,
    decision_id uuid not null references gap_decisions
);

-- One in some turns leaves a question open. The rules are those of the shipped policy.
create index turns_unanswered on turns (started_at)
    where outcome = 'unanswered' or rules && '{unanswered,vip_unanswered,low_confidence}'::text[];

create index surveys_unhelpful on surveys (rated_at) where rating <= 2 and answered_by = 'agent';
