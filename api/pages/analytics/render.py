"""Makes the page of figures of a report: every value is escaped, nobody may keep, frame or index it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages.analytics.charts import TONES, Bar, Look, Spot, by_part, over_time
from api.pages.routes import SECURITY_HEADERS
from infra.analytics.definitions import DIMENSIONS, INTERVALS, METRICS, Dimension, Key
from infra.analytics.periods import STEPS
from infra.analytics.report import ACTIONS, REPLY, Measured, Report
from infra.analytics.words import finding, interval_text, label_text, value_text

_HEADERS = {**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
_STANDING = {True: "surely up", False: "surely down"}


def figures_page(report: Report, key: Key) -> HTMLResponse:
    """The figures of a period, one of them in detail."""
    chosen = report.of(key)
    text = (
        _environment()
        .get_template("page.html.jinja")
        .render(
            report=report,
            question=report.question,
            period=report.question.period,
            filters={dimension: getattr(report.question.filters, dimension) for dimension in DIMENSIONS},
            steps=STEPS,
            dimensions=DIMENSIONS,
            metrics=METRICS,
            chosen=chosen,
            line=_line(report, chosen),
            bars={dimension: _bars(chosen, dimension) for dimension in DIMENSIONS if chosen.parts[dimension]},
            actions=[action for number, action in enumerate(ACTIONS) if number != REPLY],
            query=_query(report),
        )
    )
    return HTMLResponse(text, headers=_HEADERS)


def _line(report: Report, chosen: Measured) -> str:
    spots = [Spot(point.start, point.figure) for point in chosen.over_time]
    look = Look(
        "over-time",
        finding(chosen),
        f"{chosen.metric.name} by {report.question.step}, with 95 % intervals",
        chosen.metric.unit,
        TONES.get(chosen.metric.key, "agent"),
    )
    return over_time(spots, look)


def _bars(chosen: Measured, dimension: Dimension) -> str:
    bars = [Bar(part.label, part.now, part.before.value) for part in chosen.parts[dimension]]
    look = Look(
        f"by-{dimension}",
        _extremes(chosen, dimension),
        f"{chosen.metric.name} by {dimension}, with 95 % intervals; a thin mark is the period before",
        chosen.metric.unit,
        TONES.get(chosen.metric.key, "agent"),
    )
    return by_part(bars, look)


def _extremes(chosen: Measured, dimension: Dimension) -> str:
    """What the bars show, in a sentence: which part has most and which least, if that is sure."""
    found = [(part.now.value, part) for part in chosen.parts[dimension] if part.now.value is not None]
    known = sorted(found, key=lambda one: one[0])
    name = f"{chosen.metric.name} by {dimension}"
    if len(known) < 2:  # noqa: PLR2004 - two can be compared
        return name
    (low, least), (high, most) = known[0], known[-1]
    unit = chosen.metric.unit
    if least.now.high is None or most.now.low is None or most.now.low <= least.now.high:
        return f"{name}: no sure difference"
    return (
        f"{name}: {label_text(most.label)} {value_text(unit, high)}, {label_text(least.label)} {value_text(unit, low)}"
    )


def _standing(measured: Measured) -> str:
    """How a figure stands beside the period before."""
    if measured.now.value is None or measured.before.value is None:
        return ""
    return _STANDING[measured.now.value > measured.before.value] if measured.differs else "no sure change"


def _query(report: Report) -> str:
    question = report.question
    asked = {"from": question.period.first, "to": question.period.last, "step": question.step}
    labels = [(dimension, getattr(question.filters, dimension)) for dimension in DIMENSIONS]
    return urlencode([*asked.items(), *((name, label) for name, label in labels if label is not None)])


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named: dict[str, Any] = {
        "value_text": value_text,
        "interval_text": interval_text,
        "label_text": label_text,
        "finding": finding,
        "standing": _standing,
        "extremes": _extremes,
        "INTERVALS": INTERVALS,
    }
    environment.globals.update(named)
    return environment
