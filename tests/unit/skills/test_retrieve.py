from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.errors import KnowledgeUnavailableError, ModelUnavailableError, SupportError
from skills.ports import KnowledgeQuery
from skills.retrieve import Retrieve, confidence_in, confidence_of, searches_for
from skills.turn import Passage, Retrieval
from tests.unit.skills.skill_examples import DELIVERY, PAYMENT, a_customer, a_passage, a_turn


@dataclass
class Articles:
    passages: Sequence[Passage] = (DELIVERY, PAYMENT)
    down: SupportError | None = None
    asked: list[KnowledgeQuery] = field(default_factory=list)

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        self.asked.append(query)
        if self.down:
            raise self.down
        return list(self.passages)[: query.limit]


@pytest.mark.parametrize(
    ("messages", "searches"),
    [
        (["Hi!", "My name is Anna.", "How long does delivery take?"], ["How long does delivery take?"]),
        (["I bought a lamp. What are your opening hours?"], ["What are your opening hours?"]),
        (["The lamp came broken. How do I return it?"], ["The lamp came broken. How do I return it?"]),
        (["What are your opening hours? How can I pay?"], ["What are your opening hours?", "How can I pay?"]),
        (
            ["Do you ship to Norway? And how long does it take?"],
            ["Do you ship to Norway?", "Do you ship to Norway? And how long does it take?"],
        ),
        (["hi"], ["hi"]),
        ([""], [""]),
    ],
)
def test_a_burst_becomes_one_search_a_question(messages: list[str], searches: list[str]) -> None:
    assert list(searches_for(a_turn(*messages))) == searches


@pytest.mark.parametrize(
    "text", ["and on weekends?", "On weekends?", "What about Saturdays?", "Is it open then?", "why"]
)
def test_a_question_that_leans_on_the_talk_takes_the_talk_along(text: str) -> None:
    turn = a_turn(text, history=[("customer", "What are your opening hours?"), ("agent", "9 to 6")])
    assert searches_for(turn) == (f"What are your opening hours? {text}",)


def test_a_question_that_stands_alone_leaves_the_talk_aside() -> None:
    turn = a_turn("How do I reset my password?", history=[("customer", "What are your opening hours?")])
    assert searches_for(turn) == ("How do I reset my password?",)


def test_many_questions_are_searched_as_one_text() -> None:
    turn = a_turn(
        "What are your opening hours? How can I pay? Where is my parcel now? What does express delivery cost?"
    )
    assert searches_for(turn) == (turn.text,)


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), max_size=2))
def test_there_is_always_something_to_search_for_on_one_line(texts: list[str], before: list[str]) -> None:
    searches = searches_for(a_turn(*texts, history=[("customer", text) for text in before]))
    assert 1 <= len(searches) <= 3
    assert all(len(search) <= 600 and len(search.splitlines()) <= 1 for search in searches)


shares = st.floats(0, 1)


@given(shares, shares, shares, shares)
def test_confidence_is_a_probability_that_rises_with_every_sign(a: float, b: float, c: float, more: float) -> None:
    level = confidence_of(similarity=a, overlap=b, margin=c)
    assert 0 <= level <= 1
    assert level <= confidence_of(similarity=a + more, overlap=b, margin=c)
    assert level <= confidence_of(similarity=a, overlap=b + more, margin=c)
    assert level <= confidence_of(similarity=a, overlap=b, margin=c + more)


def test_related_passages_are_trusted_and_unrelated_ones_are_not() -> None:
    question = "How long does delivery take?"
    noise = [replace(PAYMENT, similarity=similarity) for similarity in (0.25, 0.2, 0.15)]
    assert confidence_in(question, [replace(DELIVERY, similarity=0.6), *noise]) > 0.8
    assert confidence_in("Do you sell gift cards?", [replace(DELIVERY, similarity=0.24), *noise]) < 0.1
    assert confidence_in(question, []) == 0


def test_a_word_that_no_passage_has_weighs_most() -> None:
    passages = [a_passage(f"Orders of kind {number}.", similarity=0.5) for number in range(4)]
    assert confidence_in("cancel an order", passages) < confidence_in("kinds of order", passages)


def test_a_single_passage_without_words_in_common_is_judged_by_its_similarity() -> None:
    assert 0.2 < confidence_in("???", [replace(DELIVERY, similarity=0.6)]) < 0.6


async def retrieved(articles: Articles, *texts: str, verified: bool = True) -> Retrieval:
    turn = a_turn(*texts, customer=a_customer(verified=verified))
    return (await Retrieve(articles, limit=3)({"turn": turn}))["retrieval"]


async def test_passages_of_several_questions_are_merged_once_each_within_the_limit() -> None:
    articles = Articles([a_passage(f"Text {number}.") for number in range(5)])
    found = await retrieved(articles, "What are your opening hours? How can I pay?")
    assert found.query == "What are your opening hours?\nHow can I pay?"
    assert [passage.text for passage in found.passages] == ["Text 0.", "Text 1.", "Text 2."]
    assert len(articles.asked) == 2


async def test_a_passage_found_twice_keeps_its_higher_similarity() -> None:
    @dataclass
    class Rising(Articles):
        async def search(self, query: KnowledgeQuery) -> list[Passage]:
            await super().search(query)
            return [replace(DELIVERY, similarity=len(self.asked) / 10)]

    found = await retrieved(Rising(), "What are your opening hours? How can I pay?")
    assert [passage.similarity for passage in found.passages] == [0.2]


async def test_only_verified_customers_search_what_customers_may_read() -> None:
    articles = Articles()
    await retrieved(articles, "How long does delivery take?", verified=False)
    await retrieved(articles, "How long does delivery take?", verified=True)
    assert [query.audience for query in articles.asked] == ["public", "customers"]


@pytest.mark.parametrize("error", [KnowledgeUnavailableError(), ModelUnavailableError()])
async def test_a_search_that_is_down_finds_nothing_and_stops_nothing(error: SupportError) -> None:
    found = await retrieved(Articles(down=error), "How long does delivery take?")
    assert found == Retrieval(query="How long does delivery take?", passages=(), confidence=0.0)
