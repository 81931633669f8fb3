"""Every statement of the core, planned over 100,000 analysed rows: none may read a big table whole.

No planner switch is touched: what is seen here is what a server of this size would do. The rows look like those of a
product that has run for a while: nearly everything is done, a little waits. Articles and passages have a test of their
own (``tests/integration/knowledge/test_knowledge_at_scale.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from infra.postgres.queries import load
from tests.databases import a_database

ROWS = 100_000
FILES = (
    "archive",
    "cases",
    "connections",
    "conversations",
    "customers",
    "dead_letters",
    "directory",
    "files",
    "form",
    "housekeeping",
    "inbox",
    "leases",
    "mailboxes",
    "merges",
    "model_replies",
    "outbox",
    "proofs",
    "replies_elsewhere",
    "reviews",
    "schedule",
    "spend",
    "turns",
    "verification",
)
SEEDED = (
    "case_work",
    "cases",
    "checkpoint_blobs",
    "checkpoint_writes",
    "checkpoints",
    "conversations",
    "customer_keys",
    "customers",
    "decisions",
    "escalations",
    "events",
    "form_arrivals",
    "identities",
    "message_files",
    "merges",
    "messages",
    "model_spend_of_cases",
    "outbox",
    "turns",
    "verifications",
)

SEED = """
create function id(n bigint) returns uuid language sql immutable as $$ select lpad(to_hex(n), 32, '0')::uuid $$;

insert into customer_keys (id, customer_id, wrapped, master_key_id)
select id(n), id(n), '\\x00', 'test' from generate_series(1, 100000) n;

insert into customers (id, key_id)
select id(n), id(n) from generate_series(1, 100000) n;

insert into identities (id, customer_id, key_id, channel, address_sealed, address_index, verified_at)
select id(n), id(n), id(n), 'chat', '\\x00', decode(md5('address' || n), 'hex'),
    case when n % 2 = 0 then now() end
from generate_series(1, 100000) n;

insert into conversations (id, customer_id, identity_id, channel, thread_index)
select id(n), id(n), id(n), 'chat', decode(md5('thread' || n), 'hex')
from generate_series(1, 100000) n;

insert into message_files (id, message_id, key_id, ordinal, media_type, size, refusal)
select id(n), id(n), id(n), 1, 'application/pdf', 4, 'too_large' from generate_series(1, 100000) n;

insert into form_arrivals (digest, since, count)
select decode(md5('text' || n), 'hex'), now() - n * interval '30 milliseconds', 1 from generate_series(1, 100000) n;

insert into cases (id, customer_id, conversation_id, status, owner, resolved_at)
select id(n), id(n), id(n),
    case when n % 20 = 0 then 'resolved' else 'open' end,
    case when n % 500 = 1 then 'human' else 'agent' end,
    case when n % 20 = 0 then now() end
from generate_series(1, 100000) n;

insert into model_spend_of_cases (case_id, tokens_in)
select id(n), n from generate_series(1, 100000) n;

insert into model_spend_of_days (day, slot, tokens_in)
select current_date - d, s, 1000 from generate_series(0, 3650) d, generate_series(0, 15) s;

insert into case_work (case_id, due_at, paused, turn_id)
select id(n), case when n % 1000 = 0 then now() end, n % 500 = 1,
    case when n % 500 < 2 then id(n) end
from generate_series(1, 100000) n;

insert into messages (id, case_id, conversation_id, key_id, sequence, position, direction, author, channel,
    provider_message_id, body_sealed, state)
select id(n), id(n / 5 + 1), id(n / 5 + 1), id(n / 5 + 1), n % 5 + 1, n % 5 + 1,
    case when n % 2 = 0 then 'in' else 'out' end, case when n % 2 = 0 then 'customer' else 'agent' end,
    'chat', n::text, '\\x00',
    case when n % 2 = 1 then 'delivered' when n % 1000 = 0 then 'waiting' when n % 1000 = 2 then 'human'
        else 'handled' end
from generate_series(0, 99999) n;

insert into turns (id, case_id, status, first_sequence, last_sequence, graph_version, lease_token, outcome, polarity,
    key_id, started_at)
select id(n), id(n / 5 + 1), 'done', n % 5, n % 5, '1', 1, 'answered', 0, id(n / 5 + 1), now()
from generate_series(0, 99999) n;

insert into outbox (id, intent_id, ordinal, message_id, case_id, conversation_id, channel, kind, state)
select id(n), id(n), 1, id(n), id(n / 5 + 1), id(n / 5 + 1),
    'chat', 'reply',
    case n % 1000 when 0 then 'pending' when 1 then 'sending' when 2 then 'unknown' when 3 then 'failed' else 'sent' end
from generate_series(0, 99999) n;

insert into escalations (id, case_id, turn_id, interrupt_id, checkpoint_id, key_id, request_sealed, proposal_hash,
    severity, rules, status, due_at)
select id(n), id(n), id(n), 'i', 'c', id(n), '\\x00', '\\x00', 'P2', '{}',
    case n % 1000 when 0 then 'open' when 1 then 'decided' else 'closed' end, now()
from generate_series(1, 100000) n;

insert into decisions (id, escalation_id, action, reviewer, key_id, seen_sequence)
select id(n), id(n), 'approve', 'test', id(n), 1
from generate_series(1, 100000) n where n % 1000 > 0;

insert into checkpoints (thread_id, checkpoint_id, checkpoint)
select id(n)::text, 'c', '{}' from generate_series(1, 100000) n;

insert into checkpoint_blobs (thread_id, channel, version, type)
select id(n)::text, 'turn', '1', 'msgpack' from generate_series(1, 100000) n;

insert into checkpoint_writes (thread_id, checkpoint_id, task_id, idx, channel, blob)
select id(n)::text, 'c', 't', 0, 'turn', '\\x00' from generate_series(1, 100000) n;

insert into verifications (id, conversation_id, channel, key_id, address_sealed, address_index, state, created_at,
    expires_at)
select id(n), id(n), 'email', id(n), '\\x00', decode(md5('address' || n), 'hex'),
    case when n % 1000 = 0 then 'pending' else 'sent' end, now() - n * interval '1 second', now() + interval '1 hour'
from generate_series(1, 100000) n;

insert into merges (id, source_id, into_id, conversations, identities, merged_by)
select id(n), id(n), id(n + 1), array[id(n)], array[id(n)], 'proof' from generate_series(1, 99999) n;

insert into events (id, kind, case_id, at)
select id(n), 'message.received', id(n / 5 + 1), date_trunc('month', now()) + n * interval '1 second'
from generate_series(0, 99999) n;
"""


@pytest.fixture(scope="module")
def full(server_url: str, template: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection to a database with 100,000 rows in each big table, vacuumed and analysed."""
    with (
        a_database(server_url, template=template) as url,
        psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection,
    ):
        with connection.transaction(), without_foreign_keys(connection):
            connection.execute(SEED)
        connection.execute("vacuum analyze")
        yield connection


class without_foreign_keys:  # noqa: N801 - reads as a clause where it is used
    """A million look-ups less while the rows go in; the keys are there again afterwards, for the planner to see."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection
        self._keys: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self._keys = self._connection.execute(
            "select conrelid::regclass::text as place, conname as name, pg_get_constraintdef(oid) as definition"
            " from pg_constraint where contype = 'f' and conparentid = 0"
        ).fetchall()
        for key in self._keys:
            self._alter(key, "drop constraint {name}")

    def __exit__(self, *_: object) -> None:
        for key in self._keys:
            self._alter(key, "add constraint {name} {definition} not valid")

    def _alter(self, key: dict[str, Any], change: LiteralString) -> None:
        name, definition = sql.Identifier(key["name"]), sql.SQL(key["definition"])
        table = sql.SQL("alter table {} ").format(sql.Identifier(key["place"]))
        self._connection.execute(table + sql.SQL(change).format(name=name, definition=definition))


NOW = datetime.now(UTC)
VALUES: dict[str, Any] = {
    "action": "approve",
    "again": True,
    "ahead": timedelta(seconds=60),
    "among": True,
    "actor": "test",
    "address": "support@shop.example",
    "address_indexes": [b"0123456789abcdef"],
    "automatic": False,
    "after": 0,
    "attempts": 5,
    "author": "agent",
    "before": NOW,
    "behind": "",
    "bound": str(UUID(int=0x5EED)),
    "cases": [UUID(int=n) for n in range(1, 500)],
    "channel": "chat",
    "channels": ["chat"],
    "checkpoint_id": "c",
    **{
        column: []
        for column in (
            *("checkpoint_ids", "checkpoint_parents", "checkpoints", "checkpoint_metadata"),
            *("blob_channels", "blob_versions", "blob_types", "blobs"),
            *("write_checkpoints", "write_tasks", "write_paths", "write_places"),
            *("write_channels", "write_types", "writes"),
        )
    },
    "claim_addresses": [b"0123456789abcdef"],
    "claim_channels": ["email"],
    "claim_ids": [UUID(int=1)],
    "claim_indexes": [b"0123456789abcdef"],
    "cited": [uuid4()],
    "confidence": 0.5,
    "count": 1,
    "digests": [b"0123456789abcdef"],
    "counts": True,
    "covers_later": False,
    "data": Jsonb({}),
    "contested": False,
    "conversations": [UUID(int=1)],
    "day": NOW.date(),
    "deadline": timedelta(hours=1),
    "event": "turn.answered",
    "event_data": Jsonb({}),
    "event_ids": [UUID(int=1)],
    "delay": timedelta(seconds=1),
    "error": "ValueError",
    "every": 60.0,
    "file": "cases.jsonl.gz",
    "idle": timedelta(days=1),
    "estimated": 1,
    "finding": "arrived",
    "first_sequence": 1,
    "for_person": None,
    "last_sequence": 3,
    "later": [UUID(int=1)],
    "life": timedelta(minutes=10),
    "graph_version": "1",
    "history_id": 77,
    "hold": timedelta(seconds=30),
    "holder": "test",
    "identities": [UUID(int=1)],
    "ids": [UUID(int=1)],
    "index": b"01234567",
    "indexes": [b"0123456789abcdef"],
    "interrupt_id": "i",
    "job": "gmail_sync",
    "kind": "reply",
    "next_sequence": 4,
    "media_type": "text/plain",
    "mail_id": "77",
    "merged_at": NOW,
    "merged_by": "kim",
    "message_state": "handled",
    "messages": [UUID(int=n) for n in range(1, 100)],
    "owner_name": "mailbox",
    "owner_version": 1,
    "pace": timedelta(seconds=6),
    "rest_to": 0,
    "settle_to": 3,
    "taken_by": None,
    "thread_id": str(UUID(int=0x5EED)),
    "language": "en",
    "lease": timedelta(seconds=10),
    "limit": 50,
    "master_key_id": "test",
    "milliseconds": Jsonb({}),
    "model": "extractive",
    "more": False,
    "name": "partitions",
    "nameless": ["chat"],
    "names": ["partitions"],
    "offset": 0.0,
    "operator": "kim",
    "money": Decimal(1),
    "most": 50,
    "most_case_money": Decimal(9),
    "most_case_tokens": 9,
    "most_day_money": Decimal(9),
    "most_day_tokens": 9,
    "ordinal": 1,
    "outcome": "answered",
    "paused": False,
    "blameless": False,
    "person": "kim",
    "polarity": 0.1,
    "provider_message_id": "77",
    "refusal": None,
    "related": ["77", "78"],
    "repeatable": ["chat"],
    "resolution": "retried",
    "reviewer": "test",
    "rules": ["vip"],
    "seen_sequence": 2,
    "segment": "vip",
    "sequence": 6,
    "settle": timedelta(seconds=1),
    "severity": "P2",
    "started_at": NOW,
    "table": "messages",
    "written_at": NOW,
    "size": 3,
    "slot": 0,
    "thread_indexes": [b"0123456789abcdef"],
    "token": 1,
    "tokens_in": 1,
    "tokens_out": 1,
    "undone_by": "kim",
    "until": NOW,
    "verified": False,
    "window": timedelta(days=30),
}
"""What stands for each placeholder; one that ends in ``id`` gets an id, one that holds bytes gets some."""
STATES = {"finish": "done", "settle_lost": "unknown", "settle": "sent"}


def value_of(name: str, block: str) -> Any:
    if name in VALUES:
        return VALUES[name]
    if name == "id" or name.endswith("_id"):
        return UUID(int=0x5EED)
    if name.endswith(("_sealed", "_hash", "_index")) or name == "wrapped":
        return b"0123456789abcdef"
    if name in {"state", "status"}:
        return STATES[block]
    raise KeyError(f"say in VALUES what stands for %({name})s")


class Values(dict[str, Any]):
    """Looks a placeholder's value up when psycopg asks for it."""

    def __init__(self, block: str) -> None:
        super().__init__()
        self._block = block

    def __missing__(self, name: str) -> Any:
        return value_of(name, self._block)


@pytest.fixture(scope="module")
def big(full: psycopg.Connection[dict[str, Any]]) -> set[str]:
    """The tables and partitions that nobody may read whole."""
    found = full.execute("select relname from pg_class where relkind = 'r' and reltuples >= %s", [ROWS / 10])
    return {row["relname"] for row in found}


def plan_of(full: psycopg.Connection[dict[str, Any]], statement: LiteralString, values: Values) -> dict[str, Any]:
    row = full.execute(b"explain (format json) " + statement.encode(), values).fetchone()
    assert row is not None
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan


def whole_reads(plan: dict[str, Any], big: set[str]) -> Iterator[str]:
    """The big tables that a plan reads from beginning to end."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in big:
        yield f"{plan['Relation Name']} where {plan.get('Filter', 'true')}"
    for child in plan.get("Plans", ()):
        yield from whole_reads(child, big)


@pytest.mark.parametrize(("file", "block"), [(file, block) for file in FILES for block in load(file)])
def test_no_statement_reads_a_big_table_whole(
    full: psycopg.Connection[dict[str, Any]], big: set[str], file: str, block: str
) -> None:
    assert list(whole_reads(plan_of(full, load(file)[block], Values(block)), big)) == []


def test_the_rows_are_there_and_the_guard_sees_a_whole_read(
    full: psycopg.Connection[dict[str, Any]], big: set[str]
) -> None:
    for table in SEEDED:
        row = full.execute(sql.SQL("select count(*) as rows from {}").format(sql.Identifier(table))).fetchone()
        assert row is not None
        assert row["rows"] >= ROWS * 0.99, table
        assert table in big or any(name.startswith(f"{table}_20") for name in big)
    assert list(whole_reads(plan_of(full, "select from messages where body_sealed = ''", Values("")), big)) == [
        "messages where (body_sealed = '\\x'::bytea)"
    ]
