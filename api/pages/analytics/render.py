"""Makes the page of figures of a report, or of what was wrong with the question."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse

from api.pages.analytics.charts import TONES, Bar, Look, Spot, by_part, over_time, trend
from api.pages.console.render import Frame, page
from infra.analytics.definitions import DIMENSIONS, INTERVALS, Dimension, Key
from infra.analytics.periods import STEPS, Step
from infra.analytics.report import ACTIONS, MOST_LABELS, REPLY, Filters, Measured, Report
from infra.analytics.words import finding, interval_text, label_text, value_text

_STANDING = {True: "surely up", False: "surely down"}


def figures_page(frame: Frame, report: Report, key: Key) -> HTMLResponse:
    """The figures of a period, one of them in detail."""
    chosen, question = report.of(key), report.question
    return page(
        "analytics",
        frame,
        **_form(question.period.first, question.period.last, question.step, question.filters, key, report.labels),
        refused=None,
        report=report,
        question=question,
        period=question.period,
        chosen=chosen,
        line=_line(report, chosen),
        bars={dimension: _bars(chosen, dimension) for dimension in DIMENSIONS if _has_bars(chosen, dimension)},
        actions=[action for number, action in enumerate(ACTIONS) if number != REPLY],
        query=_query(report),
        most_labels=MOST_LABELS,
        parquet=find_spec("pyarrow") is not None,
        value_text=value_text,
        interval_text=interval_text,
        finding=finding,
        standing=_standing,
        trend=_trend,
        extremes=_extremes,
        INTERVALS=INTERVALS,
    )


def refused_page(
    frame: Frame, first: date, last: date, filters: Filters, key: Key, refused: tuple[str, str]
) -> HTMLResponse:
    """What was asked, why it can't be answered, and what to do about it."""
    form = _form(first, last, None, filters, key, dict.fromkeys(DIMENSIONS, ()))
    return page("analytics", frame, status=422, **form, refused=refused)


def _form(
    first: date,
    last: date,
    step: Step | None,
    filters: Filters,
    key: Key,
    labels: Mapping[Dimension, tuple[str, ...]],
) -> dict[str, Any]:
    chosen = {dimension: getattr(filters, dimension) for dimension in DIMENSIONS}
    return {
        "first": first,
        "last": last,
        "step": step,
        "steps": STEPS,
        "metric": key,
        "filters": chosen,
        # What was chosen stays on offer where there is nothing of it.
        "labels": {dimension: [*known, *({chosen[dimension]} - {None, *known})] for dimension, known in labels.items()},
        "label_text": label_text,
    }


def _trend(measured: Measured) -> str:
    return trend([Spot(point.start, point.figure) for point in measured.over_time], measured.metric.unit)


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


def _has_bars(chosen: Measured, dimension: Dimension) -> bool:
    return any(figure.value is not None for part in chosen.parts[dimension] for figure in (part.now, part.before))


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
