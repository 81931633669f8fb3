"""Reads the rows that figures are made of, from a replica where there is one, and has the figures computed.

A replica that does not answer is passed over for half a minute, and the answer says so: figures are late rather than
absent. The computing takes tenths of a second for a hundred thousand cases, so a thread does it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from infra.analytics.definitions import DIMENSIONS, Dimension
from infra.analytics.figures import Facts
from infra.analytics.report import ACTIONS, Filters, Question, Report, Served, report
from infra.analytics.rows import Labelled, Rows
from infra.postgres.database import Connection, Database
from infra.postgres.queries import load
from skills.errors import DatabaseUnavailableError

_PASSED_OVER = 30.0
"""Seconds."""
_TIME, _FLOAT, _SMALL, _LABEL = ">i8", ">f8", ">i2", ">i4"
_CUSTOMER = (">i8", 2)
_CASE = np.dtype(
    [
        ("label", _LABEL),
        ("opened", _TIME),
        ("customer", *_CUSTOMER),
        ("to_person", _TIME),
        ("agent_seconds", _FLOAT),
        ("person_seconds", _FLOAT),
        ("money", _FLOAT),
    ]
)
"""A record of ``analytics_cases.packed``."""
_END = np.dtype(
    [
        ("label", _LABEL),
        ("ended", _TIME),
        ("reopened", _TIME),
        ("rated", _TIME),
        ("open_seconds", _FLOAT),
        ("rating", _SMALL),
        ("how", _SMALL),
        ("solved", _SMALL),
    ]
)
"""A record of ``analytics_ends.packed``."""
_VISIT = np.dtype([("label", _LABEL), ("at", _TIME), ("customer", *_CUSTOMER)])
_WORK = np.dtype([("label", _LABEL), ("at", _TIME), ("seconds", _FLOAT)])

_MOST_KEPT = 16
"""Answers that are kept until anything is computed anew: who looks at one figure after the other asks the same."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What was read: labels, and the blocks of ``analytics.sql`` by name. ``kept`` is the answer, if it is known."""

    as_of: datetime | None
    filling: bool
    labels: Sequence[Mapping[str, Any]] = ()
    blocks: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    kept: Report | None = None


class Analytics:
    """Answers questions for figures.

    Args:
        database: the primary.
        replica: is read instead, if there is one.
    """

    def __init__(self, database: Database, replica: Database | None = None) -> None:
        self._database = database
        self._replica = replica
        self._away_until = 0.0
        self._kept: OrderedDict[Question, Report] = OrderedDict()
        self._sql = load("analytics")

    async def report(self, question: Question) -> Report:
        """The figures.

        Raises:
            DatabaseUnavailableError: neither the replica nor the primary answers.
        """
        loaded, served, notice = await self._load(question)
        if loaded.as_of is None:
            notice = "nothing was computed yet: a scheduler (`csagent scheduler`) does it within a minute"
        elif loaded.filling:
            notice = "past cases are still being computed: the figures are not whole yet"
        answer = loaded.kept
        if answer is None:
            answer = await asyncio.to_thread(_answer, question, loaded)
        if not loaded.filling:
            self._kept[question] = answer
            self._kept.move_to_end(question)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return replace(answer, served=served, notice=notice)

    async def _load(self, question: Question) -> tuple[_Loaded, Served, str | None]:
        if self._replica is None:
            return await self._load_from(self._database, question), "primary", None
        if time.monotonic() >= self._away_until:
            try:
                return await self._load_from(self._replica, question), "replica", None
            except DatabaseUnavailableError:
                self._away_until = time.monotonic() + _PASSED_OVER
        loaded = await self._load_from(self._database, question)
        return loaded, "primary", "the replica does not answer: these figures come from the primary"

    async def _load_from(self, database: Database, question: Question) -> _Loaded:
        period, filters = question.period, question.filters
        since, until = period.before[0], period.end
        # Who came back in the period before is asked of the one before that.
        span = {"since": since, "until": until, "earlier": since - (until - period.start)}
        async with database.transaction() as connection:
            await connection.execute("set transaction isolation level repeatable read, read only")
            known = await (await connection.execute(self._sql["as_of"])).fetchone()
            as_of, filling = (None, False) if known is None else (known["computed_at"], bool(known["filling"]))
            kept = self._kept.get(question)
            if kept is not None and kept.as_of == as_of and not filling:
                return _Loaded(as_of, filling, kept=kept)
            labels = await (await connection.execute(self._sql["labels"], asdict(filters))).fetchall()
            only = None if filters == Filters() else [row["id"] for row in labels]
            blocks = {
                block: await self._read(connection, block, {**span, "labels": only})
                for block in ("cases", "ends", "visits", "work")
            }
        return _Loaded(as_of, filling, labels, blocks)

    async def _read(self, connection: Connection, block: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        cursor = await connection.execute(self._sql[block], values, binary=True)
        return await cursor.fetchall()


class _Labels:
    """What each label's number means in every dimension."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        ids = [row["id"] for row in rows]
        self._place = np.zeros(max(ids, default=0) + 1, dtype=np.int32)
        self._place[ids] = np.arange(len(ids))
        self._by_dimension = {dimension: _coded([row[dimension] for row in rows]) for dimension in DIMENSIONS}

    def of(self, numbers: np.ndarray) -> dict[Dimension, Labelled]:
        """The labels of rows."""
        place = self._place[numbers]
        return {dimension: Labelled(coded.codes[place], coded.names) for dimension, coded in self._by_dimension.items()}

    def rows(self, records: np.ndarray) -> Rows:
        """Records with their labels."""
        assert records.dtype.names is not None  # they have fields
        columns = {name: _native(records[name]) for name in records.dtype.names if name not in {"label", "customer"}}
        return Rows(columns, self.of(_native(records["label"])))


def _answer(question: Question, loaded: _Loaded) -> Report:
    labels, blocks = _Labels(loaded.labels), loaded.blocks
    cases, ends, others = (
        _records(blocks[block], kind) for block, kind in (("cases", _CASE), ("ends", _END), ("visits", _VISIT))
    )
    facts = Facts(labels.rows(cases), labels.rows(ends), _visits(labels, cases, others), _work(labels, blocks["work"]))
    return report(question, facts, as_of=loaded.as_of)


def _visits(labels: _Labels, cases: np.ndarray, others: np.ndarray) -> Rows:
    """Some openings stand in both, which is no matter: a customer counts once."""

    def both(name: str, of_cases: str) -> np.ndarray:
        return np.concatenate((_native(cases[of_cases]), _native(others[name])))

    rows = Rows({}, labels.of(both("label", "label")), Labelled(_numbered(both("customer", "customer")), ()))
    return rows.by_time(both("at", "opened"))


def _work(labels: _Labels, groups: Sequence[Mapping[str, Any]]) -> Rows:
    records = _records(groups, _WORK)
    lengths = np.array([len(group["packed"]) // _WORK.itemsize for group in groups], dtype=np.int64)
    place = {name: number for number, name in enumerate(ACTIONS)}
    actions = np.array([place.get(group["action"], place["other"]) for group in groups], dtype=np.int64)
    people = _coded([group["person"] for group in groups])
    rows = Rows(
        {"seconds": _native(records["seconds"]), "action": np.repeat(actions, lengths)},
        labels.of(_native(records["label"])),
        Labelled(np.repeat(people.codes, lengths), people.names),
    )
    return rows.by_time(_native(records["at"]))


def _records(groups: Sequence[Mapping[str, Any]], kind: np.dtype[Any]) -> np.ndarray:
    return np.frombuffer(b"".join(group["packed"] or b"" for group in groups), dtype=kind)


def _native(column: np.ndarray) -> np.ndarray:
    return column.astype(column.dtype.newbyteorder("="))


def _coded(names: Sequence[str]) -> Labelled:
    """Each name by its number among all of them in their order."""
    known = tuple(sorted(set(names)))
    place = {name: number for number, name in enumerate(known)}
    # Two bytes are sorted by counting.
    kind = np.int16 if len(known) < np.iinfo(np.int16).max else np.int32
    return Labelled(np.array([place[name] for name in names], dtype=kind), known)


def _numbered(customers: np.ndarray) -> np.ndarray:
    """A number for each customer, given as the two halves of an id: where two ids are the same, two numbers are."""
    first, last = customers[:, 0], customers[:, 1]
    order = np.argsort(last)
    differs = last[order][1:] != last[order][:-1]
    if np.any((first[order][1:] != first[order][:-1]) & ~differs):  # the random halves of two ids are the same
        order = np.lexsort((last, first))
        differs = np.any(customers[order][1:] != customers[order][:-1], axis=1)
    numbers = np.empty(len(order), dtype=np.int64)
    if len(order):
        numbers[order] = np.concatenate(([0], np.cumsum(differs)))
    return numbers
