from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.answerability import ENOUGH, Evidence, asked_words, evidence_for
from skills.language import content_words
from tests.unit.skills.skill_examples import DELIVERY, PAYMENT, a_message, a_passage

TYPICAL = Evidence(0.5, 0.2, 0.5, 0.5, 0.3, 0.3, pointing=False)
ABOUT_LAMPS = [
    a_message("Which lamps do you sell, and how bright are they?", 1),
    a_message("We sell desk lamps and floor lamps of 800 lumen.", 2, "agent"),
]


@given(st.sampled_from(["similarity", "lead", "covered", "together", "customers_talk", "our_talk"]), st.floats(0, 1))
def test_every_sign_but_pointing_speaks_for_an_answer(sign: str, more: float) -> None:
    raised = replace(TYPICAL, **{sign: getattr(TYPICAL, sign) + more})
    assert 0 <= TYPICAL.answerable <= raised.answerable <= 1
    assert replace(TYPICAL, pointing=True).answerable < TYPICAL.answerable < replace(TYPICAL, first=True).answerable


def test_what_stands_in_one_passage_is_answerable_and_what_stands_nowhere_is_not() -> None:
    passages = [DELIVERY, replace(PAYMENT, similarity=0.2)]
    assert evidence_for("How long does standard delivery take?", passages).answerable > ENOUGH
    far = [replace(DELIVERY, similarity=0.25), replace(PAYMENT, similarity=0.24)]
    assert evidence_for("Do you repair bicycles on Sundays?", far).answerable < ENOUGH


def test_a_passage_that_the_talk_is_about_is_likelier_to_go_on() -> None:
    lamps = a_passage("Desk lamps and floor lamps last for years. They are bright.", title="Lamps", similarity=0.4)
    soap = a_passage("Soap lasts for years. It is mild.", title="Soap", similarity=0.4)
    asked = "How long do they last?"
    assert evidence_for(asked, [lamps], ABOUT_LAMPS).answerable > evidence_for(asked, [soap], ABOUT_LAMPS).answerable


def test_words_in_neighbouring_sentences_count_together() -> None:
    together = a_passage("Orders leave on Monday. Islands wait for a boat.", similarity=0.5)
    apart = a_passage("Orders leave on Monday. We like tea. Islands wait for a boat.", similarity=0.5)
    asked = "orders to islands"
    assert evidence_for(asked, [together]).together > evidence_for(asked, [apart]).together


def test_the_sentences_that_ask_are_the_question_and_a_ramble_is_not() -> None:
    text = "My aunt moved to Leeds last spring. How long does standard delivery take?"
    assert asked_words(text) == content_words("How long does standard delivery take?")
    assert asked_words("Delivery to Leeds. Really?") == content_words("Delivery to Leeds")


@pytest.mark.parametrize("question", ["", "?", "it?", "a " * 2_000])
def test_nothing_found_or_nothing_asked_is_not_answerable(question: str) -> None:
    assert evidence_for(question, []).answerable < ENOUGH
    assert 0 <= evidence_for(question, [DELIVERY]).answerable <= 1
