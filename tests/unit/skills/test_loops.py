"""Signs that a machine answers the agent: too many answers within an hour, and the very same text again and again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.errors import PolicyError
from skills.escalate import Escalate, Policy
from skills.turn import Author, Severity, Turn
from tests.unit.skills.skill_examples import a_sentiment, a_turn, an_answer

AWAY = "I am out of the office until Monday."
ANSWERED: tuple[Author, str] = ("agent", "Delivery takes two days.")


async def rules(turn: Turn) -> list[str]:
    found = await Escalate()({"turn": turn, "sentiment": a_sentiment(), "draft": an_answer()})
    assert all(reason.severity is Severity.P3 for reason in found["escalation"].reasons)
    return [reason.rule for reason in found["escalation"].reasons]


@pytest.mark.parametrize(("answers", "asked"), [(0, []), (19, []), (20, ["loop"]), (50, ["loop"])])
async def test_twenty_answers_within_an_hour_ask_for_a_person(answers: int, asked: list[str]) -> None:
    assert await rules(replace(a_turn("How long?"), answered_within_hour=answers)) == asked


@pytest.mark.parametrize(
    "history",
    [
        [("customer", AWAY), ANSWERED, ("customer", AWAY), ANSWERED],
        [("customer", "Hello"), ANSWERED, ("customer", AWAY), ANSWERED, ("customer", AWAY), ANSWERED],
        [("customer", f" {AWAY.upper()}\n"), ANSWERED, ("customer", AWAY), ("customer", AWAY), ("system", "A note")],
        [("customer", AWAY), ANSWERED, ("human", "Hello?"), ("customer", AWAY), ANSWERED],
    ],
)
async def test_the_same_text_after_each_of_two_answers_asks_for_a_person(history: list[tuple[Author, str]]) -> None:
    assert await rules(a_turn(AWAY, history=history)) == ["same_text"]


@pytest.mark.parametrize(
    ("texts", "history"),
    [
        ([AWAY], []),
        ([AWAY], [("customer", AWAY), ANSWERED]),
        ([AWAY, AWAY, AWAY], []),
        ([AWAY, AWAY], [("customer", AWAY), ("customer", AWAY), ANSWERED]),
        ([AWAY], [("customer", AWAY), ANSWERED, ("customer", "Where is it?"), ANSWERED, ("customer", AWAY), ANSWERED]),
        ([AWAY, "And how long?"], [("customer", AWAY), ANSWERED, ("customer", AWAY), ANSWERED]),
        (["Where is it?"], [("customer", AWAY), ANSWERED, ("customer", AWAY), ANSWERED, ("customer", AWAY), ANSWERED]),
    ],
)
async def test_a_burst_a_second_attempt_and_another_text_ask_for_nobody(
    texts: list[str], history: list[tuple[Author, str]]
) -> None:
    assert await rules(a_turn(*texts, history=history)) == []


@given(st.lists(st.tuples(st.sampled_from(["customer", "agent", "system", "human"]), st.sampled_from("ab"))))
async def test_any_history_is_counted(history: list[tuple[Author, str]]) -> None:
    sayings: list[list[str]] = []
    before = ""
    for author, text in [*history, ("customer", "a")]:
        if author == "customer":
            if before != "customer":
                sayings.append([])
            if text not in sayings[-1]:
                sayings[-1].append(text)
        before = author
    alike = sayings[-3:] == [sayings[-1]] * 3
    assert await rules(a_turn("a", history=history)) == (["same_text"] if alike else [])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("answers_within_hour_at_least = 0", "`when.answers_within_hour_at_least` is 0"),
        ("answers_within_hour_at_least = 51", "`when.answers_within_hour_at_least` is 51"),
        ("answers_within_hour_at_least = 2.5", "`when.answers_within_hour_at_least` is 2.5"),
        ("same_text_at_least = 1", "`when.same_text_at_least` is 1"),
        ("same_text_at_least = 11", "`when.same_text_at_least` is 11"),
    ],
)
def test_a_limit_that_could_never_or_would_always_hold_is_refused(condition: str, message: str) -> None:
    rule = '[[rule]]\nname = "a"\nseverity = "P3"\nexplanation = "x"\n'
    with pytest.raises(PolicyError) as refused:
        Policy.parse(f"{rule}when = {{ {condition} }}")
    assert message in str(refused.value)
    assert refused.value.hint
