"""How the commands speak: text of customers made harmless, times that say what is left, JSON for scripts."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from infra.lines import in_a_line

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
SEVERITY_STYLES = {"P1": "bold red", "P2": "yellow", "P3": "cyan"}


def output() -> Console:
    """The console of results. Colours are off when it is piped."""
    return Console(highlight=False, emoji=False)


def notices() -> Console:
    """The console of everything that is not the result: progress, questions, what went wrong."""
    return Console(stderr=True, highlight=False, emoji=False)


def visible(text: str) -> str:
    """A text that somebody else wrote, unable to steer the terminal: control and direction characters become ``�``."""
    return "".join(
        character if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs"} else "�"
        for character in text.replace("\r\n", "\n").replace("\u200d", "").replace("\u200b", "")
    )


def line(text: str, longest: int = 200) -> str:
    """The same on one line, cut with ``…``."""
    return in_a_line(visible(text), longest)


def indented(content: RenderableType | str, by: int = 2) -> Padding:
    """Somebody else's text, or a table, set in from the margin."""
    return Padding(Text(visible(content)) if isinstance(content, str) else content, (0, 0, 0, by))


def title(text: str) -> Text:
    """The heading of a section, with a blank line above it."""
    return Text.assemble("\n", (text, "bold"))


def severity(name: str) -> Text:
    """P1, P2 or P3 in its colour."""
    return Text(name, style=SEVERITY_STYLES.get(name, ""))


def left(due: datetime, now: datetime) -> Text:
    """What is left until a deadline, or how late it is."""
    seconds = (due - now).total_seconds()
    if seconds < 0:
        return Text(f"{duration(-seconds)} late", style="bold red")
    return Text(f"{duration(seconds)} left", style="yellow" if seconds < _HOUR / 4 else "")


def window(closes: datetime, now: datetime) -> Text:
    """How long the channel still takes a free text."""
    seconds = (closes - now).total_seconds()
    if seconds < 0:
        return Text("the channel takes templates only until the customer writes again", style="bold red")
    return Text(
        f"the channel takes free text for {duration(seconds)}", style="yellow" if seconds < 4 * _HOUR else "dim"
    )


def duration(seconds: float) -> str:
    """A length of time as one would say it: ``40 s``, ``12 min``, ``3 h``, ``2 d``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h"
    return f"{seconds // _DAY:.0f} d"


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 article``, ``2 articles``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def jsonable(value: object) -> Any:
    """A dataclass, or what holds some, as JSON's own types; ids and times as text."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return json.loads(json.dumps(plain, default=_as_json))


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(jsonable(value), ensure_ascii=False, indent=2))


def _as_json(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
