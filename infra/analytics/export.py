"""A report as one flat table, for spreadsheets and data frames: a line for every figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Literal

from infra.analytics.figures import Figure
from infra.analytics.report import Measured, Report
from skills.errors import BadRequestError

Format = Literal["csv", "parquet"]
Scope = Literal["period", "before", "step", "part", "part before"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Line:
    """A figure of a span of time, end excluded; with a dimension and its label if it is of a part."""

    metric: str
    unit: str
    scope: Scope
    start: datetime
    end: datetime
    dimension: str | None
    label: str | None
    value: float | None
    low: float | None
    high: float | None
    numerator: float | None
    denominator: int


_NAMES = [field.name for field in fields(Line)]
_cells = attrgetter(*_NAMES)


def lines(report: Report) -> Iterator[Line]:
    """All figures of a report."""
    for measured in report.measured:
        yield from _lines(report, measured)


def as_csv(report: Report) -> bytes:
    """Comma-separated, in UTF-8, a head line first. A label that a spreadsheet would take for a formula is quoted."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_NAMES)
    writer.writerows(map(_row, lines(report)))
    return text.getvalue().encode()


def as_parquet(report: Report) -> bytes:
    """A Parquet file.

    Raises:
        BadRequestError: pyarrow is not installed, which is left to whoever wants it.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise BadRequestError(
            "Parquet files need pyarrow, which is not installed here",
            hint="pip install 'csagent[parquet]' on the server, or take CSV",
        ) from None
    kinds = {
        **dict.fromkeys(("metric", "unit", "scope", "dimension", "label"), pa.string()),
        **dict.fromkeys(("start", "end"), pa.timestamp("us", tz="UTC")),
        **dict.fromkeys(("value", "low", "high", "numerator"), pa.float64()),
        "denominator": pa.int64(),
    }
    columns = list(zip(*map(_cells, lines(report)), strict=True))
    table = pa.table({name: pa.array(column, kinds[name]) for name, column in zip(_NAMES, columns, strict=True)})
    written = io.BytesIO()
    parquet.write_table(table, written)
    return written.getvalue()


def _lines(report: Report, measured: Measured) -> Iterator[Line]:
    period, key, unit = report.question.period, measured.metric.key, measured.metric.unit
    now, before = (period.start, period.end), period.before

    def line(scope: Scope, span: tuple[datetime, datetime], figure: Figure, *part: str) -> Line:
        dimension, label = part or (None, None)
        return Line(
            *(key, unit, scope, *span, dimension, label),
            *(figure.value, figure.low, figure.high, figure.numerator, figure.denominator),
        )

    yield line("period", now, measured.now)
    yield line("before", before, measured.before)
    for point in measured.over_time:
        yield line("step", (point.start, point.end), point.figure)
    for dimension, parts in measured.parts.items():
        for part in parts:
            yield line("part", now, part.now, dimension, part.label)
            yield line("part before", before, part.before, dimension, part.label)


def _row(line: Line) -> tuple[object, ...]:
    metric, unit, scope, start, end, dimension, label, *figure = _cells(line)
    if label is not None and label.startswith(_FORMULA):  # the one text that is not ours
        label = f"'{label}"
    return metric, unit, scope, start.isoformat(), end.isoformat(), dimension, label, *figure
