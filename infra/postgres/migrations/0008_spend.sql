-- What the language model costs: counters by case and by UTC day, not a row a call.
--
-- A call's estimate is counted before the call and put right after it. A worker that dies in between leaves the
-- estimate standing: the call was probably paid for.

create table model_spend_of_cases (
    case_id uuid primary key references cases on delete cascade,
    tokens_in bigint not null default 0,
    tokens_out bigint not null default 0,
    estimated bigint not null default 0,        -- how many of those tokens nobody has reported: under way, or never told
    money numeric not null default 0,           -- at the prices of the time
    refused_at timestamptz                      -- when a call was first refused because of a ceiling
) with (fillfactor = 70);

-- A day is spread over sixteen rows, and a call takes any of them: one row would be a queue for all workers.
create table model_spend_of_days (
    day date not null,
    slot smallint not null check (slot between 0 and 15),
    tokens_in bigint not null default 0,
    tokens_out bigint not null default 0,
    estimated bigint not null default 0,
    money numeric not null default 0,
    refused_at timestamptz,                     -- in slot 0
    primary key (day, slot)
) with (fillfactor = 50);
