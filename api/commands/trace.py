"""What the skills found out in a turn, for a reader at a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.commands.printing import indented, title, visible
from api.told import Told, Tone, told
from skills.turn import Reply

_STYLES: Mapping[Tone | None, str] = {"good": "green", "warn": "yellow", "bad": "red", None: ""}


def print_step(console: Console, skill: str, milliseconds: float, finding: object) -> None:
    """A skill's name, its milliseconds and what it found, in three columns."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=9, style="bold")
    grid.add_column(width=9, justify="right", style="dim")
    grid.add_column(overflow="fold")
    first, *others = map(_styled, told(finding))
    grid.add_row(skill, f"{milliseconds:,.0f} ms", first)
    for other in others:
        grid.add_row("", "", other)
    console.print(grid)


def print_answer(console: Console, reply: Reply, request: Mapping[str, Any] | None) -> None:
    """What the customer gets now, and what a person would be asked."""
    if request is None:
        console.print(title("The customer gets"))
        console.print(indented(reply.text))
        return
    console.print(title("The customer gets now"))
    console.print(indented(reply.handoff or "nothing"))
    console.print(title(f"A person is asked ({request['severity']})"))
    if request["proposal"]:
        console.print(indented(Text("to send this, or something better:", style="dim")))
        console.print(indented(request["proposal"], 4))
    else:
        console.print(indented(Text("to answer: the agent has nothing to propose", style="dim")))
    console.print(indented(Text(f"they may {', '.join(request['actions'])}", style="dim")))


def _styled(said: Told) -> Text:
    text = Text(visible(said.text), style=_STYLES[said.tone])
    return text if said.label is None else Text.assemble((f"{visible(said.label)}  ", "dim"), text)
