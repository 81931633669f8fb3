-- What the company knows of its customers (name, postcode, date of birth), by which somebody who tells it may be found.
-- It is never a proof: whoever is found so is offered to a person of staff (ADR 0019).

create table customer_facts (
    id uuid primary key,
    customer_id uuid not null references customers,
    key_id uuid not null references customer_keys,
    record_index bytea not null unique,     -- the record of the company's that this is: a keyed hash of its number there
    facts_sealed bytea not null,            -- JSON: name, postcode, born
    told_by text not null,                  -- who brought it
    updated_at timestamptz not null default now()
);
create index customer_facts_of_customer on customer_facts (customer_id);

-- Keyed hashes of postcode, date of birth, and the sound of the name: the key that one of them shares finds the record.
create table customer_fact_keys (
    value_index bytea not null,
    facts_id uuid not null references customer_facts on delete cascade,
    primary key (value_index, facts_id)
);
create index customer_fact_keys_of_facts on customer_fact_keys (facts_id);
