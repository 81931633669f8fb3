from __future__ import annotations

from io import StringIO
from uuid import uuid4

import pytest
from rich.console import Console

from api.commands.printing import duration, line
from api.commands.trace import print_answer, print_step
from skills.turn import (
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
    Reason,
    Reply,
    Retrieval,
    Sentiment,
    Severity,
    Trend,
)


def shown(finding: object, *, colours: bool = False) -> str:
    console = Console(file=StringIO(), width=80, force_terminal=colours, color_system="standard" if colours else None)
    print_step(console, "skill", 1.25, finding)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_what_went_wrong_in_a_turn_is_said() -> None:
    customer = CustomerId(uuid4())
    claimed = Identification(customer, True, (Claim("email", "ada@shop.example"),), (CustomerId(uuid4()),))
    assert "1 other customer(s) may be the same person" in shown(claimed)
    assert "no passages" in shown(Retrieval("parcel", (), 0.0))
    english = Language("en")
    assert "no draft by the model: timeout" in shown(Draft("", False, (), 0.0, english, "gpt", failure="timeout"))
    assert "polarity -0.50" in shown(Sentiment(-0.5, 0.1, 0.2, 0.3, Trend.WORSENING, english, ("late",)))


def test_only_a_turn_that_waits_for_a_person_says_so() -> None:
    assert "waits for a person" in shown({"proposal": "Hello", "severity": "P2"})
    assert "topic  refund, confidence 0.90" in shown(Intent("refund", "refund", 0.9, "in"))
    assert "nothing concluded" in shown(Conclusion(None))
    assert "no objection" in shown(Guarding(()))
    objected = Guarding((Finding("secret", "it asks for a password", "Your password?"),))
    assert "secret  it asks for a password: “Your password?”" in shown(objected)


def test_good_and_bad_news_are_coloured_and_what_a_line_is_stands_back() -> None:
    assert "\x1b[32mno objection" in shown(Guarding(()), colours=True)
    reason = Reason("threat", "it threatens", Severity.P1)
    assert "\x1b[2mP1  \x1b[0m\x1b[31mthreat: it threatens" in shown(Escalation((reason,)), colours=True)


def test_what_somebody_else_wrote_can_not_steer_the_terminal() -> None:
    assert "\x1b" not in shown(Retrieval("\x1b[2Jparcel", (), 0.0))


def test_an_agent_with_nothing_to_propose_says_so() -> None:
    console = Console(file=StringIO(), width=80)
    print_answer(console, Reply("", None), {"severity": "P1", "proposal": "", "actions": ["answer"]})
    assert isinstance(console.file, StringIO)
    assert "the agent has nothing to propose" in console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"), [(40, "40 s"), (720, "12 min"), (3 * 3600, "3 h"), (47 * 3600, "47 h"), (3 * 86400, "3 d")]
)
def test_times_are_said_as_one_says_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_long_line_is_cut() -> None:
    assert line("one  two\nthree", 9) == "one two …"
