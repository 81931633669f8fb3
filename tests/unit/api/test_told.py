"""Every finding of the graph has its words, and none has another's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_type_hints
from uuid import UUID

import pytest

from api.told import Told, told
from graph.state import TurnState
from skills.turn import (
    ArticleId,
    Citation,
    Claim,
    Conclusion,
    CustomerId,
    Draft,
    Escalation,
    Finding,
    Guarding,
    Identification,
    Intent,
    Language,
    Passage,
    PassageId,
    Reason,
    Reply,
    Retrieval,
    Sentiment,
    Severity,
    Trend,
)

EN = Language("en")
NOBODY = CustomerId(UUID(int=0))
PASSAGE = Passage(
    PassageId(UUID(int=1)), ArticleId(UUID(int=2)), "Delivery", "How long", "Three days.", None, EN, 0.831, 0.03
)
STRANGER = Identification(NOBODY, False, (), ())
SENTIMENT = Sentiment(-0.5, 0.1, 0.2, 0.3, Trend.WORSENING, EN, (), "negative")
MOOD = Told("negative, polarity -0.50, anger 0.20, urgency 0.30, worsening, en")
DRAFT = Draft("Three days.", True, (), 0.9, EN, "extractive")
OBJECTION = Finding("secret", "it asks for a password", "Tell us\nyour password.")
OBJECTED = Told("it asks for a password: “Tell us your password.”", "secret", "warn")

SAID: list[tuple[object, list[Told]]] = [
    (STRANGER, [Told("not verified")]),
    (
        replace(STRANGER, verified=True, claims=(Claim("email", "ada@shop.example"),), possible_matches=(NOBODY,)),
        [
            Told("verified"),
            Told("email ada@shop.example", "claims"),
            Told("1 other customer(s) may be the same person", tone="warn"),
        ],
    ),
    (SENTIMENT, [MOOD]),
    (replace(SENTIMENT, evidence=("late", "again")), [MOOD, Told("late, again", "words")]),
    (
        Retrieval("how long\ndelivery", (PASSAGE,), 0.75),
        [
            Told("confidence 0.75"),
            Told("how long", "query"),
            Told("delivery", "query"),
            Told("Delivery > How long", "0.83"),
        ],
    ),
    (
        Retrieval("", (), 0.0),
        [
            Told("confidence 0.00"),
            Told("no passages fit, or there are no articles yet", tone="warn"),
        ],
    ),
    (
        Retrieval("", (replace(PASSAGE, heading="Delivery"),) * 10, 0.5),
        [Told("confidence 0.50"), *[Told("Delivery", "0.83")] * 8, Told("and 2 more")],
    ),
    (
        Intent("refund", "refund", 0.9, "in"),
        [Told("refund, confidence 0.90", "topic"), Told("in, it is ours", "scope")],
    ),
    (
        Intent(None, None, 0.1, "near"),
        [Told("none, confidence 0.10", "topic"), Told("near, it may be ours", "scope")],
    ),
    (
        Intent(None, None, 0.1, "far"),
        [Told("none, confidence 0.10", "topic"), Told("far, it has nothing to do with us", "scope", "warn")],
    ),
    (Conclusion(None), [Told("nothing concluded")]),
    (Conclusion("solved"), [Told("the customer says that it is solved", tone="good")]),
    (Conclusion("not_solved"), [Told("the customer says that it is not solved", tone="warn")]),
    (
        replace(DRAFT, citations=(Citation(PASSAGE.id, "Delivery", "Three days."),)),
        [Told("answered, confidence 0.90, by extractive", tone="good"), Told("“Three days.”  Delivery")],
    ),
    (
        replace(DRAFT, answered=False, failure="timeout"),
        [
            Told("does not know, confidence 0.90, by extractive", tone="warn"),
            Told("no draft by the model: timeout", tone="bad"),
        ],
    ),
    (Guarding(()), [Told("no objection", tone="good")]),
    (Guarding((), None, (OBJECTION,)), [Told("no objection", tone="good")]),
    (Guarding((OBJECTION,)), [OBJECTED]),
    (Guarding((replace(OBJECTION, sentence=""),)), [Told("it asks for a password", "secret", "warn")]),
    (Guarding((OBJECTION,), "rewrite"), [OBJECTED, Told("the draft is written again")]),
    (
        Guarding((OBJECTION,), "withdraw"),
        [OBJECTED, Told("what is objected to is taken out, and a person decides")],
    ),
    (Escalation(()), [Told("nobody needs to be asked", tone="good")]),
    (
        Escalation(tuple(Reason("rule", f"since {severity}", severity) for severity in Severity)),
        [
            Told("rule: since P1", "P1", "bad"),
            Told("rule: since P2", "P2", "warn"),
            Told("rule: since P3", "P3"),
        ],
    ),
    (Reply("Three days.", None), [Told("11 characters")]),
    (Reply("Three days.", "Wait."), [Told("11 characters, and a note that a person will look at it")]),
    ({"proposal": "Three days."}, [Told("waits for a person", tone="warn")]),
]


@pytest.mark.parametrize(("finding", "lines"), SAID)
def test_a_finding_is_told_in_plain_lines(finding: object, lines: list[Told]) -> None:
    assert told(finding) == lines


def test_everything_that_a_skill_finds_out_has_words() -> None:
    """The rest of the state is where a turn starts from, and what a person decided."""
    found = {kind for key, kind in get_type_hints(TurnState).items() if key not in {"turn", "decision", "rejections"}}
    assert found == {type(finding) for finding, _ in SAID if not isinstance(finding, dict)}


def test_of_an_unknown_finding_nothing_false_is_said() -> None:
    @dataclass(frozen=True)
    class Weather:
        rain: bool

    with pytest.raises(TypeError, match="Weather"):
        told(Weather(rain=True))


def test_what_somebody_else_wrote_takes_one_line_and_no_more_than_its_share() -> None:
    (_, query) = told(Retrieval("w " * 300, (PASSAGE,), 0.0))[:2]
    assert (len(query.text), query.text[-1]) == (200, "…")
