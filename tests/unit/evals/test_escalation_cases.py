"""The own escalation cases: enough of them, balanced, and refused when they make no sense."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evals.own.escalation.cases import load_cases
from evals.suites.escalation import Judged
from skills.errors import BadRequestError
from skills.turn import Escalation, Reason, Severity

CASE = 'category = "legal"\n[[case]]\nid = "a"\noutcome = "{}"\nchannel = "chat"\nsays = ["hi"]\n'


def test_there_are_two_hundred_cases_that_nobody_tunes_on_balanced_over_two_channels() -> None:
    untuned = [listed.case for listed in load_cases() if listed.part != "development"]
    assert len(untuned) >= 200
    outcomes = Counter((case.outcome, case.channel) for case in untuned)
    assert set(outcomes) == {(outcome, channel) for outcome in ("escalate", "answer") for channel in ("chat", "email")}
    assert min(outcomes.values()) >= 50
    wanted = Counter(case.outcome for case in untuned)
    assert abs(wanted["escalate"] - wanted["answer"]) <= len(untuned) * 0.05


def test_a_case_makes_the_same_turn_every_time() -> None:
    case = next(listed.case for listed in load_cases() if listed.case.before)
    turn = case.turn()
    assert turn == case.turn()
    assert [message.text for message in (*turn.history, *turn.messages)] == [
        *(text for _, text in case.before),
        *case.says,
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("category =", "is not TOML"),
        (CASE.format("maybe"), "case.0.outcome"),
        (CASE.format("answer") + 'severity = "P1"', "a severity and no escalation"),
        (CASE.format("answer") + 'colour = "red"', "colour"),
        (CASE.format("answer") + CASE.format("answer").partition("\n")[2], "stands twice"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "legal.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadRequestError, match=message):
        load_cases(tmp_path)


@pytest.mark.parametrize(("severity", "in_time"), [("P1", True), ("P2", True), ("P3", False)])
def test_an_escalation_has_to_be_as_urgent_as_its_case(severity: str, in_time: bool) -> None:
    listed = next(one for one in load_cases() if one.case.severity == "P2")
    judged = Judged(listed, Escalation((Reason("legal", "x", Severity(severity)),)))
    assert (judged.right, judged.in_time) == (True, in_time)
    assert not Judged(listed, Escalation(())).right
