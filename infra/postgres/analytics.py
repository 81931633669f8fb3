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
_TIME, _FLOAT, _SMALL, _LABEL = np.dtype(">i8"), np.dtype(">f8"), np.dtype(">i2"), np.dtype(">i4")
_CASES: Mapping[str, np.dtype[Any]] = {
    "opened": _TIME,
    "to_person": _TIME,
    "agent_seconds": _FLOAT,
    "person_seconds": _FLOAT,
    "money": _FLOAT,
}
_ENDS: Mapping[str, np.dtype[Any]] = {
    "ended": _TIME,
    "reopened": _TIME,
    "rated": _TIME,
    "open_seconds": _FLOAT,
    "rating": _SMALL,
    "how": _SMALL,
    "solved": _SMALL,
}


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
        self._ids = np.array([row["id"] for row in rows], dtype=np.int32)
        self._by_dimension = {dimension: _coded([row[dimension] for row in rows]) for dimension in DIMENSIONS}

    def of(self, groups: Sequence[Mapping[str, Any]]) -> dict[Dimension, Labelled]:
        """The labels of rows."""
        place = np.searchsorted(self._ids, _column(groups, "label", _LABEL))
        return {dimension: Labelled(coded.codes[place], coded.names) for dimension, coded in self._by_dimension.items()}

    def rows(self, groups: Sequence[Mapping[str, Any]], columns: Mapping[str, np.dtype[Any]]) -> Rows:
        """Rows with their labels."""
        return Rows({name: _column(groups, name, kind) for name, kind in columns.items()}, self.of(groups))


def _answer(question: Question, loaded: _Loaded) -> Report:
    labels, blocks = _Labels(loaded.labels), loaded.blocks
    facts = Facts(
        labels.rows(blocks["cases"], _CASES),
        labels.rows(blocks["ends"], _ENDS),
        _visits(labels, blocks["cases"], blocks["visits"]),
        _work(labels, blocks["work"]),
    )
    return report(question, facts, as_of=loaded.as_of)


def _visits(labels: _Labels, cases: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> Rows:
    """Some openings stand in both, which is no matter: a customer counts once."""
    groups = [
        *({"label": group["label"], "at": group["opened"], "customer": group["customer"]} for group in cases),
        *others,
    ]
    rows = Rows({}, labels.of(groups), Labelled(_numbered(groups), ()))
    return rows.by_time(_column(groups, "at", _TIME))


def _work(labels: _Labels, groups: Sequence[Mapping[str, Any]]) -> Rows:
    lengths = np.array([len(group["at"]) // _TIME.itemsize for group in groups], dtype=np.int64)
    place = {name: number for number, name in enumerate(ACTIONS)}
    actions = np.array([place.get(group["action"], place["other"]) for group in groups], dtype=np.int64)
    people = _coded([group["person"] for group in groups])
    rows = Rows(
        {"seconds": _column(groups, "seconds", _FLOAT), "action": np.repeat(actions, lengths)},
        labels.of(groups),
        Labelled(np.repeat(people.codes, lengths), people.names),
    )
    return rows.by_time(_column(groups, "at", _TIME))


def _column(groups: Sequence[Mapping[str, Any]], name: str, kind: np.dtype[Any]) -> np.ndarray:
    values = b"".join(group[name] or b"" for group in groups)
    return np.frombuffer(values, dtype=kind).astype(kind.newbyteorder("="))


def _coded(names: Sequence[str]) -> Labelled:
    """Each name by its number among all of them in their order."""
    known = tuple(sorted(set(names)))
    place = {name: number for number, name in enumerate(known)}
    # Two bytes are sorted by counting.
    kind = np.int16 if len(known) < np.iinfo(np.int16).max else np.int32
    return Labelled(np.array([place[name] for name in names], dtype=kind), known)


def _numbered(groups: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """A number for each customer: where two ids are the same, two numbers are."""
    halves = _column(groups, "customer", _TIME).reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    differs = np.any(halves[order][1:] != halves[order][:-1], axis=1)
    numbers = np.empty(len(order), dtype=np.int64)
    if len(order):
        numbers[order] = np.concatenate(([0], np.cumsum(differs)))
    return numbers
