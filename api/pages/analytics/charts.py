"""Charts as SVG, made on the server: a line over time, and bars of parts. Colours come from the page's style sheet.

Every chart begins at zero, shows the 95 % interval of each value, and says its values beside them. Its title is what
was found; for whoever does not see it there is a table of the same numbers beneath. It has no scripts and no styles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

from markupsafe import Markup

from infra.analytics.definitions import Key, Unit
from infra.analytics.figures import Figure
from infra.analytics.words import label_text, value_text

WIDTH = 720
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 92, 16, 28
_HEIGHT = 220
_ROW, _BAR = 44, 14
_LABEL = 28
"""Characters of a label at most."""
_TICKS = 4
_SMALL = (120, 28)
_MOST_DATES = 7

_Scale = Callable[[float], float]
"""From a value to its place."""

TONES: dict[Key, str] = {"first_response_person": "person", "escalation": "person", "productivity": "person"}
"""What people do has one colour everywhere, all else the other."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A figure at a time."""

    start: datetime
    figure: Figure


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of what has one label; ``before`` is a thin mark."""

    label: str
    figure: Figure
    before: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """What a chart is called, what is measured, and in which tone.

    ``id`` is unique on the page.
    """

    id: str
    title: str
    description: str
    unit: Unit
    tone: str = "agent"


def over_time(spots: Sequence[Spot], look: Look) -> Markup:
    """A line through the figures of a period; where there is none it is broken."""
    top = _nice(_most([spot.figure for spot in spots]), look.unit)
    wide, high = WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    step = wide / max(len(spots) - 1, 1)

    def x(place: int) -> float:
        return _LEFT + (place * step if len(spots) > 1 else wide / 2)

    def y(value: float) -> float:
        return _TOP + high * (1 - min(value, top) / top)

    parts = [_grid(top, look.unit, y)]
    every = math.ceil(len(spots) / _MOST_DATES)
    for place, spot in enumerate(spots):
        if place % every == 0:
            anchor = "middle" if 0 < place < len(spots) - 1 else "start" if place == 0 else "end"
            parts.append(_text(x(place), _HEIGHT - 8, f"{spot.start:%d %b}", "axis", anchor))
    parts += [_whisker(x(place), spot.figure, y) for place, spot in enumerate(spots)]
    known = [(place, spot.figure.value) for place, spot in enumerate(spots) if spot.figure.value is not None]
    for (place, value), (after, following) in pairwise(known):
        if after == place + 1:
            parts.append(_line(x(place), y(value), x(after), y(following), "line"))
    parts += [
        Markup('<circle class="spot" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(x(place), y(value))
        for place, value in known
    ]
    if known:
        place, value = known[-1]
        parts.append(_text(x(place) + 8, y(value) + 4, value_text(look.unit, value), "value", "start"))
    return _drawn(look, _HEIGHT, parts, shape="line")


def trend(spots: Sequence[Spot], unit: Unit) -> Markup:
    """The same line in small, to be seen among others: without words, for the numbers stand elsewhere."""
    top = _nice(_most([spot.figure for spot in spots]), unit)
    wide, high = _SMALL
    step = (wide - 4) / max(len(spots) - 1, 1)
    lines: list[list[str]] = [[]]
    for place, spot in enumerate(spots):
        if spot.figure.value is None:
            lines.append([])
        else:
            y = 2 + (high - 4) * (1 - min(spot.figure.value, top) / top)
            lines[-1].append(f"{2 + place * step:.1f},{y:.1f}")
    drawn = [Markup('<polyline class="line" points="{}"/>').format(" ".join(line)) for line in lines if len(line) > 1]
    drawn += [
        Markup('<circle class="spot" cx="{}" cy="{}" r="2"/>').format(*line[0].split(","))
        for line in lines
        if len(line) == 1
    ]
    drawn.append(_line(0, high - 2, wide, high - 2, "zero"))
    return Markup('<svg class="trend" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(
        wide, high, Markup("").join(drawn)
    )


def by_part(bars: Sequence[Bar], look: Look) -> Markup:
    """A bar for each part, from zero, under its name and value. Places are shares of the width, so it suits any."""
    top = _most([bar.figure for bar in bars], [bar.before for bar in bars]) or 1.0
    parts: list[Markup] = []

    def x(value: float) -> str:
        return f"{100 * min(value, top) / top:.2f}%"

    def line(start: float, end: float, above: float, below: float, kind: str) -> Markup:
        return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, x(start), above, x(end), below)

    def text(place: str, y: float, said: str, kind: str, anchor: str) -> Markup:
        return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(kind, place, y, anchor, said)

    for place, bar in enumerate(bars):
        above, value = place * _ROW, bar.figure.value
        middle = above + _ROW - _BAR
        name = label_text(bar.label)
        parts.append(text("0", above + 14, name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…", "name", "start"))
        said = f"{value_text(look.unit, value)} of {bar.figure.denominator:,}" if value is not None else "no data"
        parts.append(text("100%", above + 14, said, "value", "end"))
        if value is not None:
            parts.append(
                Markup('<rect class="bar" x="0" y="{}" width="{}" height="{}"/>').format(
                    middle - _BAR / 2, x(value), _BAR
                )
            )
            if bar.figure.low is not None and bar.figure.high is not None:
                parts.append(line(bar.figure.low, bar.figure.high, middle, middle, "interval"))
        if bar.before is not None:
            parts.append(line(bar.before, bar.before, middle - 9, middle + 9, "before"))
    return _drawn(look, len(bars) * _ROW, parts, shape="parts")


def _drawn(look: Look, height: float, parts: Sequence[Markup], *, shape: Literal["line", "parts"]) -> Markup:
    size = 'viewBox="0 0 {} {:g}"' if shape == "line" else 'width="{}" height="{:g}"'
    return Markup(
        '<svg class="chart {shape} {tone}" {size} role="img" '
        'aria-labelledby="{id}-title {id}-about"><title id="{id}-title">{title}</title>'
        '<desc id="{id}-about">{about}</desc>{drawing}</svg>'
    ).format(
        shape=shape,
        tone=look.tone,
        size=Markup(size).format(WIDTH, height),  # noqa: S704 - one of the two above
        id=look.id,
        title=look.title,
        about=look.description,
        drawing=Markup("").join(parts),
    )


def _grid(top: float, unit: Unit, y: _Scale) -> Markup:
    parts = []
    for number in range(_TICKS + 1):
        value = top * number / _TICKS
        parts.append(_line(_LEFT, y(value), WIDTH - _RIGHT, y(value), "zero" if number == 0 else "grid"))
        parts.append(_text(_LEFT - 8, y(value) + 4, value_text(unit, value), "axis", "end"))
    return Markup("").join(parts)


def _whisker(x: float, figure: Figure, y: _Scale) -> Markup:
    if figure.low is None or figure.high is None:
        return Markup("")
    return _line(x, y(figure.low), x, y(figure.high), "interval")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(kind, x1, y1, x2, y2)


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, text)


def _most(figures: Sequence[Figure], others: Sequence[float | None] = ()) -> float:
    """The greatest value, or end of an interval; an interval that reaches far beyond all values is cut."""
    values = [value for value in (*(figure.value for figure in figures), *others) if value is not None]
    most = max(values, default=0.0)
    ends = [figure.high for figure in figures if figure.high is not None]
    return max(most, min(max(ends, default=0.0), 2 * most) if most else max(ends, default=0.0))


def _nice(most: float, unit: Unit) -> float:
    """A round upper end of the axis."""
    if unit == "share":
        return 1.0 if most > 0.5 else 0.5 if most > 0.2 else 0.2  # noqa: PLR2004 - ends of an axis
    if most <= 0:
        return 1.0
    if unit == "seconds":
        return next((end for end in _LENGTHS if most <= end), math.ceil(most / 86400 / 4) * 4 * 86400.0)
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * step for step in (1, 2, 4, 8, 10) if most <= power * step)


_LENGTHS = tuple(
    float(length)
    for length in (
        2,
        4,
        8,
        20,
        40,
        60,
        120,
        240,
        480,
        1200,
        2400,
        3600,
        7200,
        14400,
        28800,
        57600,
        86400,
        172800,
        345600,
    )
)
"""Ends of an axis of time that fall into four round pieces. Seconds."""
