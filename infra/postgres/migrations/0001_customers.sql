-- Customers, the keys that seal their data, and the addresses by which they are known.
--
-- Every column named *_sealed is AES-256-GCM under the customer's own key (infra.crypto): nonce, ciphertext and tag, with
-- the table, the column and the row's id as associated data, so that a value moved to another row does not open.
-- Every column named *_index is a blind index: a keyed hash for exact look-ups, useless without the index key.

create extension if not exists vector;

create table customer_keys (
    id uuid primary key,
    customer_id uuid not null,
    wrapped bytea,                              -- null once destroyed: that is erasure
    master_key_id text not null,                -- which master key wrapped it, so that rotation can find it
    created_at timestamptz not null default now(),
    destroyed_at timestamptz,
    check ((wrapped is null) = (destroyed_at is not null))
);
create index customer_keys_by_customer on customer_keys (customer_id);

create table customers (
    id uuid primary key,
    key_id uuid not null references customer_keys,
    name_sealed bytea,
    language text,
    segment text not null default 'standard',
    merged_into uuid references customers,
    created_at timestamptz not null default now()
);

create table identities (
    id uuid primary key,
    customer_id uuid not null references customers,
    key_id uuid not null references customer_keys,
    channel text not null,
    address_sealed bytea not null,
    address_index bytea not null,
    verified_at timestamptz,                    -- null: claimed, never proven; it finds nobody's data
    created_at timestamptz not null default now()
);
-- One proven owner of an address; any number of people may claim it.
create unique index identities_proven on identities (channel, address_index) where verified_at is not null;
create index identities_by_address on identities (address_index);
create index identities_by_customer on identities (customer_id);
