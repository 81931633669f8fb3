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
from tests.integration.many_rows import SEED

pytestmark = pytest.mark.early

ROWS = 100_000
FILES = (
    "archive",
    "awaited_files",
    "cases",
    "connections",
    "consents",
    "conversations",
    "correspondence",
    "customers",
    "dead_letters",
    "directory",
    "facts",
    "files",
    "form",
    "gaps",
    "heartbeats",
    "housekeeping",
    "inbox",
    "incidents",
    "leases",
    "lives",
    "mailboxes",
    "merges",
    "model_replies",
    "outbox",
    "past_turns",
    "proofs",
    "reconciliations",
    "replies_elsewhere",
    "reports",
    "reviews",
    "schedule",
    "spend",
    "status",
    "subscribers",
    "surveys",
    "topics",
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
    "customer_fact_keys",
    "customer_facts",
    "customer_keys",
    "customers",
    "decisions",
    "delivery_reports",
    "escalations",
    "events",
    "form_arrivals",
    "identities",
    "message_files",
    "merges",
    "messages",
    "model_spend_of_cases",
    "outbox",
    "surveys",
    "turns",
    "verifications",
)


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
    **{
        column: []
        for column in (
            *("key_ids", "customer_ids", "wrapped_keys", "masters", "names_sealed", "languages", "claimants"),
            *("claim_keys", "record_indexes", "value_indexes", "facts_ids"),
        )
    },
    "facts_sealed": [],
    "told_by": "kim",
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
    "failure": "not_on_whatsapp (63024)",
    "finding": "arrived",
    "first": timedelta(seconds=5),
    "longest": timedelta(hours=1),
    "handed_over_at": NOW,
    "part": 0,
    "parts": 1,
    "rank": 8,
    "stop": True,
    "window_channels": ["whatsapp"],
    "window_lengths": [timedelta(hours=24)],
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
    "into": "open",
    "look_at": NOW,
    "look_in": timedelta(hours=1),
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
    "since": NOW - timedelta(days=1),
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
    "by": "silence",
    "certainty": "assumed",
    "change": timedelta(days=1),
    "person": "kim",
    "polarity": 0.1,
    "provider_message_id": "77",
    "provider_message_ids": ["77", "78"],
    "rating": 4,
    "reason": "reopened",
    "refusal": None,
    "same_name": False,
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
    "survey_apart": timedelta(days=30),
    "survey_channels": ["chat"],
    "survey_delay": timedelta(minutes=5),
    "table": "messages",
    "written_at": NOW,
    "size": 3,
    "slot": 0,
    "thread_indexes": [b"0123456789abcdef"],
    "scope": "in",
    "token": 1,
    "tokens_in": 1,
    "tokens_out": 1,
    "topic": "Returns",
    "turns": [UUID(int=n) for n in range(1, 100)],
    "undone_by": "kim",
    "until": NOW,
    "verified": False,
    "window": timedelta(days=30),
    **dict.fromkeys(
        (
            *("began_at", "cancelled_at", "due_at", "ends_at", "made_at", "now", "oldest"),
            *("run_since", "seen_at", "starts_at", "troubled_since"),
        ),
        NOW,
    ),
    **dict.fromkeys(("body", "process", "report", "report_url", "snapshot", "title"), "text"),
    "breakers": Jsonb({}),
    "component": "chat",
    "components": ["chat"],
    "impact": "down",
    "phase": "resolved",
    "run": 1,
    "run_worse": True,
}
"""What stands for each placeholder; one that ends in ``id`` gets an id, one that holds bytes gets some."""
STATES = {
    "add_interval": "down",
    "finish": "done",
    "keep": "sent",
    "keep_component": "down",
    "log": "read",
    "override": "down",
    "settle_lost": "unknown",
    "settle": "sent",
}


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
