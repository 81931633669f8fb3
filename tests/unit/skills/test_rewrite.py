"""What is left of a draft when what the guards objected to is taken out."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from skills.language import sentences
from skills.respond.rewrite import NOTHING_LEFT, advice_on, withdrawn
from skills.turn import Citation, Draft, Finding, GuardName, Language
from tests.unit.skills.skill_examples import DELIVERY

KEPT = "Delivery takes two days."


def a_draft(text: str, *cited: str) -> Draft:
    citations = tuple(Citation(DELIVERY.id, DELIVERY.title, sentence) for sentence in cited)
    return Draft(text, True, citations, 0.8, Language("en"), "extractive")


def objection(sentence: str) -> Finding:
    return Finding("link", "the link stands in no cited source", sentence)


def test_the_sentence_goes_and_the_rest_stays() -> None:
    draft = withdrawn(a_draft(f"{KEPT} See evil.example.", KEPT, "See evil.example."), [objection("See evil.example.")])
    assert (draft.text, [citation.sentence for citation in draft.citations]) == (KEPT, [KEPT])
    assert (draft.answered, draft.confidence) == (True, 0.8)


def test_an_item_of_a_list_goes_with_its_mark() -> None:
    text = f"{KEPT}\n\n- one\n- two: evil.example\n- three"
    assert withdrawn(a_draft(text, KEPT), [objection("- two: evil.example")]).text == f"{KEPT}\n\n- one\n\n- three"


def test_a_sentence_that_was_wrapped_is_found_all_the_same() -> None:
    long = "Please see the page of our partners which is to be found under the name of\nevil.example in any browser."
    draft = withdrawn(a_draft(f"{KEPT}\n\n{long}", KEPT), [objection(" ".join(long.split()))])
    assert draft.text == KEPT


def test_when_nothing_cited_is_left_the_answer_is_not_known() -> None:
    for draft in (a_draft(KEPT, KEPT), a_draft(f"{KEPT} Hello.", KEPT)):
        left = withdrawn(draft, [objection(KEPT)])
        assert (left.answered, left.citations, left.failure) == (False, (), NOTHING_LEFT)
        assert "don't know" in left.text


def test_an_objection_to_the_whole_leaves_the_text_to_the_reviewer() -> None:
    assert withdrawn(a_draft(KEPT, KEPT), [objection("")]).failure == NOTHING_LEFT


@given(st.lists(st.from_regex(r"[A-Z][a-z]{2,8} [a-z]{2,8}\.", fullmatch=True), min_size=1, max_size=6), st.data())
def test_nothing_that_was_objected_to_is_left(lines: list[str], data: st.DataObject) -> None:
    objected = data.draw(st.sampled_from(lines))
    left = withdrawn(a_draft(" ".join(lines), *lines), [objection(objected)])
    assert objected not in sentences(left.text)


def test_every_guard_has_its_advice() -> None:
    for guard in get_args(GuardName):
        (advice,) = advice_on([Finding(guard, "why", "what"), Finding(guard, "why", "what")])
        assert advice.count("\n- ") == 1
        assert "why" not in advice.split()
    assert advice_on([]) == []
