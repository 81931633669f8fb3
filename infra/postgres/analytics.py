"""Reads the rows that figures are made of, from a replica where there is one, and has the figures computed.

A replica that does not answer is passed over for half a minute, and the answer says so: figures are late rather than
absent. Two connections read side by side what one moment shows. The computing takes a twentieth of a second for a
hundred thousand cases, so a thread does it.
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
from psycopg.sql import SQL, Literal

from infra.analytics.definitions import DIMENSIONS
from infra.analytics.figures import Facts
from infra.analytics.report import ACTIONS, Filters, Question, Report, Served, report
from infra.analytics.rows import Labelled, Labels, Rows
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

_AS_IT_IS = SQL("set transaction isolation level repeatable read, read only")
_MOST_KEPT = 2
"""Answers that are kept until anything is computed anew: who looks at one figure after the other asks the same. Each
holds the rows of which a figure's parts are made: 15 MB for a hundred thousand cases."""


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
        self._loading = asyncio.Lock()
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
        async with database.connection() as connection:
            as_of, filling = await self._as_of(connection)
        kept = self._kept.get(question)
        if kept is not None and kept.as_of == as_of and not filling:
            return _Loaded(as_of, filling, kept=kept)
        # One after the other, or each could hold a connection and wait for its second one for ever.
        async with self._loading, database.transaction() as one, database.transaction() as other:
            await one.execute(_AS_IT_IS)
            row = await (await one.execute(self._sql["share"])).fetchone()
            assert row is not None  # a function's result
            await other.execute(_AS_IT_IS)
            await other.execute(SQL("set transaction snapshot {}").format(Literal(row["snapshot"])))
            as_of, filling = await self._as_of(one)
            labels = await (await one.execute(self._sql["labels"], asdict(question.filters))).fetchall()
            values = {**_span(question), "labels": None if question.filters == Filters() else _ids(labels)}
            read = await asyncio.gather(
                self._read(one, ("cases",), values),
                self._read(other, ("ends", "visits", "work"), values),
                return_exceptions=True,  # both are over before their transactions end
            )
            blocks: dict[str, list[dict[str, Any]]] = {}
            for found in read:
                if isinstance(found, BaseException):
                    raise found
                blocks |= found
        return _Loaded(as_of, filling, labels, blocks)

    async def _as_of(self, connection: Connection) -> tuple[datetime | None, bool]:
        """Up to when rows were computed, and whether past cases still are."""
        row = await (await connection.execute(self._sql["as_of"])).fetchone()
        return (None, False) if row is None else (row["computed_at"], bool(row["filling"]))

    async def _read(
        self, connection: Connection, names: Sequence[str], values: Mapping[str, Any]
    ) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for name in names:
            # It matters how many labels there are: a plan for any number looks them up row by row, for a second.
            prepare = None if values["labels"] is None else False
            cursor = await connection.execute(self._sql[name], values, binary=True, prepare=prepare)
            found[name] = await cursor.fetchall()
        return found


def _span(question: Question) -> dict[str, datetime]:
    """Which rows: of the period and of the one before; who came back in that is asked of the one before it."""
    period = question.period
    since, until = period.before[0], period.end
    return {"since": since, "until": until, "earlier": since - (until - period.start)}


def _ids(labels: Sequence[Mapping[str, Any]]) -> list[int]:
    return [row["id"] for row in labels]


class _Known:
    """What the numbers in records mean."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        ids = _ids(rows)
        self._place = np.zeros(max(ids, default=0) + 1, dtype=np.intp)
        self._place[ids] = np.arange(len(ids))
        named = {dimension: _coded([row[dimension] for row in rows]) for dimension in DIMENSIONS}
        self.labels = Labels(len(ids), named)

    def label(self, records: np.ndarray) -> np.ndarray:
        """Which label each record has."""
        found: np.ndarray = self._place[_native(records["label"])]
        return found

    def rows(self, records: np.ndarray) -> Rows:
        """Records with their labels."""
        assert records.dtype.names is not None  # they have fields
        columns = {name: _native(records[name]) for name in records.dtype.names if name not in {"label", "customer"}}
        return Rows(columns, self.label(records), self.labels)


def _answer(question: Question, loaded: _Loaded) -> Report:
    known, blocks = _Known(loaded.labels), loaded.blocks
    cases, ends, others = (
        _records(blocks[block], kind) for block, kind in (("cases", _CASE), ("ends", _END), ("visits", _VISIT))
    )
    facts = Facts(known.rows(cases), known.rows(ends), _visits(known, cases, others), _work(known, blocks["work"]))
    return report(question, facts, as_of=loaded.as_of)


def _visits(known: _Known, cases: np.ndarray, others: np.ndarray) -> Rows:
    """Some openings stand in both, which is no matter: a customer counts once."""
    customers = np.concatenate((_native(cases["customer"]), _native(others["customer"])))
    label = np.concatenate((known.label(cases), known.label(others)))
    rows = Rows({}, label, known.labels, Labelled(_numbered(customers), ()))
    return rows.by_time(np.concatenate((_native(cases["opened"]), _native(others["at"]))))


def _work(known: _Known, groups: Sequence[Mapping[str, Any]]) -> Rows:
    records = _records(groups, _WORK)
    lengths = np.array([len(group["packed"]) // _WORK.itemsize for group in groups], dtype=np.int64)
    place = {name: number for number, name in enumerate(ACTIONS)}
    actions = np.array([place.get(group["action"], place["other"]) for group in groups], dtype=np.int64)
    people = _coded([group["person"] for group in groups])
    rows = Rows(
        {"seconds": _native(records["seconds"]), "action": np.repeat(actions, lengths)},
        known.label(records),
        known.labels,
        Labelled(np.repeat(people.codes, lengths), people.names),
    )
    return rows.by_time(_native(records["at"]), columns=rows.columns)


def _records(groups: Sequence[Mapping[str, Any]], kind: np.dtype[Any]) -> np.ndarray:
    return np.frombuffer(b"".join(group["packed"] or b"" for group in groups), dtype=kind)


def _native(column: np.ndarray) -> np.ndarray:
    return column.astype(column.dtype.newbyteorder("="))


def _coded(names: Sequence[str]) -> Labelled:
    """Each name by its number among all of them in their order."""
    known = tuple(sorted(set(names)))
    place = {name: number for number, name in enumerate(known)}
    # The fewer bytes the sooner they are sorted, for one and two are by counting.
    return Labelled(np.array([place[name] for name in names], dtype=np.min_scalar_type(len(known))), known)


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
