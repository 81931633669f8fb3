from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.respond import ExtractiveResponder, SmallTalk, small_talk_in
from skills.respond.pieces import pieces_of
from skills.turn import Draft, Passage, Rejection, Retrieval
from tests.unit.skills.skill_examples import DELIVERY, PAYMENT, a_passage, a_retrieval, a_sentiment, a_turn

RETURN = a_passage(
    "## How to return\n\nYou can return any item within **30 days**.\n\nTo start a return:\n\n"
    "1. Open [your orders](https://shop.example/orders).\n2. Print the label\n   that we send you.\n\n"
    "---\nReturns are free.",
    heading="How to return",
    title="Returns",
)
LONG = a_passage(
    " ".join(
        f"Sentence number {number} speaks about matters of general interest to all readers." for number in range(9)
    )
    + " Batteries are excluded from the warranty. They wear out. Lamps are covered for three years in every country.",
    heading="Warranty",
    title="Warranty",
)


async def drafted(
    retrieval: Retrieval, *texts: str, language: str = "en", rejections: tuple[Rejection, ...] = (), history: str = ""
) -> Draft:
    turn = a_turn(*(texts or tuple(retrieval.query.splitlines())), history=[("agent", history)] if history else [])
    return (
        await ExtractiveResponder()(
            {
                "turn": turn,
                "sentiment": a_sentiment(language=language),
                "retrieval": retrieval,
                "rejections": rejections,
            }
        )
    )["draft"]


async def test_a_short_section_is_quoted_whole_and_every_sentence_is_cited() -> None:
    draft = await drafted(a_retrieval("How long does delivery take?", DELIVERY, PAYMENT))
    assert draft.text == DELIVERY.text
    assert [citation.sentence for citation in draft.citations] == [
        "Standard delivery takes two to four working days.",
        "Express orders arrive the next working day.",
    ]
    assert {citation.passage_id for citation in draft.citations} == {DELIVERY.id}
    assert draft.answered
    assert draft.model == "extractive"


async def test_headings_and_rules_are_left_out_and_steps_keep_their_lines() -> None:
    draft = await drafted(a_retrieval("How do I return an item?", RETURN))
    assert draft.text == (
        "You can return any item within 30 days.\n\nTo start a return:\n1. Open your orders (https://shop.example/orders).\n"
        "2. Print the label that we send you.\n\nReturns are free."
    )
    assert all(citation.sentence in draft.text for citation in draft.citations)


async def test_from_a_long_section_only_what_belongs_to_the_question_is_quoted() -> None:
    draft = await drafted(a_retrieval("Are batteries excluded?", LONG))
    assert draft.text.startswith("Batteries are excluded from the warranty. They wear out.")
    assert "number 3" not in draft.text
    leaning = await drafted(a_retrieval("Do they wear out?", LONG))
    assert leaning.text.startswith("Batteries are excluded")


async def test_a_second_passage_adds_what_the_first_one_lacks() -> None:
    express = a_passage("Express delivery to islands costs 20 €.", heading="Islands", title="Costs", similarity=0.66)
    draft = await drafted(a_retrieval("Delivery takes how long to islands, and express?", DELIVERY, express))
    assert {citation.title for citation in draft.citations} <= {"Delivery", "Costs"}
    assert "islands" in draft.text


async def test_below_the_threshold_it_says_that_it_does_not_know_in_the_customers_language() -> None:
    for language, words in {
        "en": "I don't know",
        "de": "weiß ich",
        "es": "no sé",
        "fr": "je ne connais pas",
        "it": "I don't",
    }.items():
        draft = await drafted(a_retrieval("x y z", DELIVERY, confidence=0.2), language=language)
        assert words in draft.text
        assert not draft.answered
        assert draft.citations == ()
        assert draft.confidence == 0.2
        assert draft.failure is None


async def test_without_any_passage_the_failure_says_so() -> None:
    draft = await drafted(a_retrieval("How long?", confidence=0.0), "How long does delivery take?")
    assert not draft.answered
    assert draft.failure is not None
    assert "no passages" in draft.failure


async def test_what_a_search_by_words_alone_does_not_answer_is_laid_to_the_search() -> None:
    found = replace(a_retrieval("How long?", DELIVERY, confidence=0.2), failure="searched by words only")
    draft = await drafted(found)
    assert (draft.answered, draft.failure) == (False, "searched by words only")


async def test_passages_in_another_language_are_not_quoted() -> None:
    assert not (await drafted(a_retrieval("Lieferung?", DELIVERY), language="de")).answered
    german = a_passage("Die Lieferung dauert drei Tage.", language="de")
    assert (await drafted(a_retrieval("Lieferung?", DELIVERY, german), language="de")).text == german.text


async def test_every_question_is_answered_and_what_stays_open_is_said() -> None:
    query = "How long does delivery take?\nHow can I pay?\nDo you sell gift cards?"
    draft = await drafted(a_retrieval(query, DELIVERY, PAYMENT))
    assert DELIVERY.text in draft.text
    assert PAYMENT.text in draft.text
    assert draft.text.endswith("I don't know the answer to “Do you sell gift cards?”.")
    assert draft.answered
    assert draft.confidence <= 0.3


async def test_a_follow_up_is_answered_by_its_own_words() -> None:
    query = "How can I pay?\nHow can I pay? And how long is delivery?"
    assert DELIVERY.text in (await drafted(a_retrieval(query, PAYMENT, DELIVERY))).text


async def test_nothing_is_said_twice() -> None:
    draft = await drafted(a_retrieval("How long does delivery take?\nIs delivery quick?", DELIVERY))
    assert draft.text.count("Standard delivery") == 1


async def test_passages_of_rejected_drafts_are_not_cited_again() -> None:
    rejection = Rejection("old", "wrong", (DELIVERY.id,))
    retrieval = a_retrieval("How long does delivery take?", DELIVERY, PAYMENT)
    assert not (await drafted(retrieval, rejections=(rejection,))).answered
    other = replace(RETURN, text="Delivery of a return takes long.")
    second = await drafted(a_retrieval("How long does delivery take?", DELIVERY, other), rejections=(rejection,))
    assert [citation.passage_id for citation in second.citations] == [other.id]


async def test_a_passage_of_layout_alone_answers_nothing() -> None:
    assert not (await drafted(a_retrieval("delivery", a_passage("# Delivery\n\n---\n")))).answered


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hi", SmallTalk.GREETING),
        ("Hello Anna Meyer!", SmallTalk.GREETING),
        ("Guten Tag zusammen", SmallTalk.GREETING),
        ("Hi, my name is Anna.", SmallTalk.GREETING),
        ("thank you so much for your help!!", SmallTalk.THANKS),
        ("¡Muchas gracias!", SmallTalk.THANKS),
        ("👍", SmallTalk.THANKS),
        ("Merci, au revoir", SmallTalk.THANKS),
        ("bye", SmallTalk.GOODBYE),
        ("Hey, how are you?", SmallTalk.WELL_BEING),
        ("Are you a human?", SmallTalk.IDENTITY),
        ("Hi, can you help me please?", SmallTalk.SAY_MORE),
        ("it doesn't work", SmallTalk.SAY_MORE),
        ("...", SmallTalk.SAY_MORE),
    ],
)
def test_small_talk_is_known(text: str, kind: SmallTalk) -> None:
    assert small_talk_in(text) is kind


@pytest.mark.parametrize(
    "text",
    [
        "thanks, but where is my parcel?",
        "hi refund",
        "Help, my lamp is on fire",
        "yes",
        "Where is Anna?",
        "Hi Anna Maria Meyer Schmidt",
        "hello " * 40,
    ],
)
def test_a_message_that_says_more_is_not_small_talk(text: str) -> None:
    assert small_talk_in(text) is None


@given(st.text())
def test_every_text_is_small_talk_or_not(text: str) -> None:
    assert small_talk_in(text) in {None, *SmallTalk}


async def test_small_talk_gets_a_friendly_line_without_a_source() -> None:
    draft = await drafted(a_retrieval("Danke!", DELIVERY, confidence=0.0), language="de")
    assert draft.text.startswith("Gern geschehen")
    assert (draft.answered, draft.citations, draft.confidence) == (True, (), 1.0)


async def test_nobody_is_asked_to_say_more_twice() -> None:
    first = await drafted(a_retrieval("help", DELIVERY, confidence=0.0))
    assert first.answered
    second = await drafted(a_retrieval("help", DELIVERY, confidence=0.0), history=f"Hello\n\n{first.text}")
    assert not second.answered


def test_tables_quotes_and_tags_become_readable_lines() -> None:
    text = (
        "Delivery times\n> Costs are <b>these</b>:\n\n| Kind | Price |\n|---|---|\n| Express | 9.90 € |\n"
        "```\nOK\n```\n* one\n+ two"
    )
    assert [piece.lines for piece in pieces_of(a_passage(text))] == [
        ("Costs are these:", "- Kind: Price", "- Express: 9.90 €"),
        ("- one", "- two"),
    ]


@given(st.text(alphabet="ab .:!?|-*#>1)\n`_[]()<", max_size=200))
def test_whatever_an_article_looks_like_it_comes_apart_into_lines(text: str) -> None:
    for piece in pieces_of(a_passage(text)):
        assert piece.lines
        assert all(line.strip() and "\n" not in line for line in piece.lines)


LAMP_WARRANTY = a_passage("Lamps: three years.", heading="Warranty", title="Lamps", similarity=0.6)
BED_WARRANTY = a_passage("Beds: ten years.", heading="Warranty", title="Beds", similarity=0.58)


async def test_a_question_that_several_articles_fit_is_answered_with_the_choices() -> None:
    draft = await drafted(a_retrieval("Warranty?", LAMP_WARRANTY, BED_WARRANTY))
    assert draft.text == "Several of our articles speak of that. Which do you mean: “Lamps” or “Beds”?"
    assert (draft.answered, draft.citations) == (True, ())


async def test_nobody_is_asked_which_they_mean_in_the_middle_of_a_talk() -> None:
    draft = await drafted(a_retrieval("Warranty?", LAMP_WARRANTY, BED_WARRANTY), history="Which do you mean?")
    assert "Which do you mean" not in draft.text


@pytest.mark.parametrize(
    ("question", "passages"),
    [
        ("Warranty of lamps?", (LAMP_WARRANTY, BED_WARRANTY)),
        ("Warranty?", (LAMP_WARRANTY, replace(BED_WARRANTY, similarity=0.5))),
        ("Warranty?", (LAMP_WARRANTY, replace(LAMP_WARRANTY, id=PAYMENT.id))),
        ("?", (LAMP_WARRANTY, BED_WARRANTY)),
    ],
)
async def test_nobody_is_asked_where_one_article_fits_best(question: str, passages: tuple[Passage, ...]) -> None:
    assert "Which do you mean" not in (await drafted(a_retrieval(question, *passages))).text


async def test_a_follow_up_that_the_talk_leads_away_from_what_was_found_stays_open() -> None:
    found = replace(DELIVERY, similarity=0.35)
    near = [replace(PAYMENT, id=a_passage(f"{n}").id, similarity=0.33) for n in range(7)]
    draft = await drafted(
        a_retrieval("What did it cost the museum?", found, *near, confidence=0.6), history="The museum opened in 1921."
    )
    assert (draft.answered, draft.failure) == (False, None)
    assert draft.confidence <= 0.3
