"""Line charts as SVG text, to stand in a page that loads nothing. Colours come from the page's style sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 540, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 22, 12, 38
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name in the legend and its points. ``None`` as a height is a gap."""

    name: str
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its axes' names. ``ticks`` names the places on the horizontal axis; without it they are numbers."""

    title: str
    across: str
    up: str
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...] = ()


def draw(chart: Chart) -> str:
    """The chart as one ``<svg>`` element; empty where no line has a point."""
    points = [(x, y) for line in chart.lines for x, y in line.points if y is not None]
    if not points:
        return ""
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    steps = scale(max(y for _, y in points))
    highest = steps[-1]
    ticks = chart.ticks or tuple((x, _number(x)) for x in scale(last) if x >= first)

    def across(x: float) -> float:
        return _LEFT + (x - first) / ((last - first) or 1) * (_WIDTH - _LEFT - _RIGHT)

    def up(y: float) -> float:
        return _HEIGHT - _BOTTOM - y / highest * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}">']
    for y in steps:
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>')
        parts.append(f'<text class="y" x="{_LEFT - 8}" y="{up(y) + 4:.1f}">{_number(y)}</text>')
    for x, name in ticks:
        if first <= x <= last:
            parts.append(f'<text class="x" x="{across(x):.1f}" y="{_HEIGHT - _BOTTOM + 16}">{escape(name)}</text>')
    parts.append(f'<text class="x" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 3}">{escape(chart.across)}</text>')
    middle = -(_HEIGHT - _BOTTOM + _TOP) / 2
    parts.append(f'<text class="x" transform="rotate(-90)" x="{middle}" y="12">{escape(chart.up)}</text>')
    for number, line in enumerate(chart.lines):
        for piece in _pieces(line):
            places = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in piece)
            # A single point is a line of no length, which round caps make a dot of.
            shown = places if len(piece) > 1 else f"{places} {places}"
            parts.append(f'<polyline class="line c{number}" points="{shown}"/>')
    return "\n".join([*parts, "</svg>"])


def scale(highest: float) -> tuple[float, ...]:
    """Round numbers from 0 to at least ``highest``, about five of them."""
    if highest <= 0:
        return (0.0, 1.0)
    rough = highest / (_TICKS - 1)
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(nice * magnitude for nice in (1, 2, 2.5, 5, 10) if nice * magnitude >= rough * (1 - 1e-9))
    return tuple(step * n for n in range(math.ceil(highest / step * (1 - 1e-9)) + 1))


def _pieces(line: Line) -> list[list[tuple[float, float]]]:
    """The line, cut at its gaps."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in line.points:
        if y is not None:
            pieces[-1].append((x, y))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _number(value: float) -> str:
    return f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}"  # noqa: PLR2004 - five digits and more
