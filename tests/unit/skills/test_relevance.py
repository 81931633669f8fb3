from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.suites.retrieval import AsFound
from skills.ports import Judged, Reranker
from skills.relevance import FeatureReranker, Signs, judged, likeliest_first, weighed
from skills.synonyms import kinship, one_slip_apart
from skills.turn import Passage
from tests.unit.skills.skill_examples import DELIVERY, PAYMENT, a_passage

NOISE = [
    replace(PAYMENT, id=a_passage(f"{number}").id, similarity=similarity)
    for number, similarity in enumerate((0.25, 0.2, 0.15))
]
SIGNS = Signs(similarity=0.3, lead=0.1, words=1.0, heading_words=1.0, heading_asked=0.3, covered=0.3)


@given(st.sampled_from(["similarity", "lead", "words", "heading_words", "heading_asked", "covered"]), st.floats(0, 1))
def test_confidence_is_a_probability_that_rises_with_every_sign(sign: str, more: float) -> None:
    raised = replace(SIGNS, **{sign: getattr(SIGNS, sign) + more})
    assert 0 <= SIGNS.confidence <= raised.confidence <= 1


def test_related_passages_are_trusted_and_unrelated_ones_are_not() -> None:
    question = "How long does standard delivery take?"
    assert judged(question, [replace(DELIVERY, similarity=0.6), *NOISE])[0].confidence > 0.8
    assert judged("Do you sell gift cards?", [replace(DELIVERY, similarity=0.24), *NOISE])[0].confidence < 0.1
    assert judged(question, []) == []


def test_the_section_about_the_question_comes_before_the_one_that_mentions_it() -> None:
    mentions = a_passage("The tank is large. Repairs take ten days.", heading="The tank", title="Tank", similarity=0.5)
    about = a_passage("That takes ten days.", heading="How long repairs take", title="Mending", similarity=0.5)
    assert [found.passage for found in judged("how long do repairs take?", [mentions, about])] == [about, mentions]


def test_a_word_that_no_passage_has_speaks_against_all() -> None:
    passages = [a_passage(f"Orders of kind {number}.", similarity=0.5) for number in range(4)]
    unknown, known = judged("orders of bitcoin", passages), judged("kind of order", passages)
    assert unknown[0].confidence < known[0].confidence


@given(st.floats(0, 1), st.floats(-9, 9))
def test_evidence_moves_the_odds_and_nothing_changes_without_it(confidence: float, evidence: float) -> None:
    before = Judged(DELIVERY, confidence)
    assert weighed(before, 0).confidence == pytest.approx(confidence, abs=1e-6)
    after = weighed(before, evidence)
    assert after.passage is DELIVERY
    assert 0 <= after.confidence <= 1
    assert (after.confidence - confidence) * evidence >= -1e-6


class Coin:
    """A reranker that judges by the length of a text alone."""

    async def judge(self, question: str, passages: Sequence[Passage]) -> list[Judged]:
        found = [Judged(passage, 1 / (1 + abs(len(passage.text) - len(question)))) for passage in passages]
        return likeliest_first(found)


@pytest.mark.parametrize("reranker", [FeatureReranker(), Coin(), AsFound()])
async def test_a_reranker_judges_every_passage_once_likeliest_first(reranker: Reranker) -> None:
    passages = [DELIVERY, PAYMENT, *NOISE]
    judgements = await reranker.judge("How long does delivery take?", passages)
    assert {judgement.passage.id for judgement in judgements} == {passage.id for passage in passages}
    assert len(judgements) == len(passages)
    confidences = [judgement.confidence for judgement in judgements]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= confidence <= 1 for confidence in confidences)
    assert await reranker.judge("How long does delivery take?", []) == []


@pytest.mark.parametrize(
    ("asked", "said", "at_least"),
    [("deliv", {"deliv"}, 1.0), ("ship", {"deliv"}, 0.8), ("garant", {"gewahr"}, 0.0), ("thmble", {"thimble"}, 0.7)],
)
def test_synonyms_and_slips_count_a_little_less_than_the_word(asked: str, said: set[str], at_least: float) -> None:
    assert kinship(asked, said) >= at_least
    assert kinship("boat", said) == 0


@pytest.mark.parametrize(
    ("one", "other"), [("conect", "connect"), ("lamp", "lamb"), ("plnat", "plant"), ("same", "same")]
)
def test_one_slip_is_forgiven(one: str, other: str) -> None:
    assert one_slip_apart(one, other)
    assert one_slip_apart(other, one)


@pytest.mark.parametrize(("one", "other"), [("pod", "pot"), ("2024", "2025"), ("herbs", "verb"), ("plant", "planter")])
def test_short_words_numbers_and_two_slips_are_not(one: str, other: str) -> None:
    assert not one_slip_apart(one, other)


@given(st.text(max_size=12), st.text(max_size=12))
def test_being_a_slip_apart_is_mutual(one: str, other: str) -> None:
    assert one_slip_apart(one, other) == one_slip_apart(other, one)
