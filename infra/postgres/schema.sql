-- The whole schema, for reading. Generated from a migrated database by `make docs`: change the migrations.
-- Left out: the monthly partitions of events, which make_event_partitions() makes ahead of time.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE FUNCTION forget_words() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    delete from message_words where key_id = new.id;
    delete from customer_words where key_id = new.id;
    return null;
end $$;

CREATE FUNCTION make_event_partitions(months_ahead integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
declare
    month date := date_trunc('month', now() at time zone 'utc')::date;
    made integer := 0;
begin
    for ahead in 0..months_ahead loop
        if to_regclass(format('events_%s', to_char(month + make_interval(months => ahead), 'YYYY_MM'))) is null then
            execute format(
                'create table events_%s partition of events for values from (%L) to (%L)',
                to_char(month + make_interval(months => ahead), 'YYYY_MM'),
                (month + make_interval(months => ahead))::timestamp at time zone 'utc',
                (month + make_interval(months => ahead + 1))::timestamp at time zone 'utc');
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;

CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'events are append-only';
end $$;

CREATE TABLE alert_endpoints (
    id uuid NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    old_until timestamp with time zone,
    added_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    disabled_at timestamp with time zone,
    disabled_for text,
    CONSTRAINT alert_endpoints_check CHECK (((disabled_at IS NULL) = (disabled_for IS NULL))),
    CONSTRAINT alert_endpoints_disabled_for_check CHECK ((disabled_for = ANY (ARRAY['gone'::text, 'admin'::text]))),
    CONSTRAINT alert_endpoints_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9._-]{0,59}$'::text))
);

CREATE TABLE alert_sends (
    id uuid NOT NULL,
    alert_id uuid NOT NULL,
    account_id uuid,
    endpoint_id uuid,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    error text,
    settled_at timestamp with time zone,
    CONSTRAINT alert_sends_check CHECK (((account_id IS NULL) <> (endpoint_id IS NULL))),
    CONSTRAINT alert_sends_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'withdrawn'::text])))
);

CREATE TABLE alerts (
    id uuid NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    mark timestamp with time zone NOT NULL,
    case_id uuid,
    severity text,
    channel text,
    due_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT alerts_kind_check CHECK ((kind = ANY (ARRAY['waiting'::text, 'warned'::text, 'late'::text, 'unheeded'::text, 'moved_on'::text, 'customer_waits'::text, 'dead_letter'::text, 'send_troubled'::text, 'webhook_gone'::text, 'status_due'::text, 'test'::text])))
);

CREATE TABLE analytics_cases (
    case_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    label_id integer NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    agent_seconds double precision,
    to_person_at timestamp with time zone,
    person_seconds double precision,
    money numeric DEFAULT 0 NOT NULL,
    packed bytea GENERATED ALWAYS AS (((((((int4send(label_id) || timestamptz_send(opened_at)) || uuid_send(customer_id)) || COALESCE(timestamptz_send(to_person_at), '\x8000000000000000'::bytea)) || float8send(COALESCE(agent_seconds, 'NaN'::double precision))) || float8send(COALESCE(person_seconds, 'NaN'::double precision))) || float8send((money)::double precision))) STORED NOT NULL
);

CREATE TABLE analytics_ends (
    case_id uuid NOT NULL,
    label_id integer,
    customer_id uuid,
    number integer NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    seconds double precision,
    open_seconds double precision,
    how text NOT NULL,
    reopened_at timestamp with time zone,
    rating smallint,
    rated_at timestamp with time zone,
    judged_at timestamp with time zone,
    solved boolean,
    packed bytea GENERATED ALWAYS AS ((((((((int4send(COALESCE(label_id, 0)) || timestamptz_send(ended_at)) || COALESCE(timestamptz_send(reopened_at), '\x8000000000000000'::bytea)) || COALESCE(timestamptz_send(rated_at), '\x8000000000000000'::bytea)) || float8send(COALESCE(open_seconds, 'NaN'::double precision))) || int2send(COALESCE(rating, (0)::smallint))) || int2send((
CASE how
    WHEN 'person'::text THEN 0
    WHEN 'confirmed'::text THEN 1
    WHEN 'assumed'::text THEN 2
    ELSE 3
END)::smallint)) || int2send((
CASE
    WHEN solved THEN 1
    WHEN (NOT solved) THEN 0
    ELSE 2
END)::smallint))) STORED NOT NULL,
    CONSTRAINT analytics_ends_how_check CHECK ((how = ANY (ARRAY['person'::text, 'confirmed'::text, 'assumed'::text, 'unknown'::text])))
);

CREATE TABLE analytics_labels (
    id integer NOT NULL,
    channel text NOT NULL,
    language text NOT NULL,
    segment text NOT NULL,
    topic text NOT NULL
);

ALTER TABLE analytics_labels ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME analytics_labels_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE analytics_progress (
    singleton boolean DEFAULT true NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    filled_to uuid,
    computed_at timestamp with time zone NOT NULL,
    CONSTRAINT analytics_progress_singleton_check CHECK (singleton)
);

CREATE TABLE analytics_work (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    label_id integer,
    person text NOT NULL,
    at timestamp with time zone NOT NULL,
    action text NOT NULL,
    seconds double precision
);

CREATE TABLE article_versions (
    article_id uuid NOT NULL,
    version integer NOT NULL,
    change text NOT NULL,
    source text NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    url text,
    language text NOT NULL,
    audience text NOT NULL,
    effective_at timestamp with time zone,
    expires_at timestamp with time zone,
    changed_by text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT article_versions_change_check CHECK ((change = ANY (ARRAY['added'::text, 'changed'::text, 'restored'::text, 'removed'::text])))
);

CREATE TABLE articles (
    id uuid NOT NULL,
    source text NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    url text,
    language text NOT NULL,
    audience text NOT NULL,
    content_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    body text,
    effective_at timestamp with time zone,
    expires_at timestamp with time zone,
    version integer DEFAULT 0 NOT NULL,
    CONSTRAINT articles_audience_check CHECK ((audience = ANY (ARRAY['public'::text, 'customers'::text, 'staff'::text]))),
    CONSTRAINT articles_check CHECK ((effective_at < expires_at))
);

CREATE TABLE awaited_files (
    message_id uuid NOT NULL,
    ordinal smallint NOT NULL,
    channel text NOT NULL,
    source_sealed bytea NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE awaited_mails (
    address text NOT NULL,
    mail_id text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    tries integer DEFAULT 1 NOT NULL
);

CREATE TABLE cases (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    owner text DEFAULT 'agent'::text NOT NULL,
    owner_name text,
    owner_version integer DEFAULT 0 NOT NULL,
    next_sequence bigint DEFAULT 1 NOT NULL,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text,
    resolved_by_name text,
    resolution text,
    resolution_number integer DEFAULT 1 NOT NULL,
    reopened_at timestamp with time zone,
    language text,
    CONSTRAINT cases_check CHECK (((owner_name IS NULL) OR (owner = 'human'::text))),
    CONSTRAINT cases_check1 CHECK (((resolved_at IS NOT NULL) = (status = 'resolved'::text))),
    CONSTRAINT cases_check2 CHECK (((resolved_by IS NULL) = (resolution IS NULL))),
    CONSTRAINT cases_check3 CHECK (((resolved_by IS NULL) OR (status = 'resolved'::text))),
    CONSTRAINT cases_check4 CHECK (((resolved_by_name IS NULL) OR (resolved_by = 'person'::text))),
    CONSTRAINT cases_owner_check CHECK ((owner = ANY (ARRAY['agent'::text, 'human'::text]))),
    CONSTRAINT cases_resolution_check CHECK ((resolution = ANY (ARRAY['confirmed'::text, 'assumed'::text]))),
    CONSTRAINT cases_resolution_number_check CHECK ((resolution_number > 0)),
    CONSTRAINT cases_resolved_by_check CHECK ((resolved_by = ANY (ARRAY['customer'::text, 'person'::text, 'agent'::text, 'silence'::text]))),
    CONSTRAINT cases_status_check CHECK ((status = ANY (ARRAY['open'::text, 'resolved'::text])))
)
WITH (fillfactor='80');

CREATE TABLE escalations (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    interrupt_id text NOT NULL,
    checkpoint_id text NOT NULL,
    key_id uuid NOT NULL,
    request_sealed bytea NOT NULL,
    proposal_hash bytea NOT NULL,
    severity text NOT NULL,
    rules text[] NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    claimed_by text,
    claimed_until timestamp with time zone,
    due_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    moved_on_from text,
    moved_on_at timestamp with time zone,
    has_draft boolean,
    CONSTRAINT escalations_severity_check CHECK ((severity = ANY (ARRAY['P1'::text, 'P2'::text, 'P3'::text]))),
    CONSTRAINT escalations_status_check CHECK ((status = ANY (ARRAY['open'::text, 'decided'::text, 'closed'::text])))
);

CREATE VIEW case_states AS
 SELECT c.id AS case_id,
    concat_ws(' '::text, c.next_sequence, c.owner_version, s.id, s.status,
        CASE
            WHEN (s.claimed_until > now()) THEN s.claimed_by
            ELSE NULL::text
        END) AS state
   FROM (cases c
     LEFT JOIN escalations s ON (((s.case_id = c.id) AND (s.status = ANY (ARRAY['open'::text, 'decided'::text])))));

CREATE TABLE case_work (
    case_id uuid NOT NULL,
    due_at timestamp with time zone,
    paused boolean DEFAULT false NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    turn_id uuid,
    lease_token bigint DEFAULT 0 NOT NULL,
    lease_holder text,
    leased_until timestamp with time zone,
    next_turn_at timestamp with time zone,
    look_at timestamp with time zone
)
WITH (fillfactor='50');

CREATE TABLE checkpoint_blobs (
    thread_id text NOT NULL,
    checkpoint_ns text DEFAULT ''::text NOT NULL,
    channel text NOT NULL,
    version text NOT NULL,
    type text NOT NULL,
    blob bytea
);

CREATE TABLE checkpoint_migrations (
    v integer NOT NULL
);

CREATE TABLE checkpoint_writes (
    thread_id text NOT NULL,
    checkpoint_ns text DEFAULT ''::text NOT NULL,
    checkpoint_id text NOT NULL,
    task_id text NOT NULL,
    idx integer NOT NULL,
    channel text NOT NULL,
    type text,
    blob bytea NOT NULL,
    task_path text DEFAULT ''::text NOT NULL
);

CREATE TABLE checkpoints (
    thread_id text NOT NULL,
    checkpoint_ns text DEFAULT ''::text NOT NULL,
    checkpoint_id text NOT NULL,
    parent_checkpoint_id text,
    type text,
    checkpoint jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE conversations (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    identity_id uuid NOT NULL,
    channel text NOT NULL,
    thread_index bytea NOT NULL,
    next_position bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    proven_by uuid,
    proven_until timestamp with time zone
);

CREATE TABLE customer_fact_keys (
    value_index bytea NOT NULL,
    facts_id uuid NOT NULL
);

CREATE TABLE customer_facts (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    key_id uuid NOT NULL,
    record_index bytea NOT NULL,
    facts_sealed bytea NOT NULL,
    told_by text NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE customer_keys (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    wrapped bytea,
    master_key_id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    destroyed_at timestamp with time zone,
    CONSTRAINT customer_keys_check CHECK (((wrapped IS NULL) = (destroyed_at IS NOT NULL)))
);

CREATE TABLE customer_words (
    customer_id uuid NOT NULL,
    key_id uuid NOT NULL,
    words smallint[] NOT NULL
);

CREATE TABLE customers (
    id uuid NOT NULL,
    key_id uuid NOT NULL,
    name_sealed bytea,
    language text,
    segment text DEFAULT 'standard'::text NOT NULL,
    merged_into uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE dead_letters (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    turn_id uuid,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    error text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    attempts integer,
    resolution text,
    resolved_by text,
    key_id uuid,
    reason_sealed bytea,
    CONSTRAINT dead_letters_check CHECK (((resolution IS NULL) = (resolved_at IS NULL))),
    CONSTRAINT dead_letters_check1 CHECK (((reason_sealed IS NULL) OR (key_id IS NOT NULL))),
    CONSTRAINT dead_letters_resolution_check CHECK ((resolution = ANY (ARRAY['retried'::text, 'discarded'::text, 'case_resolved'::text])))
);

CREATE TABLE decisions (
    id uuid NOT NULL,
    escalation_id uuid NOT NULL,
    action text NOT NULL,
    reviewer text NOT NULL,
    key_id uuid NOT NULL,
    text_sealed bytea,
    reason_sealed bytea,
    seen_sequence bigint NOT NULL,
    covers_later boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    applied_at timestamp with time zone,
    undo_until timestamp with time zone,
    CONSTRAINT decisions_action_check CHECK ((action = ANY (ARRAY['approve'::text, 'edit'::text, 'answer'::text, 'reject'::text, 'take_over'::text])))
);

CREATE TABLE delivery_reports (
    outbox_id uuid NOT NULL,
    name text NOT NULL,
    part smallint DEFAULT 0 NOT NULL,
    parts smallint DEFAULT 1 NOT NULL,
    status text NOT NULL,
    rank smallint NOT NULL,
    failure text,
    superseded boolean DEFAULT false NOT NULL,
    reported_at timestamp with time zone DEFAULT now() NOT NULL,
    passes boolean DEFAULT false NOT NULL
);

CREATE TABLE embedding_cache (
    model text NOT NULL,
    content_hash bytea NOT NULL,
    embedding vector NOT NULL
);

CREATE TABLE embedding_models (
    model text NOT NULL,
    dimensions integer NOT NULL,
    state text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT embedding_models_state_check CHECK ((state = ANY (ARRAY['fills'::text, 'answers'::text, 'leaves'::text])))
);

CREATE TABLE embeddings (
    passage_id uuid NOT NULL,
    model text NOT NULL,
    embedding vector NOT NULL
);

CREATE TABLE events (
    id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    case_id uuid,
    actor text,
    data jsonb DEFAULT '{}'::jsonb NOT NULL
)
PARTITION BY RANGE (at);

CREATE TABLE events_default (
    id uuid CONSTRAINT events_id_not_null NOT NULL,
    at timestamp with time zone DEFAULT now() CONSTRAINT events_at_not_null NOT NULL,
    kind text CONSTRAINT events_kind_not_null NOT NULL,
    case_id uuid,
    actor text,
    data jsonb DEFAULT '{}'::jsonb CONSTRAINT events_data_not_null NOT NULL
);

CREATE TABLE fetched_pages (
    source text NOT NULL,
    url text NOT NULL,
    etag text,
    last_modified text,
    terms bytea NOT NULL,
    fetched_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE form_arrivals (
    digest bytea NOT NULL,
    since timestamp with time zone NOT NULL,
    count integer NOT NULL
);

CREATE TABLE gap_decisions (
    id uuid NOT NULL,
    action text NOT NULL,
    article_id uuid,
    reason text,
    decided_by text NOT NULL,
    decided_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT gap_decisions_action_check CHECK ((action = ANY (ARRAY['approved'::text, 'dismissed'::text]))),
    CONSTRAINT gap_decisions_check CHECK (((action = 'approved'::text) = (article_id IS NOT NULL))),
    CONSTRAINT gap_decisions_check1 CHECK (((action = 'dismissed'::text) = (reason IS NOT NULL))),
    CONSTRAINT gap_decisions_reason_check CHECK ((reason = ANY (ARRAY['not_ours'::text, 'case_by_case'::text, 'answered_already'::text, 'other'::text])))
);

CREATE TABLE gap_turns (
    turn_id uuid NOT NULL,
    decision_id uuid NOT NULL
);

CREATE TABLE identities (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    key_id uuid NOT NULL,
    channel text NOT NULL,
    address_sealed bytea NOT NULL,
    address_index bytea NOT NULL,
    verified_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    opted_out_at timestamp with time zone,
    contested_at timestamp with time zone
);

CREATE TABLE internal_notes (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    key_id uuid NOT NULL,
    author text NOT NULL,
    asked text,
    answers uuid,
    text_sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT internal_notes_check CHECK (((answered_at IS NULL) OR (asked IS NOT NULL)))
);

CREATE TABLE key_fingerprints (
    name text NOT NULL,
    fingerprint bytea NOT NULL,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE knowledge_sources (
    source text NOT NULL,
    location text NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE mailboxes (
    address text NOT NULL,
    history_id bigint,
    began_at timestamp with time zone,
    synced_at timestamp with time zone,
    watch_until timestamp with time zone,
    wanted_at timestamp with time zone,
    holder text,
    held_since timestamp with time zone,
    held_until timestamp with time zone,
    token bigint DEFAULT 0 NOT NULL
);

CREATE TABLE merges (
    id uuid NOT NULL,
    source_id uuid NOT NULL,
    into_id uuid NOT NULL,
    conversations uuid[] NOT NULL,
    identities uuid[] NOT NULL,
    merged_by text NOT NULL,
    merged_at timestamp with time zone DEFAULT now() NOT NULL,
    undone_by text,
    undone_at timestamp with time zone,
    key_id uuid,
    reason_sealed bytea,
    undone_reason_sealed bytea,
    CONSTRAINT merges_check CHECK ((source_id <> into_id)),
    CONSTRAINT merges_check1 CHECK (((undone_by IS NULL) = (undone_at IS NULL))),
    CONSTRAINT merges_check2 CHECK (((num_nonnulls(reason_sealed, undone_reason_sealed) = 0) OR (key_id IS NOT NULL)))
);

CREATE TABLE message_files (
    id uuid NOT NULL,
    message_id uuid,
    key_id uuid NOT NULL,
    ordinal smallint NOT NULL,
    name_sealed bytea,
    media_type text NOT NULL,
    size bigint NOT NULL,
    content_sealed bytea,
    refusal text,
    decision_id uuid,
    CONSTRAINT message_files_check CHECK (((content_sealed IS NULL) = (refusal IS NOT NULL))),
    CONSTRAINT message_files_one_owner CHECK ((num_nonnulls(message_id, decision_id) = 1))
);

CREATE TABLE message_words (
    message_id uuid NOT NULL,
    key_id uuid NOT NULL,
    words smallint[] NOT NULL
);

CREATE TABLE messages (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    key_id uuid NOT NULL,
    sequence bigint NOT NULL,
    "position" bigint,
    direction text NOT NULL,
    author text NOT NULL,
    channel text NOT NULL,
    provider_message_id text NOT NULL,
    body_sealed bytea NOT NULL,
    state text NOT NULL,
    turn_id uuid,
    provider_time timestamp with time zone,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    delivered_at timestamp with time zone,
    detail_sealed bytea,
    for_person text,
    CONSTRAINT messages_author_check CHECK ((author = ANY (ARRAY['customer'::text, 'agent'::text, 'human'::text, 'system'::text]))),
    CONSTRAINT messages_check CHECK (((direction = 'in'::text) = (author = 'customer'::text))),
    CONSTRAINT messages_check1 CHECK ((("position" IS NULL) = (state = 'written'::text))),
    CONSTRAINT messages_direction_check CHECK ((direction = ANY (ARRAY['in'::text, 'out'::text]))),
    CONSTRAINT messages_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'handled'::text, 'human'::text, 'dead'::text, 'written'::text, 'delivered'::text])))
)
WITH (fillfactor='80');

CREATE TABLE migrations (
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE missing_articles (
    article_id uuid NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE model_replies (
    turn_id uuid NOT NULL,
    prompt_hash bytea NOT NULL,
    key_id uuid NOT NULL,
    reply_sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE model_spend_of_cases (
    case_id uuid NOT NULL,
    tokens_in bigint DEFAULT 0 NOT NULL,
    tokens_out bigint DEFAULT 0 NOT NULL,
    estimated bigint DEFAULT 0 NOT NULL,
    money numeric DEFAULT 0 NOT NULL,
    refused_at timestamp with time zone
)
WITH (fillfactor='70');

CREATE TABLE model_spend_of_days (
    day date NOT NULL,
    slot smallint NOT NULL,
    tokens_in bigint DEFAULT 0 NOT NULL,
    tokens_out bigint DEFAULT 0 NOT NULL,
    estimated bigint DEFAULT 0 NOT NULL,
    money numeric DEFAULT 0 NOT NULL,
    refused_at timestamp with time zone,
    CONSTRAINT model_spend_of_days_slot_check CHECK (((slot >= 0) AND (slot <= 15)))
)
WITH (fillfactor='50');

CREATE UNLOGGED TABLE onlookers (
    name text NOT NULL,
    case_id uuid NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE outbox (
    id uuid NOT NULL,
    intent_id uuid NOT NULL,
    ordinal smallint NOT NULL,
    message_id uuid NOT NULL,
    case_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    "position" bigint NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    claimed_by text,
    claimed_until timestamp with time zone,
    error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    settled_by text,
    handed_over_at timestamp with time zone,
    reconcile_at timestamp with time zone,
    reconciliations integer DEFAULT 0 NOT NULL,
    reported_failure text,
    undo_until timestamp with time zone,
    answered uuid[],
    CONSTRAINT outbox_kind_check CHECK ((kind = ANY (ARRAY['reply'::text, 'handoff'::text, 'delay'::text, 'failure'::text, 'follow_up'::text, 'survey'::text, 'hand_back'::text, 'consent'::text]))),
    CONSTRAINT outbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'unknown'::text])))
)
WITH (fillfactor='70');

ALTER TABLE outbox ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outbox_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE passages (
    id uuid NOT NULL,
    article_id uuid NOT NULL,
    ordinal integer NOT NULL,
    heading text NOT NULL,
    body text NOT NULL,
    language text NOT NULL,
    audience text NOT NULL,
    words tsvector NOT NULL,
    effective_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    expires_at timestamp with time zone DEFAULT 'infinity'::timestamp with time zone NOT NULL
);

CREATE TABLE process_beats (
    holder text NOT NULL,
    process text NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    breakers jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE scheduler_jobs (
    name text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    begun_at timestamp with time zone,
    ended_at timestamp with time zone,
    failures bigint DEFAULT 0 NOT NULL,
    failing integer DEFAULT 0 NOT NULL,
    error text
);

CREATE TABLE scheduler_lease (
    singleton boolean DEFAULT true NOT NULL,
    holder text,
    token bigint DEFAULT 0 NOT NULL,
    leased_until timestamp with time zone,
    CONSTRAINT scheduler_lease_singleton_check CHECK (singleton)
);

CREATE TABLE staff_accounts (
    id uuid NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text,
    password_made_up boolean DEFAULT false NOT NULL,
    issuer text,
    subject text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    disabled_at timestamp with time zone,
    signed_in_at timestamp with time zone,
    address text,
    CONSTRAINT staff_accounts_address_check CHECK (((length(address) >= 3) AND (length(address) <= 254))),
    CONSTRAINT staff_accounts_check CHECK (((issuer IS NULL) = (subject IS NULL))),
    CONSTRAINT staff_accounts_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$'::text)),
    CONSTRAINT staff_accounts_role_check CHECK ((role = ANY (ARRAY['reviewer'::text, 'lead'::text, 'admin'::text, 'analyst'::text, 'auditor'::text])))
);

CREATE TABLE staff_sessions (
    token_hash bytea NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    agent text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE staff_tries (
    id uuid NOT NULL,
    name_index bytea NOT NULL,
    address_index bytea NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE status_components (
    id text NOT NULL,
    state text NOT NULL,
    since timestamp with time zone NOT NULL,
    run integer DEFAULT 0 NOT NULL,
    run_worse boolean DEFAULT false NOT NULL,
    run_since timestamp with time zone,
    troubled_since timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    override text,
    override_by text,
    override_at timestamp with time zone,
    CONSTRAINT status_components_check CHECK ((((override IS NULL) = (override_by IS NULL)) AND ((override IS NULL) = (override_at IS NULL)))),
    CONSTRAINT status_components_override_check CHECK ((override = ANY (ARRAY['operational'::text, 'degraded'::text, 'down'::text]))),
    CONSTRAINT status_components_state_check CHECK ((state = ANY (ARRAY['operational'::text, 'degraded'::text, 'down'::text, 'unknown'::text])))
);

CREATE TABLE status_incidents (
    id uuid NOT NULL,
    title text NOT NULL,
    severity text NOT NULL,
    impact text NOT NULL,
    components text[] NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    published_at timestamp with time zone,
    dismissed_at timestamp with time zone,
    opened_by text NOT NULL,
    report text,
    report_url text,
    reported_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT status_incidents_check CHECK (((ended_at IS NULL) OR (ended_at >= started_at))),
    CONSTRAINT status_incidents_check1 CHECK (((dismissed_at IS NULL) OR (published_at IS NULL))),
    CONSTRAINT status_incidents_check2 CHECK (((reported_at IS NULL) = ((report IS NULL) AND (report_url IS NULL)))),
    CONSTRAINT status_incidents_components_check CHECK ((components <> '{}'::text[])),
    CONSTRAINT status_incidents_impact_check CHECK ((impact = ANY (ARRAY['degraded'::text, 'down'::text]))),
    CONSTRAINT status_incidents_severity_check CHECK ((severity = ANY (ARRAY['P1'::text, 'P2'::text, 'P3'::text, 'P4'::text])))
);

CREATE TABLE status_intervals (
    id uuid NOT NULL,
    component text NOT NULL,
    state text NOT NULL,
    began_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT status_intervals_check CHECK ((seen_at >= began_at)),
    CONSTRAINT status_intervals_state_check CHECK ((state = ANY (ARRAY['operational'::text, 'degraded'::text, 'down'::text])))
);

CREATE TABLE status_maintenance (
    id uuid NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    components text[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    author text NOT NULL,
    announced_at timestamp with time zone DEFAULT now() NOT NULL,
    cancelled_at timestamp with time zone,
    CONSTRAINT status_maintenance_check CHECK ((ends_at > starts_at)),
    CONSTRAINT status_maintenance_components_check CHECK ((components <> '{}'::text[]))
);

CREATE TABLE status_notices (
    id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    kind text NOT NULL,
    about uuid NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    claimed_until timestamp with time zone,
    error text,
    CONSTRAINT status_notices_kind_check CHECK ((kind = ANY (ARRAY['confirm'::text, 'update'::text, 'report'::text, 'maintenance'::text]))),
    CONSTRAINT status_notices_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'unknown'::text])))
);

CREATE TABLE status_reminders (
    id uuid NOT NULL,
    incident_id uuid NOT NULL,
    kind text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    raised_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT status_reminders_kind_check CHECK ((kind = ANY (ARRAY['drafted'::text, 'notice_soon'::text, 'notice_late'::text, 'report_soon'::text, 'report_late'::text])))
);

CREATE TABLE status_snapshots (
    singleton boolean DEFAULT true NOT NULL,
    made_at timestamp with time zone NOT NULL,
    snapshot text NOT NULL,
    CONSTRAINT status_snapshots_singleton_check CHECK (singleton)
);

CREATE TABLE status_subscribers (
    id uuid NOT NULL,
    key_id uuid NOT NULL,
    address_sealed bytea NOT NULL,
    address_index bytea NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    confirmed_at timestamp with time zone
);

CREATE TABLE status_updates (
    id uuid NOT NULL,
    incident_id uuid NOT NULL,
    phase text NOT NULL,
    body text NOT NULL,
    author text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT status_updates_phase_check CHECK ((phase = ANY (ARRAY['investigating'::text, 'identified'::text, 'monitoring'::text, 'resolved'::text])))
);

CREATE TABLE surveys (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    resolution_number integer NOT NULL,
    conversation_id uuid NOT NULL,
    channel text NOT NULL,
    answered_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone NOT NULL,
    message_id uuid,
    asked_at timestamp with time zone,
    withdrawn text,
    rating smallint,
    rated_at timestamp with time zone,
    changes integer DEFAULT 0 NOT NULL,
    key_id uuid,
    comment_sealed bytea,
    CONSTRAINT surveys_answered_by_check CHECK ((answered_by = ANY (ARRAY['agent'::text, 'person'::text, 'both'::text]))),
    CONSTRAINT surveys_check CHECK (((rating IS NULL) = (rated_at IS NULL))),
    CONSTRAINT surveys_check1 CHECK (((comment_sealed IS NULL) = (key_id IS NULL))),
    CONSTRAINT surveys_check2 CHECK (((message_id IS NULL) = (asked_at IS NULL))),
    CONSTRAINT surveys_rating_check CHECK (((rating >= 1) AND (rating <= 5)))
);

CREATE TABLE turns (
    id uuid NOT NULL,
    case_id uuid NOT NULL,
    status text NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    graph_version text NOT NULL,
    lease_token bigint NOT NULL,
    outcome text NOT NULL,
    polarity real,
    confidence real,
    rules text[] DEFAULT '{}'::text[] NOT NULL,
    cited uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    model text,
    key_id uuid NOT NULL,
    draft_sealed bytea,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone DEFAULT now() NOT NULL,
    milliseconds jsonb DEFAULT '{}'::jsonb NOT NULL,
    topic text,
    scope text,
    CONSTRAINT turns_outcome_check CHECK ((outcome = ANY (ARRAY['answered'::text, 'unanswered'::text, 'escalated'::text, 'withheld'::text, 'taken_over'::text, 'dead'::text]))),
    CONSTRAINT turns_scope_check CHECK ((scope = ANY (ARRAY['in'::text, 'near'::text, 'far'::text]))),
    CONSTRAINT turns_status_check CHECK ((status = ANY (ARRAY['done'::text, 'paused'::text, 'withheld'::text, 'dead'::text]))),
    CONSTRAINT turns_topic_check CHECK ((length(topic) <= 200))
);

CREATE TABLE verifications (
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel text NOT NULL,
    key_id uuid NOT NULL,
    address_sealed bytea NOT NULL,
    address_index bytea NOT NULL,
    language text,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    tries smallint DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    claimed_by text,
    claimed_until timestamp with time zone,
    error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    proven_at timestamp with time zone,
    CONSTRAINT verifications_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'sent'::text, 'failed'::text])))
);

CREATE TABLE word_progress (
    name text NOT NULL,
    reached uuid NOT NULL,
    CONSTRAINT word_progress_name_check CHECK ((name = ANY (ARRAY['messages'::text, 'customers'::text])))
);

CREATE TABLE word_shares (
    word text NOT NULL,
    share real NOT NULL
);

ALTER TABLE ONLY events ATTACH PARTITION events_default DEFAULT;

ALTER TABLE ONLY alert_endpoints
    ADD CONSTRAINT alert_endpoints_name_key UNIQUE (name);

ALTER TABLE ONLY alert_endpoints
    ADD CONSTRAINT alert_endpoints_pkey PRIMARY KEY (id);

ALTER TABLE ONLY alert_sends
    ADD CONSTRAINT alert_sends_alert_id_account_id_endpoint_id_key UNIQUE NULLS NOT DISTINCT (alert_id, account_id, endpoint_id);

ALTER TABLE ONLY alert_sends
    ADD CONSTRAINT alert_sends_pkey PRIMARY KEY (id);

ALTER TABLE ONLY alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY alerts
    ADD CONSTRAINT alerts_subject_id_kind_mark_key UNIQUE (subject_id, kind, mark);

ALTER TABLE ONLY analytics_cases
    ADD CONSTRAINT analytics_cases_pkey PRIMARY KEY (case_id);

ALTER TABLE ONLY analytics_ends
    ADD CONSTRAINT analytics_ends_pkey PRIMARY KEY (case_id, number);

ALTER TABLE ONLY analytics_labels
    ADD CONSTRAINT analytics_labels_channel_language_segment_topic_key UNIQUE (channel, language, segment, topic);

ALTER TABLE ONLY analytics_labels
    ADD CONSTRAINT analytics_labels_pkey PRIMARY KEY (id);

ALTER TABLE ONLY analytics_progress
    ADD CONSTRAINT analytics_progress_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY analytics_work
    ADD CONSTRAINT analytics_work_pkey PRIMARY KEY (id);

ALTER TABLE ONLY article_versions
    ADD CONSTRAINT article_versions_pkey PRIMARY KEY (article_id, version);

ALTER TABLE ONLY articles
    ADD CONSTRAINT articles_pkey PRIMARY KEY (id);

ALTER TABLE ONLY articles
    ADD CONSTRAINT articles_source_slug_key UNIQUE (source, slug);

ALTER TABLE ONLY awaited_files
    ADD CONSTRAINT awaited_files_pkey PRIMARY KEY (message_id, ordinal);

ALTER TABLE ONLY awaited_mails
    ADD CONSTRAINT awaited_mails_pkey PRIMARY KEY (address, mail_id);

ALTER TABLE ONLY case_work
    ADD CONSTRAINT case_work_pkey PRIMARY KEY (case_id);

ALTER TABLE ONLY cases
    ADD CONSTRAINT cases_pkey PRIMARY KEY (id);

ALTER TABLE ONLY checkpoint_blobs
    ADD CONSTRAINT checkpoint_blobs_pkey PRIMARY KEY (thread_id, checkpoint_ns, channel, version);

ALTER TABLE ONLY checkpoint_migrations
    ADD CONSTRAINT checkpoint_migrations_pkey PRIMARY KEY (v);

ALTER TABLE ONLY checkpoint_writes
    ADD CONSTRAINT checkpoint_writes_pkey PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx);

ALTER TABLE ONLY checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id);

ALTER TABLE ONLY conversations
    ADD CONSTRAINT conversations_channel_thread_index_key UNIQUE (channel, thread_index);

ALTER TABLE ONLY conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY customer_fact_keys
    ADD CONSTRAINT customer_fact_keys_pkey PRIMARY KEY (value_index, facts_id);

ALTER TABLE ONLY customer_facts
    ADD CONSTRAINT customer_facts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY customer_facts
    ADD CONSTRAINT customer_facts_record_index_key UNIQUE (record_index);

ALTER TABLE ONLY customer_keys
    ADD CONSTRAINT customer_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY customer_words
    ADD CONSTRAINT customer_words_pkey PRIMARY KEY (customer_id);

ALTER TABLE ONLY customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (id);

ALTER TABLE ONLY decisions
    ADD CONSTRAINT decisions_escalation_id_key UNIQUE (escalation_id);

ALTER TABLE ONLY decisions
    ADD CONSTRAINT decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY delivery_reports
    ADD CONSTRAINT delivery_reports_pkey PRIMARY KEY (outbox_id, name);

ALTER TABLE ONLY embedding_cache
    ADD CONSTRAINT embedding_cache_pkey PRIMARY KEY (model, content_hash);

ALTER TABLE ONLY embedding_models
    ADD CONSTRAINT embedding_models_pkey PRIMARY KEY (model);

ALTER TABLE ONLY embeddings
    ADD CONSTRAINT embeddings_pkey PRIMARY KEY (model, passage_id);

ALTER TABLE ONLY escalations
    ADD CONSTRAINT escalations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY escalations
    ADD CONSTRAINT escalations_turn_id_interrupt_id_key UNIQUE (turn_id, interrupt_id);

ALTER TABLE ONLY events
    ADD CONSTRAINT events_pkey PRIMARY KEY (at, id);

ALTER TABLE ONLY events_default
    ADD CONSTRAINT events_default_pkey PRIMARY KEY (at, id);

ALTER TABLE ONLY fetched_pages
    ADD CONSTRAINT fetched_pages_pkey PRIMARY KEY (source, url);

ALTER TABLE ONLY form_arrivals
    ADD CONSTRAINT form_arrivals_pkey PRIMARY KEY (digest);

ALTER TABLE ONLY gap_decisions
    ADD CONSTRAINT gap_decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY gap_turns
    ADD CONSTRAINT gap_turns_pkey PRIMARY KEY (turn_id);

ALTER TABLE ONLY identities
    ADD CONSTRAINT identities_pkey PRIMARY KEY (id);

ALTER TABLE ONLY internal_notes
    ADD CONSTRAINT internal_notes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY key_fingerprints
    ADD CONSTRAINT key_fingerprints_pkey PRIMARY KEY (name);

ALTER TABLE ONLY knowledge_sources
    ADD CONSTRAINT knowledge_sources_pkey PRIMARY KEY (source);

ALTER TABLE ONLY mailboxes
    ADD CONSTRAINT mailboxes_pkey PRIMARY KEY (address);

ALTER TABLE ONLY merges
    ADD CONSTRAINT merges_pkey PRIMARY KEY (id);

ALTER TABLE ONLY message_files
    ADD CONSTRAINT message_files_message_id_ordinal_key UNIQUE (message_id, ordinal);

ALTER TABLE ONLY message_files
    ADD CONSTRAINT message_files_pkey PRIMARY KEY (id);

ALTER TABLE ONLY message_words
    ADD CONSTRAINT message_words_pkey PRIMARY KEY (message_id);

ALTER TABLE ONLY messages
    ADD CONSTRAINT messages_case_id_sequence_key UNIQUE (case_id, sequence);

ALTER TABLE ONLY messages
    ADD CONSTRAINT messages_channel_provider_message_id_key UNIQUE (channel, provider_message_id);

ALTER TABLE ONLY messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY missing_articles
    ADD CONSTRAINT missing_articles_pkey PRIMARY KEY (article_id);

ALTER TABLE ONLY model_replies
    ADD CONSTRAINT model_replies_pkey PRIMARY KEY (turn_id, prompt_hash);

ALTER TABLE ONLY model_spend_of_cases
    ADD CONSTRAINT model_spend_of_cases_pkey PRIMARY KEY (case_id);

ALTER TABLE ONLY model_spend_of_days
    ADD CONSTRAINT model_spend_of_days_pkey PRIMARY KEY (day, slot);

ALTER TABLE ONLY onlookers
    ADD CONSTRAINT onlookers_pkey PRIMARY KEY (name, case_id);

ALTER TABLE ONLY outbox
    ADD CONSTRAINT outbox_intent_id_ordinal_key UNIQUE (intent_id, ordinal);

ALTER TABLE ONLY outbox
    ADD CONSTRAINT outbox_message_id_key UNIQUE (message_id);

ALTER TABLE ONLY outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY passages
    ADD CONSTRAINT passages_article_id_ordinal_key UNIQUE (article_id, ordinal);

ALTER TABLE ONLY passages
    ADD CONSTRAINT passages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY process_beats
    ADD CONSTRAINT process_beats_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY scheduler_jobs
    ADD CONSTRAINT scheduler_jobs_pkey PRIMARY KEY (name);

ALTER TABLE ONLY scheduler_lease
    ADD CONSTRAINT scheduler_lease_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY staff_accounts
    ADD CONSTRAINT staff_accounts_issuer_subject_key UNIQUE (issuer, subject);

ALTER TABLE ONLY staff_accounts
    ADD CONSTRAINT staff_accounts_name_key UNIQUE (name);

ALTER TABLE ONLY staff_accounts
    ADD CONSTRAINT staff_accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY staff_sessions
    ADD CONSTRAINT staff_sessions_id_key UNIQUE (id);

ALTER TABLE ONLY staff_sessions
    ADD CONSTRAINT staff_sessions_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY staff_tries
    ADD CONSTRAINT staff_tries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY status_components
    ADD CONSTRAINT status_components_pkey PRIMARY KEY (id);

ALTER TABLE ONLY status_incidents
    ADD CONSTRAINT status_incidents_pkey PRIMARY KEY (id);

ALTER TABLE ONLY status_intervals
    ADD CONSTRAINT status_intervals_pkey PRIMARY KEY (id);

ALTER TABLE ONLY status_maintenance
    ADD CONSTRAINT status_maintenance_pkey PRIMARY KEY (id);

ALTER TABLE ONLY status_notices
    ADD CONSTRAINT status_notices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY status_notices
    ADD CONSTRAINT status_notices_subscriber_id_kind_about_key UNIQUE (subscriber_id, kind, about);

ALTER TABLE ONLY status_reminders
    ADD CONSTRAINT status_reminders_incident_id_kind_key UNIQUE (incident_id, kind);

ALTER TABLE ONLY status_reminders
    ADD CONSTRAINT status_reminders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY status_snapshots
    ADD CONSTRAINT status_snapshots_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY status_subscribers
    ADD CONSTRAINT status_subscribers_address_index_key UNIQUE (address_index);

ALTER TABLE ONLY status_subscribers
    ADD CONSTRAINT status_subscribers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY status_updates
    ADD CONSTRAINT status_updates_pkey PRIMARY KEY (id);

ALTER TABLE ONLY surveys
    ADD CONSTRAINT surveys_case_id_resolution_number_key UNIQUE (case_id, resolution_number);

ALTER TABLE ONLY surveys
    ADD CONSTRAINT surveys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY turns
    ADD CONSTRAINT turns_pkey PRIMARY KEY (id);

ALTER TABLE ONLY verifications
    ADD CONSTRAINT verifications_pkey PRIMARY KEY (id);

ALTER TABLE ONLY word_progress
    ADD CONSTRAINT word_progress_pkey PRIMARY KEY (name);

ALTER TABLE ONLY word_shares
    ADD CONSTRAINT word_shares_pkey PRIMARY KEY (word);

CREATE INDEX alert_sends_due ON alert_sends USING btree (due_at) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));

CREATE INDEX alert_sends_failed ON alert_sends USING btree (alert_id, settled_at) WHERE (state = 'failed'::text);

CREATE INDEX alert_sends_of_endpoint ON alert_sends USING btree (endpoint_id, settled_at) WHERE (endpoint_id IS NOT NULL);

CREATE INDEX analytics_cases_of_conversation ON analytics_cases USING btree (conversation_id);

CREATE INDEX analytics_cases_opened ON analytics_cases USING btree (opened_at);

CREATE INDEX analytics_cases_to_person ON analytics_cases USING btree (to_person_at) WHERE (to_person_at IS NOT NULL);

CREATE INDEX analytics_ends_ended ON analytics_ends USING btree (ended_at);

CREATE INDEX analytics_ends_rated ON analytics_ends USING btree (rated_at) WHERE (rated_at IS NOT NULL);

CREATE INDEX analytics_ends_reopened ON analytics_ends USING btree (reopened_at) WHERE (reopened_at IS NOT NULL);

CREATE INDEX analytics_work_at ON analytics_work USING btree (at);

CREATE INDEX analytics_work_of_case ON analytics_work USING btree (case_id);

CREATE INDEX awaited_files_due ON awaited_files USING btree (channel, due_at);

CREATE INDEX case_work_due ON case_work USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX case_work_to_look_at ON case_work USING btree (look_at) WHERE (look_at IS NOT NULL);

CREATE INDEX cases_by_customer ON cases USING btree (customer_id, opened_at);

CREATE INDEX cases_of_people ON cases USING btree (opened_at) WHERE ((owner = 'human'::text) AND (status = 'open'::text));

CREATE UNIQUE INDEX cases_open ON cases USING btree (conversation_id) WHERE (status = 'open'::text);

CREATE INDEX cases_resolved ON cases USING btree (resolved_at) WHERE (status = 'resolved'::text);

CREATE INDEX cases_to_reopen ON cases USING btree (conversation_id, resolved_at) WHERE (status = 'resolved'::text);

CREATE INDEX checkpoint_blobs_thread_id_idx ON checkpoint_blobs USING btree (thread_id);

CREATE INDEX checkpoint_writes_thread_id_idx ON checkpoint_writes USING btree (thread_id);

CREATE INDEX checkpoints_thread_id_idx ON checkpoints USING btree (thread_id);

CREATE INDEX conversations_by_customer ON conversations USING btree (customer_id, created_at);

CREATE INDEX customer_fact_keys_of_facts ON customer_fact_keys USING btree (facts_id);

CREATE INDEX customer_facts_of_customer ON customer_facts USING btree (customer_id);

CREATE INDEX customer_keys_by_customer ON customer_keys USING btree (customer_id);

CREATE INDEX customer_words_of_key ON customer_words USING btree (key_id);

CREATE INDEX customer_words_tags ON customer_words USING gin (words) WITH (fastupdate=off);

CREATE INDEX dead_letters_of_case ON dead_letters USING btree (case_id);

CREATE INDEX dead_letters_open ON dead_letters USING btree (created_at) WHERE (resolved_at IS NULL);

CREATE UNIQUE INDEX embedding_models_answering ON embedding_models USING btree (state) WHERE (state = 'answers'::text);

CREATE INDEX embeddings_minilm ON embeddings USING hnsw (((embedding)::vector(384)) vector_cosine_ops) WITH (ef_construction='200') WHERE (model = 'minilm-l6-v2'::text);

CREATE INDEX embeddings_of_passages ON embeddings USING hash (passage_id);

CREATE UNIQUE INDEX escalations_live ON escalations USING btree (case_id) WHERE (status = ANY (ARRAY['open'::text, 'decided'::text]));

CREATE INDEX escalations_of_case ON escalations USING btree (case_id);

CREATE INDEX escalations_queue ON escalations USING btree (due_at, id) WHERE (status = 'open'::text);

CREATE INDEX events_of_case ON ONLY events USING btree (case_id, at);

CREATE INDEX events_default_case_id_at_idx ON events_default USING btree (case_id, at);

CREATE INDEX events_of_kind ON ONLY events USING btree (kind, at);

CREATE INDEX events_default_kind_at_idx ON events_default USING btree (kind, at);

CREATE INDEX form_arrivals_since ON form_arrivals USING btree (since);

CREATE INDEX identities_by_address ON identities USING btree (address_index);

CREATE INDEX identities_by_customer ON identities USING btree (customer_id);

CREATE UNIQUE INDEX identities_proven ON identities USING btree (channel, address_index) WHERE (verified_at IS NOT NULL);

CREATE INDEX internal_notes_asked ON internal_notes USING btree (asked, id) WHERE ((asked IS NOT NULL) AND (answered_at IS NULL));

CREATE INDEX internal_notes_of_case ON internal_notes USING btree (case_id, id);

CREATE INDEX merges_into ON merges USING btree (into_id, merged_at);

CREATE UNIQUE INDEX merges_live ON merges USING btree (source_id) WHERE (undone_at IS NULL);

CREATE INDEX merges_of_source ON merges USING btree (source_id, merged_at);

CREATE INDEX message_files_of_decisions ON message_files USING btree (decision_id) WHERE (decision_id IS NOT NULL);

CREATE INDEX message_words_of_key ON message_words USING btree (key_id);

CREATE INDEX message_words_tags ON message_words USING gin (words) WITH (fastupdate=off);

CREATE UNIQUE INDEX messages_seen ON messages USING btree (conversation_id, "position") WHERE ("position" IS NOT NULL);

CREATE INDEX messages_waiting ON messages USING btree (case_id, sequence) WHERE (state = ANY (ARRAY['waiting'::text, 'human'::text]));

CREATE INDEX onlookers_of_case ON onlookers USING btree (case_id);

CREATE INDEX outbox_due ON outbox USING btree (due_at) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));

CREATE INDEX outbox_order ON outbox USING btree (conversation_id, "position") WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text, 'unknown'::text]));

CREATE INDEX outbox_troubled ON outbox USING btree (created_at) WHERE (state = ANY (ARRAY['failed'::text, 'unknown'::text]));

CREATE INDEX outbox_unknown ON outbox USING btree (reconcile_at) WHERE ((state = 'unknown'::text) AND (reconcile_at IS NOT NULL));

CREATE INDEX passages_readers ON passages USING btree (language, audience) INCLUDE (effective_at, expires_at, id);

CREATE INDEX passages_words ON passages USING gin (words) WITH (fastupdate=off);

CREATE INDEX process_beats_by_time ON process_beats USING btree (seen_at);

CREATE INDEX staff_sessions_of_account ON staff_sessions USING btree (account_id);

CREATE INDEX staff_tries_by_time ON staff_tries USING btree (at);

CREATE INDEX staff_tries_for_name ON staff_tries USING btree (name_index, at);

CREATE INDEX staff_tries_from_address ON staff_tries USING btree (address_index, at);

CREATE INDEX status_incidents_by_start ON status_incidents USING btree (started_at);

CREATE INDEX status_incidents_open ON status_incidents USING btree (started_at) WHERE ((ended_at IS NULL) AND (dismissed_at IS NULL));

CREATE INDEX status_incidents_unfinished ON status_incidents USING btree (started_at) WHERE ((dismissed_at IS NULL) AND (severity = ANY (ARRAY['P1'::text, 'P2'::text])) AND ((published_at IS NULL) OR (reported_at IS NULL)));

CREATE INDEX status_intervals_by_time ON status_intervals USING btree (seen_at);

CREATE INDEX status_intervals_of_component ON status_intervals USING btree (component, seen_at);

CREATE INDEX status_maintenance_by_end ON status_maintenance USING btree (ends_at);

CREATE INDEX status_notices_due ON status_notices USING btree (due_at) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));

CREATE INDEX status_reminders_raised ON status_reminders USING btree (raised_at);

CREATE INDEX status_subscribers_confirmed ON status_subscribers USING btree (confirmed_at) WHERE (confirmed_at IS NOT NULL);

CREATE INDEX status_subscribers_waiting ON status_subscribers USING btree (asked_at) WHERE (confirmed_at IS NULL);

CREATE INDEX status_updates_of_incident ON status_updates USING btree (incident_id, at);

CREATE INDEX surveys_of_conversation ON surveys USING btree (conversation_id, created_at);

CREATE INDEX surveys_to_ask ON surveys USING btree (due_at) WHERE ((asked_at IS NULL) AND (withdrawn IS NULL) AND (rating IS NULL));

CREATE INDEX surveys_unhelpful ON surveys USING btree (rated_at) WHERE ((rating <= 2) AND (answered_by = 'agent'::text));

CREATE INDEX turns_by_time ON turns USING brin (started_at);

CREATE INDEX turns_of_case ON turns USING btree (case_id, last_sequence);

CREATE INDEX turns_of_topic ON turns USING btree (topic, case_id) WHERE (topic IS NOT NULL);

CREATE INDEX turns_unanswered ON turns USING btree (started_at) WHERE ((outcome = 'unanswered'::text) OR (rules && '{unanswered,vip_unanswered,low_confidence}'::text[]));

CREATE INDEX verifications_due ON verifications USING btree (due_at) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));

CREATE INDEX verifications_made ON verifications USING btree (created_at);

CREATE INDEX verifications_of_conversation ON verifications USING btree (conversation_id, created_at);

CREATE INDEX verifications_to_address ON verifications USING btree (address_index, created_at);

CREATE INDEX word_shares_least ON word_shares USING btree (share);

ALTER INDEX events_of_case ATTACH PARTITION events_default_case_id_at_idx;

ALTER INDEX events_of_kind ATTACH PARTITION events_default_kind_at_idx;

ALTER INDEX events_pkey ATTACH PARTITION events_default_pkey;

CREATE TRIGGER customer_keys_forget_words AFTER UPDATE OF wrapped ON customer_keys FOR EACH ROW WHEN (((old.wrapped IS NOT NULL) AND (new.wrapped IS NULL))) EXECUTE FUNCTION forget_words();

CREATE TRIGGER events_append_only BEFORE DELETE OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE ONLY alert_sends
    ADD CONSTRAINT alert_sends_account_id_fkey FOREIGN KEY (account_id) REFERENCES staff_accounts(id);

ALTER TABLE ONLY alert_sends
    ADD CONSTRAINT alert_sends_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES alerts(id) ON DELETE CASCADE;

ALTER TABLE ONLY alert_sends
    ADD CONSTRAINT alert_sends_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES alert_endpoints(id) ON DELETE CASCADE;

ALTER TABLE ONLY awaited_files
    ADD CONSTRAINT awaited_files_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id);

ALTER TABLE ONLY awaited_mails
    ADD CONSTRAINT awaited_mails_address_fkey FOREIGN KEY (address) REFERENCES mailboxes(address);

ALTER TABLE ONLY case_work
    ADD CONSTRAINT case_work_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases(id);

ALTER TABLE ONLY cases
    ADD CONSTRAINT cases_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id);

ALTER TABLE ONLY cases
    ADD CONSTRAINT cases_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id);

ALTER TABLE ONLY conversations
    ADD CONSTRAINT conversations_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id);

ALTER TABLE ONLY conversations
    ADD CONSTRAINT conversations_identity_id_fkey FOREIGN KEY (identity_id) REFERENCES identities(id);

ALTER TABLE ONLY conversations
    ADD CONSTRAINT conversations_proven_by_fkey FOREIGN KEY (proven_by) REFERENCES identities(id);

ALTER TABLE ONLY customer_fact_keys
    ADD CONSTRAINT customer_fact_keys_facts_id_fkey FOREIGN KEY (facts_id) REFERENCES customer_facts(id) ON DELETE CASCADE;

ALTER TABLE ONLY customer_facts
    ADD CONSTRAINT customer_facts_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id);

ALTER TABLE ONLY customer_facts
    ADD CONSTRAINT customer_facts_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY customer_words
    ADD CONSTRAINT customer_words_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id) ON DELETE CASCADE;

ALTER TABLE ONLY customer_words
    ADD CONSTRAINT customer_words_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY customers
    ADD CONSTRAINT customers_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY customers
    ADD CONSTRAINT customers_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES customers(id);

ALTER TABLE ONLY dead_letters
    ADD CONSTRAINT dead_letters_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases(id);

ALTER TABLE ONLY dead_letters
    ADD CONSTRAINT dead_letters_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY decisions
    ADD CONSTRAINT decisions_escalation_id_fkey FOREIGN KEY (escalation_id) REFERENCES escalations(id);

ALTER TABLE ONLY decisions
    ADD CONSTRAINT decisions_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY delivery_reports
    ADD CONSTRAINT delivery_reports_outbox_id_fkey FOREIGN KEY (outbox_id) REFERENCES outbox(id);

ALTER TABLE ONLY embeddings
    ADD CONSTRAINT embeddings_passage_id_fkey FOREIGN KEY (passage_id) REFERENCES passages(id) ON DELETE CASCADE;

ALTER TABLE ONLY escalations
    ADD CONSTRAINT escalations_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases(id);

ALTER TABLE ONLY escalations
    ADD CONSTRAINT escalations_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY gap_turns
    ADD CONSTRAINT gap_turns_decision_id_fkey FOREIGN KEY (decision_id) REFERENCES gap_decisions(id);

ALTER TABLE ONLY gap_turns
    ADD CONSTRAINT gap_turns_turn_id_fkey FOREIGN KEY (turn_id) REFERENCES turns(id) ON DELETE CASCADE;

ALTER TABLE ONLY identities
    ADD CONSTRAINT identities_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id);

ALTER TABLE ONLY identities
    ADD CONSTRAINT identities_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY internal_notes
    ADD CONSTRAINT internal_notes_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases(id);

ALTER TABLE ONLY internal_notes
    ADD CONSTRAINT internal_notes_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY merges
    ADD CONSTRAINT merges_into_id_fkey FOREIGN KEY (into_id) REFERENCES customers(id);

ALTER TABLE ONLY merges
    ADD CONSTRAINT merges_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY merges
    ADD CONSTRAINT merges_source_id_fkey FOREIGN KEY (source_id) REFERENCES customers(id);

ALTER TABLE ONLY message_files
    ADD CONSTRAINT message_files_decision_id_fkey FOREIGN KEY (decision_id) REFERENCES decisions(id);

ALTER TABLE ONLY message_files
    ADD CONSTRAINT message_files_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY message_files
    ADD CONSTRAINT message_files_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id);

ALTER TABLE ONLY message_words
    ADD CONSTRAINT message_words_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY message_words
    ADD CONSTRAINT message_words_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE CASCADE;

ALTER TABLE ONLY messages
    ADD CONSTRAINT messages_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases(id);

ALTER TABLE ONLY messages
    ADD CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id);

ALTER TABLE ONLY messages
    ADD CONSTRAINT messages_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY missing_articles
    ADD CONSTRAINT missing_articles_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles(id) ON DELETE CASCADE;

ALTER TABLE ONLY model_replies
    ADD CONSTRAINT model_replies_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY model_spend_of_cases
    ADD CONSTRAINT model_spend_of_cases_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases(id) ON DELETE CASCADE;

ALTER TABLE ONLY outbox
    ADD CONSTRAINT outbox_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id);

ALTER TABLE ONLY outbox
    ADD CONSTRAINT outbox_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id);

ALTER TABLE ONLY passages
    ADD CONSTRAINT passages_article_id_fkey FOREIGN KEY (article_id) REFERENCES articles(id) ON DELETE CASCADE;

ALTER TABLE ONLY staff_sessions
    ADD CONSTRAINT staff_sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES staff_accounts(id);

ALTER TABLE ONLY status_intervals
    ADD CONSTRAINT status_intervals_component_fkey FOREIGN KEY (component) REFERENCES status_components(id);

ALTER TABLE ONLY status_notices
    ADD CONSTRAINT status_notices_subscriber_id_fkey FOREIGN KEY (subscriber_id) REFERENCES status_subscribers(id) ON DELETE CASCADE;

ALTER TABLE ONLY status_reminders
    ADD CONSTRAINT status_reminders_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES status_incidents(id);

ALTER TABLE ONLY status_subscribers
    ADD CONSTRAINT status_subscribers_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY status_updates
    ADD CONSTRAINT status_updates_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES status_incidents(id);

ALTER TABLE ONLY surveys
    ADD CONSTRAINT surveys_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases(id);

ALTER TABLE ONLY surveys
    ADD CONSTRAINT surveys_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id);

ALTER TABLE ONLY surveys
    ADD CONSTRAINT surveys_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY turns
    ADD CONSTRAINT turns_case_id_fkey FOREIGN KEY (case_id) REFERENCES cases(id);

ALTER TABLE ONLY turns
    ADD CONSTRAINT turns_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);

ALTER TABLE ONLY verifications
    ADD CONSTRAINT verifications_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations(id);

ALTER TABLE ONLY verifications
    ADD CONSTRAINT verifications_key_id_fkey FOREIGN KEY (key_id) REFERENCES customer_keys(id);
