"""What the skills found out in a turn, for a reader at a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.commands.printing import indented, line, severity, title
from skills.turn import Draft, Escalation, Identification, Reply, Retrieval, Sentiment

_SHOWN = 5
"""Passages of a search; the others follow as a number."""


def print_step(console: Console, skill: str, milliseconds: float, finding: object) -> None:
    """A skill's name, its milliseconds and what it found, in three columns."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=9, style="bold")
    grid.add_column(width=9, justify="right", style="dim")
    grid.add_column(overflow="fold")
    found = list(_lines(finding))
    grid.add_row(skill, f"{milliseconds:,.0f} ms", found[0])
    for more in found[1:]:
        grid.add_row("", "", more)
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


def _lines(finding: object) -> Iterator[Text]:
    match finding:
        case Identification():
            yield from _identification(finding)
        case Sentiment():
            yield Text(
                f"{finding.label}, polarity {finding.polarity:+.2f}, anger {finding.anger:.2f},"
                f" urgency {finding.urgency:.2f},"
                f" {finding.trend.value}, {finding.language}"
            )
            if finding.evidence:
                yield Text.assemble(("words  ", "dim"), line(", ".join(finding.evidence)))
        case Retrieval():
            yield from _retrieval(finding)
        case Draft():
            yield from _draft(finding)
        case Escalation():
            yield from _escalation(finding)
        case Reply():
            size = f"{len(finding.text):,} characters"
            yield Text(size if finding.handoff is None else f"{size}, and a note that a person will look at it")
        case _:
            yield Text("waits for a person", style="bold yellow")


def _identification(found: Identification) -> Iterator[Text]:
    yield Text("verified" if found.verified else "not verified")
    if found.claims:
        yield Text.assemble(("claims  ", "dim"), line(", ".join(f"{c.kind} {c.value}" for c in found.claims)))
    if found.possible_matches:
        yield Text(
            f"{len(found.possible_matches)} other customer(s) may be the same person",
            style="yellow",
        )


def _retrieval(found: Retrieval) -> Iterator[Text]:
    yield Text.assemble("confidence ", (f"{found.confidence:.2f}", "bold"))
    for query in found.query.splitlines():
        yield Text.assemble(("query  ", "dim"), line(query))
    if not found.passages:
        yield Text("no passages: `csagent knowledge list` says what there is", style="yellow")
    for passage in found.passages[:_SHOWN]:
        heading = "" if passage.heading == passage.title else f" > {passage.heading}"
        yield Text.assemble((f"{passage.similarity:.2f}  ", "cyan"), line(f"{passage.title}{heading}"))
    if len(found.passages) > _SHOWN:
        yield Text(f"and {len(found.passages) - _SHOWN} more", style="dim")


def _draft(found: Draft) -> Iterator[Text]:
    known = Text("answered", style="green") if found.answered else Text("does not know", style="yellow")
    yield Text.assemble(known, f", confidence {found.confidence:.2f}, by {line(found.model)}")
    if found.failure:
        yield Text(f"no draft by the model: {line(found.failure)}", style="red")
    yield from _citations(found.citations)


def _citations(citations: Sequence[Any]) -> Iterator[Text]:
    for citation in citations:
        yield Text.assemble("“", line(citation.sentence, 160), "”", (f"  {line(citation.title)}", "cyan"))


def _escalation(found: Escalation) -> Iterator[Text]:
    if not found.needed:
        yield Text("nobody needs to be asked", style="green")
    for reason in found.reasons:
        yield Text.assemble(severity(reason.severity.value), f" {reason.rule}: {line(reason.explanation, 300)}")
