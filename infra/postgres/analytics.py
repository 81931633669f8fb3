"""Reads the rows that figures are made of, from a replica where there is one, and has the figures computed.

A replica that does not answer is passed over for half a minute, and the answer says so: figures are late rather than
absent. The computing takes tenths of a second for a hundred thousand cases, so a thread does it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_TIME, _FLOAT, _SMALL = np.dtype(">i8"), np.dtype(">f8"), np.dtype(">i2")
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


@dataclass(frozen=True, slots=True)
class _Loaded:
    facts: Facts
    as_of: datetime | None
    filling: bool


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
        return await asyncio.to_thread(report, question, loaded.facts, as_of=loaded.as_of, served=served, notice=notice)

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
        period, filters = question.period, _values(question.filters)
        since, until = period.before[0], period.end
        span = {"since": since, "until": until, **filters}
        async with database.transaction() as connection:
            await connection.execute("set transaction isolation level repeatable read, read only")
            known = await (await connection.execute(self._sql["as_of"])).fetchone()
            cases = _rows(await self._groups(connection, "cases", span), _CASES)
            ends = _rows(await self._groups(connection, "ends", span), _ENDS)
            # Who came back in the period before is asked of the one before that.
            earlier = {**span, "since": since - (until - period.start)}
            visits = _visits(await self._groups(connection, "visits", earlier))
            work = _work(await self._groups(connection, "work", span))
        return _Loaded(
            Facts(cases, ends, visits, work),
            None if known is None else known["computed_at"],
            known is not None and known["filling"],
        )

    async def _groups(self, connection: Connection, block: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        cursor = await connection.execute(self._sql[block], values, binary=True)
        return await cursor.fetchall()


def _values(filters: Filters) -> dict[str, str | None]:
    return {dimension: getattr(filters, dimension) for dimension in DIMENSIONS}


def _rows(groups: Sequence[Mapping[str, Any]], columns: Mapping[str, np.dtype[Any]]) -> Rows:
    read = {name: _column(groups, name, kind) for name, kind in columns.items()}
    first, kind = next(iter(columns.items()))
    return Rows(read, _labels(groups, _lengths(groups, first, kind)))


def _visits(groups: Sequence[Mapping[str, Any]]) -> Rows:
    at = _column(groups, "at", _TIME)
    rows = Rows({}, _labels(groups, _lengths(groups, "at", _TIME)), Labelled(_numbered(groups), ()))
    return rows.by_time(at)


def _work(groups: Sequence[Mapping[str, Any]]) -> Rows:
    at, lengths = _column(groups, "at", _TIME), _lengths(groups, "at", _TIME)
    place = {name: number for number, name in enumerate(ACTIONS)}
    numbers = [place.get(group["action"], place["other"]) for group in groups]
    action = np.repeat(np.array(numbers, dtype=np.int64), lengths)
    rows = Rows(
        {"seconds": _column(groups, "seconds", _FLOAT), "action": action},
        _labels(groups, lengths),
        _labelled([group["person"] for group in groups], lengths),
    )
    return rows.by_time(at)


def _column(groups: Sequence[Mapping[str, Any]], name: str, kind: np.dtype[Any]) -> np.ndarray:
    return np.frombuffer(b"".join(group[name] for group in groups), dtype=kind).astype(kind.newbyteorder("="))


def _lengths(groups: Sequence[Mapping[str, Any]], name: str, kind: np.dtype[Any]) -> np.ndarray:
    return np.array([len(group[name]) // kind.itemsize for group in groups], dtype=np.int64)


def _labels(groups: Sequence[Mapping[str, Any]], lengths: np.ndarray) -> dict[Dimension, Labelled]:
    return {dimension: _labelled([group[dimension] for group in groups], lengths) for dimension in DIMENSIONS}


def _labelled(labels: Sequence[str], lengths: np.ndarray) -> Labelled:
    names = tuple(sorted(set(labels)))
    place = {name: number for number, name in enumerate(names)}
    return Labelled(np.repeat(np.array([place[name] for name in labels], dtype=np.int64), lengths), names)


def _numbered(groups: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """A number for each customer: where two ids are the same, two numbers are."""
    halves = np.frombuffer(b"".join(group["customer"] for group in groups), dtype=_TIME).astype(np.int64).reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    differs = np.any(halves[order][1:] != halves[order][:-1], axis=1)
    numbers = np.empty(len(order), dtype=np.int64)
    if len(order):
        numbers[order] = np.concatenate(([0], np.cumsum(differs)))
    return numbers
