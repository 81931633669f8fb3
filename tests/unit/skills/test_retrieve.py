from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.errors import KnowledgeUnavailableError, ModelUnavailableError, SupportError
from skills.ports import KnowledgeQuery, Mention
from skills.retrieve import Retrieve, questions_of
from skills.retrieve.talk import LOOKED_AT
from skills.turn import ArticleId, Audience, Author, Passage, Retrieval
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
    assert [question.text for question in questions_of(a_turn(*messages))] == searches


def test_a_lone_question_is_read_with_its_story_too() -> None:
    (question,) = questions_of(a_turn("The lamp in our bedroom is bright. How do I dim the lamp at night?"))
    assert question.readings == (
        "How do I dim the lamp at night?",
        "The lamp in our bedroom is bright. How do I dim the lamp at night?",
    )


def test_a_question_needs_no_question_mark() -> None:
    (question,) = questions_of(a_turn("SORRY, CAPS LOCK IS STUCK. HOW MUCH IS DELIVERY ON A SATURDAY"))
    assert question.text == "HOW MUCH IS DELIVERY ON A SATURDAY"


@pytest.mark.parametrize(
    "text", ["and on weekends?", "On weekends?", "What about Saturdays?", "Is it open then?", "why"]
)
def test_a_question_that_leans_on_the_talk_takes_the_talk_along(text: str) -> None:
    turn = a_turn(text, history=[("customer", "What are your opening hours?"), ("agent", "9 to 6")])
    (question,) = questions_of(turn)
    assert question.text == f"What are your opening hours? {text}"
    assert question.talk == "9 to 6"


@pytest.mark.parametrize("text", ["That's not what I meant.", "ok this is no use"])
def test_a_remark_about_an_answer_does_not_ask_for_it_again(text: str) -> None:
    turn = a_turn(text, history=[("customer", "What are your opening hours?"), ("agent", "9 to 6")])
    assert questions_of(turn)[0].readings == (text,)


def test_a_follow_up_is_read_with_one_and_with_two_messages_before_it() -> None:
    turn = a_turn("and there?", history=[("customer", "Do you ship to France?"), ("customer", "Or to Spain?")])
    assert questions_of(turn)[0].readings[:2] == (
        "Or to Spain? and there?",
        "Do you ship to France? Or to Spain? and there?",
    )


def test_a_follow_up_that_opens_a_case_leans_on_the_talk_elsewhere() -> None:
    elsewhere: list[tuple[Author, str]] = [("customer", "Do you ship lamps to Austria?"), ("agent", "Yes, in red.")]
    (question,) = questions_of(a_turn("and in blue?", elsewhere=elsewhere))
    assert (question.text, question.talk) == ("Do you ship lamps to Austria? and in blue?", "Yes, in red.")
    (question,) = questions_of(a_turn("and in blue?", history=[("customer", "Is it new?")], elsewhere=elsewhere))
    assert question.text == "Is it new? and in blue?"
    (question,) = questions_of(a_turn("How do I reset my password?", elsewhere=elsewhere))
    assert question.readings == ("How do I reset my password?",)


@pytest.mark.parametrize(
    ("title", "named"),
    [
        ("Late opening", True),
        ("Is it open?", True),
        ("Late open", False),
        ("ate opening", False),
        (" ", False),
        ("?", False),
    ],
)
def test_a_title_is_in_play_when_our_reply_has_it_as_whole_words(title: str, *, named: bool) -> None:
    talk: list[tuple[Author, str]] = [("customer", "Is it open?"), ("agent", "See Late opening or Is it open?")]
    (leaning,) = questions_of(a_turn("and on Sundays?", history=talk))
    assert leaning.talks_of(title) == named
    (alone,) = questions_of(a_turn("How do I reset my password?", history=talk))
    assert not alone.talks_of(title)


def test_a_question_that_stands_alone_leaves_the_talk_aside() -> None:
    turn = a_turn("How do I reset my password?", history=[("customer", "What are your opening hours?")])
    assert [question.readings for question in questions_of(turn)] == [("How do I reset my password?",)]


def test_many_questions_are_searched_as_one_text() -> None:
    turn = a_turn(
        "What are your opening hours? How can I pay? Where is my parcel now? What does express delivery cost?"
    )
    assert [question.readings for question in questions_of(turn)] == [(turn.text,)]


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), max_size=2))
def test_there_is_always_something_to_search_for_on_one_line(texts: list[str], before: list[str]) -> None:
    questions = questions_of(a_turn(*texts, history=[("customer", text) for text in before]))
    assert 1 <= len(questions) <= 3
    readings = [reading for question in questions for reading in question.readings]
    assert all(len(reading) <= 600 and len(reading.splitlines()) <= 1 for reading in readings)


async def retrieved(articles: Articles, *texts: str, verified: bool = True) -> Retrieval:
    turn = a_turn(*texts, customer=a_customer(verified=verified))
    return (await Retrieve(articles, limit=3)({"turn": turn}))["retrieval"]


async def test_passages_of_several_questions_are_merged_once_each_within_the_limit() -> None:
    articles = Articles([a_passage(f"Text {number}.") for number in range(5)])
    found = await retrieved(articles, "What are your opening hours? How can I pay?")
    assert found.query == "What are your opening hours?\nHow can I pay?"
    assert [passage.text for passage in found.passages] == ["Text 0.", "Text 1.", "Text 2."]
    assert [query.text for query in articles.asked] == ["What are your opening hours?", "How can I pay?"]


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
async def test_a_search_that_is_down_says_so_and_stops_nothing(error: SupportError) -> None:
    found = await retrieved(Articles(down=error), "How long does delivery take?")
    assert (found.passages, found.confidence) == ((), 0.0)
    assert found.failure is not None
    assert found.failure.startswith("the search did not answer: The ")


@dataclass
class WordsOnly(Articles):
    """Has no vectors at the moment."""

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        found = await super().search(query)
        if not query.by_words:
            raise ModelUnavailableError("breaker open (timeout)")
        return [replace(passage, similarity=0.0) for passage in found]


async def test_without_vectors_a_person_gets_what_is_found_by_words() -> None:
    articles = WordsOnly()
    found = await retrieved(articles, "How long does standard delivery take?")
    assert [passage.title for passage in found.passages][:1] == ["Delivery"]
    assert found.failure == "searched by words only, the model for vectors did not answer: breaker open (timeout)"
    assert found.confidence <= 0.3
    assert {query.by_words for query in articles.asked} == {True, False}


async def test_words_that_find_nothing_either_leave_the_reason() -> None:
    found = await retrieved(WordsOnly([]), "How long does delivery take?")
    assert (found.passages, found.confidence) == ((), 0.0)
    assert str(found.failure).startswith("searched by words only")


async def test_nothing_found_is_no_failure() -> None:
    found = await retrieved(Articles([]), "How long does delivery take?")
    assert found == Retrieval(query="How long does delivery take?", passages=(), confidence=0.0)


async def test_the_likeliest_answer_comes_first_whatever_the_search_thought() -> None:
    found = await retrieved(Articles([PAYMENT, DELIVERY]), "How long does standard delivery take?")
    assert found.passages[0] is DELIVERY
    assert found.confidence > 0.5


async def test_of_several_readings_the_better_judgement_counts() -> None:
    articles = Articles([PAYMENT, DELIVERY])
    long = "My aunt and her three dogs moved to the seaside. How long does standard delivery take?"
    alone = await retrieved(articles, "How long does standard delivery take?")
    assert (await retrieved(articles, long)).confidence >= alone.confidence


@dataclass
class Town:
    """Two hotels with the same two facts; ``Subjects`` and ``Knowledge`` in one."""

    asked: list[KnowledgeQuery] = field(default_factory=list)
    facts: tuple[Passage, ...] = tuple(
        a_passage(f"{text} {hotel}", heading=hotel, title=f"{title} {hotel}", similarity=similarity)
        for hotel in ("Grant", "Laurel")
        for title, text, similarity in (("Parking", "Park at", 0.6), ("Breakfast", "Breakfast at", 0.3))
    )

    async def search(self, query: KnowledgeQuery) -> list[Passage]:
        self.asked.append(query)
        return [fact for fact in self.facts if query.articles is None or fact.article_id in query.articles]

    async def mentioned(self, texts: Sequence[str], audience: Audience) -> list[list[Mention]]:
        assert audience == "customers"
        return [
            [
                Mention(hotel, frozenset(fact.article_id for fact in self.facts if fact.heading == hotel), 1.0)
                for hotel in ("Grant", "Laurel")
                if hotel.lower() in text.lower()
            ]
            for text in texts
        ]


async def asked_in_town(town: Town, text: str, *before: tuple[Author, str]) -> Retrieval:
    return (await Retrieve(town, subjects=town)({"turn": a_turn(text, history=before)}))["retrieval"]


async def test_a_question_is_answered_for_the_thing_that_the_talk_is_about() -> None:
    for hotel in ("Grant", "Laurel"):
        found = await asked_in_town(Town(), "can I park my car", ("agent", f"I recommend the {hotel}."))
        assert (found.passages[0].heading, found.passages[0].title) == (hotel, f"Parking {hotel}")


async def test_the_thing_named_last_is_meant() -> None:
    before: list[tuple[Author, str]] = [("agent", "The Grant?"), ("customer", "no"), ("agent", "The Laurel?")]
    assert (await asked_in_town(Town(), "can I park my car", *before)).passages[0].heading == "Laurel"
    assert (await asked_in_town(Town(), "can I park at the Grant", *before)).passages[0].heading == "Grant"


async def test_what_no_name_was_said_of_is_searched_in_all_articles_alone() -> None:
    town = Town()
    await asked_in_town(town, "can I park my car", ("agent", "How can I help?"))
    assert {query.articles for query in town.asked} == {None}


async def test_a_thing_is_searched_with_the_question_alone() -> None:
    town = Town()
    await asked_in_town(town, "and breakfast?", ("customer", "Can I park at the Grant?"), ("agent", "Yes."))
    (query,) = (query for query in town.asked if query.articles is not None)
    assert query.text == "and breakfast?"


async def test_a_thing_of_which_nothing_is_found_says_nothing_against_the_others() -> None:
    gone = frozenset({ArticleId(uuid4()), ArticleId(uuid4())})
    town = Town()

    class Sale(Town):
        async def mentioned(self, texts: Sequence[str], audience: Audience) -> list[list[Mention]]:
            known = await super().mentioned(texts, audience)
            return [[*mentions, Mention("Winter sale", gone, 1.0)] for mentions in known]

    for text in ("can I park my car", "can I park at the Grant"):
        assert await asked_in_town(Sale(), text) == await asked_in_town(town, text)


async def test_of_a_very_long_message_both_ends_are_looked_at_for_names() -> None:
    seen: list[str] = []

    class Listening(Town):
        async def mentioned(self, texts: Sequence[str], audience: Audience) -> list[list[Mention]]:
            seen.extend(texts)
            return await super().mentioned(texts, audience)

    pasted = "x " * 5_000
    await asked_in_town(Listening(), f"At the Grant: {pasted} can I park?", ("customer", f"the Laurel {pasted}"))
    now, before = seen
    assert max(map(len, seen)) <= 2 * LOOKED_AT + 1
    assert now.startswith("At the Grant:")
    assert now.endswith("can I park?")
    assert before.startswith("the Laurel")
