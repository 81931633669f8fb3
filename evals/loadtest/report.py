"""A run as one page that needs nothing else: no script, no font, no picture from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from evals.loadtest.chart import Chart, Line, draw
from evals.loadtest.histogram import PERCENTILES, Histogram
from evals.loadtest.record import Interval, Record, percentile_name
from skills.errors import BadRequestError

_CURVE = (0.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9)


def write_report(path: Path, records: dict[str, Record], about: dict[str, str]) -> None:
    """Write the page.

    Args:
        path: where to; what is there is replaced.
        records: what is shown, by its heading: the customers', and that of a hot conversation if there was one.
        about: how the run was made, in the order in which it is shown.

    Raises:
        BadRequestError: the file can't be written.
    """
    try:
        path.write_text(render(records, about), encoding="utf-8")
    except OSError as error:
        raise BadRequestError(
            f"{path} can't be written: {error.strerror}", hint="choose a folder that exists"
        ) from None


def render(records: dict[str, Record], about: dict[str, str]) -> str:
    """The page as text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("evals.loadtest").joinpath("report.html").read_text(encoding="utf-8"))
    return template.render(
        about=about,
        clean=all(record.clean for record in records.values()),
        parts=[{"heading": heading, **_part(record)} for heading, record in records.items()],
        percentiles=[percentile_name(percent) for percent in PERCENTILES],
    )


def _part(record: Record) -> dict[str, Any]:
    charts = [chart for chart in _charts(record) if any(line.points for line in chart.lines)]
    return {
        "record": record,
        "summary": record.summary(),
        "charts": [(chart, svg) for chart in charts if (svg := draw(chart))],
    }


def _charts(record: Record) -> list[Chart]:
    width = record.width

    def over_time(value: Callable[[Interval], float | None]) -> tuple[tuple[float, float | None], ...]:
        return tuple((n * width, value(interval)) for n, interval in enumerate(record.intervals))

    def percentile(of: Callable[[Interval], Histogram], percent: float) -> tuple[tuple[float, float | None], ...]:
        return over_time(lambda i: of(i).percentile(percent) * 1000 if len(of(i)) else None)

    seconds = "seconds, by when the message was meant to be sent"
    acknowledged, replied = record.all_acknowledged, record.all_replied
    return [
        Chart(
            "Messages",
            seconds,
            "a second",
            (
                Line("meant to be sent", over_time(lambda i: i.due / width)),
                Line("of these acknowledged", over_time(lambda i: len(i.acknowledged) / width)),
                Line("attempts that failed", over_time(lambda i: i.errors / width)),
            ),
        ),
        Chart(
            "Until the reply is visible",
            seconds,
            "ms",
            tuple(Line(percentile_name(p), percentile(lambda i: i.replied, p)) for p in (50, 95, 100) if len(replied)),
        ),
        Chart(
            "Until the message is acknowledged",
            seconds,
            "ms",
            tuple(Line(percentile_name(p), percentile(lambda i: i.acknowledged, p)) for p in (50, 99, 100)),
        ),
        Chart(
            "Percentiles",
            "percent of the messages, stretched towards the slowest",
            "ms",
            tuple(
                Line(name, tuple((float(n), ms) for n, ms in enumerate(_curve(histogram))))
                for name, histogram in (("reply visible", replied), ("acknowledged", acknowledged))
                if len(histogram)
            ),
            ticks=tuple((float(n), f"{percent:g} %") for n, percent in enumerate(_CURVE)),
        ),
    ]


def _curve(histogram: Histogram) -> list[float]:
    return [value * 1000 for value in histogram.percentiles(_CURVE)]
