"""What the skills found out in a turn, in plain lines. A terminal and a web page show the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Literal

from infra.lines import in_a_line
from skills.turn import (
    Conclusion,
    Draft,
    Escalation,
    Guarding,
    Identification,
    Intent,
    Reply,
    Retrieval,
    Scope,
    Sentiment,
    Severity,
)

Tone = Literal["good", "warn", "bad"]

_SHOWN = 8
"""Passages of a search; the others follow as a number."""
_SCOPES: Mapping[Scope, str] = {"in": "it is ours", "near": "it may be ours", "far": "it has nothing to do with us"}
_TONES: Mapping[Severity, Tone | None] = {Severity.P1: "bad", Severity.P2: "warn", Severity.P3: None}


@dataclass(frozen=True, slots=True)
class Told:
    """One line: what it says, what that is, and whether it is good news."""

    text: str
    label: str | None = None
    tone: Tone | None = None


def told(finding: object) -> list[Told]:
    """What a skill's finding says; at least one line.

    Args:
        finding: what a node of the graph found out, or what ``review`` would ask a person.

    Raises:
        TypeError: no words are known for such a finding.
    """
    return list(_lines(finding))


@singledispatch
def _lines(finding: object) -> Iterator[Told]:
    raise TypeError(f"there are no words for a finding of the type {type(finding).__name__}")


@_lines.register
def _identification(found: Identification) -> Iterator[Told]:
    yield Told("verified" if found.verified else "not verified")
    if found.claims:
        yield Told(_line(", ".join(f"{claim.kind} {claim.value}" for claim in found.claims)), "claims")
    if found.possible_matches:
        yield Told(f"{len(found.possible_matches)} other customer(s) may be the same person", tone="warn")


@_lines.register
def _sentiment(found: Sentiment) -> Iterator[Told]:
    yield Told(
        f"{found.label}, polarity {found.polarity:+.2f}, anger {found.anger:.2f}, urgency {found.urgency:.2f},"
        f" {found.trend.value}, {found.language}"
    )
    if found.evidence:
        yield Told(_line(", ".join(found.evidence)), "words")


@_lines.register
def _retrieval(found: Retrieval) -> Iterator[Told]:
    yield Told(f"confidence {found.confidence:.2f}")
    for query in found.query.splitlines():
        yield Told(_line(query), "query")
    if not found.passages:
        yield Told("no passages fit, or there are no articles yet", tone="warn")
    for passage in found.passages[:_SHOWN]:
        heading = "" if passage.heading == passage.title else f" > {passage.heading}"
        yield Told(_line(f"{passage.title}{heading}"), f"{passage.similarity:.2f}")
    if len(found.passages) > _SHOWN:
        yield Told(f"and {len(found.passages) - _SHOWN} more")


@_lines.register
def _intent(found: Intent) -> Iterator[Told]:
    yield Told(f"{_line(found.topic or 'none')}, confidence {found.confidence:.2f}", "topic")
    yield Told(f"{found.scope}, {_SCOPES[found.scope]}", "scope", "warn" if found.scope == "far" else None)


@_lines.register
def _conclusion(found: Conclusion) -> Iterator[Told]:
    match found.verdict:
        case "solved":
            yield Told("the customer says that it is solved", tone="good")
        case "not_solved":
            yield Told("the customer says that it is not solved", tone="warn")
        case None:
            yield Told("nothing concluded")


@_lines.register
def _draft(found: Draft) -> Iterator[Told]:
    known = "answered" if found.answered else "does not know"
    sure = f"confidence {found.confidence:.2f}, by {_line(found.model)}"
    yield Told(f"{known}, {sure}", tone="good" if found.answered else "warn")
    if found.failure:
        yield Told(f"no draft by the model: {_line(found.failure)}", tone="bad")
    for citation in found.citations:
        yield Told(f"“{_line(citation.sentence, 160)}”  {_line(citation.title)}")


@_lines.register
def _guarding(found: Guarding) -> Iterator[Told]:
    if not found.findings:
        yield Told("no objection", tone="good")
    for one in found.findings:
        sentence = f": “{_line(one.sentence, 160)}”" if one.sentence else ""
        yield Told(f"{_line(one.reason)}{sentence}", one.guard, "warn")
    match found.demand:
        case "rewrite":
            yield Told("the draft is written again")
        case "withdraw":
            yield Told("what is objected to is taken out, and a person decides")


@_lines.register
def _escalation(found: Escalation) -> Iterator[Told]:
    if not found.needed:
        yield Told("nobody needs to be asked", tone="good")
    for reason in found.reasons:
        text = f"{reason.rule}: {_line(reason.explanation, 300)}"
        yield Told(text, reason.severity.value, _TONES[reason.severity])


@_lines.register
def _reply(found: Reply) -> Iterator[Told]:
    size = f"{len(found.text):,} characters"
    yield Told(size if found.handoff is None else f"{size}, and a note that a person will look at it")


@_lines.register(Mapping)
def _request(_asked: Mapping[str, object]) -> Iterator[Told]:
    yield Told("waits for a person", tone="warn")


def _line(text: str, longest: int = 200) -> str:
    return in_a_line(text, longest)
