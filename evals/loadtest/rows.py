"""Rows of a made-up history as PostgreSQL's COPY takes them, with ids that can be told from real ones."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

MARK = "75ee"
"""The third group of every seeded id: version 7, and what is random elsewhere."""

COLUMNS = {
    "customer_keys": "id, customer_id, wrapped, master_key_id, created_at",
    "customers": "id, key_id, name_sealed, language, created_at",
    "identities": "id, customer_id, key_id, channel, address_sealed, address_index, verified_at, created_at",
    "conversations": "id, customer_id, identity_id, channel, thread_index, next_position, created_at",
    "cases": "id, customer_id, conversation_id, status, owner, next_sequence, opened_at, resolved_at",
    "case_work": "case_id, paused, turn_id, lease_token",
    "messages": "id, case_id, conversation_id, key_id, sequence, position, direction, author, channel,"
    " provider_message_id, body_sealed, state, turn_id, received_at, delivered_at",
    "turns": "id, case_id, status, first_sequence, last_sequence, graph_version, lease_token, outcome, polarity,"
    " confidence, rules, model, key_id, started_at, finished_at, milliseconds",
    "outbox": "id, intent_id, ordinal, message_id, case_id, conversation_id, channel, kind, state, attempts, due_at,"
    " created_at, settled_at",
    "escalations": "id, case_id, turn_id, interrupt_id, checkpoint_id, key_id, request_sealed, proposal_hash,"
    " has_draft, severity, rules, status, due_at, created_at",
    "decisions": "id, escalation_id, action, reviewer, key_id, seen_sequence, created_at, applied_at",
    "surveys": "id, case_id, resolution_number, conversation_id, channel, answered_by, created_at, due_at, rating,"
    " rated_at",
    "events": "id, at, kind, case_id, actor, data",
    "checkpoints": "thread_id, checkpoint_id, checkpoint, metadata",
    "checkpoint_blobs": "thread_id, channel, version, type, blob",
}
"""The tables that are filled, in the order of their references, with the columns that are given."""

Batch = Mapping[str, list[str]]
"""Lines by table."""

_KINDS = {table: number for number, table in enumerate(COLUMNS, start=1)}
_NUMBERS = 1 << 48
_CASE = 1 << 20
"""Ids that a case of a history has to itself in each table."""


class Rows:
    """Collects lines until they are taken. Within one case, each id of a table has the next number."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {table: [] for table in COLUMNS}
        self._case = 0
        self._given: defaultdict[str, int] = defaultdict(int)

    def begin(self, case: int) -> None:
        """What is added from here on belongs to the case of this number, which no other has."""
        self._case = case
        self._given.clear()

    def id(self, table: str, at: datetime) -> UUID:
        """A new id for a row that came into being then."""
        self._given[table] += 1
        number = (self._case * _CASE + self._given[table]) % _NUMBERS
        time = int(at.timestamp() * 1000)
        return UUID(int=time << 80 | int(MARK, 16) << 64 | 0b10 << 62 | _KINDS[table] << 48 | number)

    def add(self, table: str, *values: object) -> None:
        """A row with a value for each of the table's ``COLUMNS``."""
        self._lines[table].append("\t".join(map(_text, values)) + "\n")

    def take(self) -> Batch:
        """What was collected since the last time."""
        taken, self._lines = self._lines, {table: [] for table in COLUMNS}
        return taken


def _text(value: object) -> str:
    """A value as COPY reads it. What is written here holds no tab, line end or backslash of its own."""
    return _TEXTS.get(type(value), str)(value)


def _array(value: Any) -> str:
    return "{" + ",".join(map(str, value)) + "}"


# By type, because a million messages make forty million values.
_TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    bytes: lambda value: "\\\\x" + value.hex(),
    dict: json.dumps,
    tuple: _array,
}
