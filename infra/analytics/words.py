"""Figures in words: a value with its unit, its interval, and what a metric found."""

from __future__ import annotations

from infra.analytics.definitions import Unit
from infra.analytics.figures import Figure
from infra.analytics.report import Measured

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TEN = 10
NOTHING = "no data"


def value_text(unit: Unit, value: float | None) -> str:
    """``84.2 %``, ``3 min 20 s``, ``0.0123``, ``12.4``."""
    if value is None:
        return NOTHING
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "seconds":
        return _length(value)
    if unit == "money":
        return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
    return f"{value:.1f}"


def interval_text(unit: Unit, figure: Figure) -> str:
    """``80.1 % to 87.6 %``; empty where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{value_text(unit, figure.low)} to {value_text(unit, figure.high)}"


def finding(measured: Measured) -> str:
    """What a metric found, in one sentence."""
    metric, now, before = measured.metric, measured.now, measured.before
    if now.value is None:
        return f"{metric.name}: nothing to measure in this period"
    said = f"{metric.name}: {value_text(metric.unit, now.value)}"
    if before.value is None:
        return f"{said}, with nothing to compare in the period before"
    earlier = value_text(metric.unit, before.value)
    if not measured.differs:
        return f"{said}, no sure change from {earlier}"
    return f"{said}, {'up' if now.value > before.value else 'down'} from {earlier}"


def label_text(label: str) -> str:
    """A label as people read it: some have none."""
    return label or "none"


def _length(seconds: float) -> str:
    if seconds < _TEN:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"
