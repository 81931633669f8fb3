"""Every statement of the core, planned over 100,000 analysed rows: none may read a big table whole.

No planner switch is touched: what is seen here is what a server of this size would do. The rows look like those of a
product that has run for a while: nearly everything is done, a little waits. Articles and passages have a test of their
own (``tests/integration/knowledge/test_knowledge_at_scale.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from infra.postgres.queries import load
from tests.databases import a_database
from tests.integration.many_rows import SEED
from tests.integration.placeholders import Values

pytestmark = pytest.mark.early

ROWS = 100_000
FILES = (
    "alert_endpoints",
    "alert_sends",
    "alerts",
    "analytics",
    "analytics_rows",
    "archive",
    "awaited_files",
    "cases",
    "connections",
    "consents",
    "conversations",
    "correspondence",
    "customers",
    "dead_letters",
    "desk",
    "directory",
    "facts",
    "files",
    "form",
    "gaps",
    "heartbeats",
    "histories",
    "housekeeping",
    "inbox",
    "incidents",
    "internal_notes",
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
    "search",
    "spend",
    "status",
    "subscribers",
    "surveys",
    "topics",
    "turns",
    "undoing",
    "verification",
    "words",
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
    "customer_words",
    "customers",
    "decisions",
    "delivery_reports",
    "escalations",
    "events",
    "form_arrivals",
    "identities",
    "message_files",
    "merges",
    "message_words",
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
