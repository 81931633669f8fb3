from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.sentiment import LexiconSentiment, ModelSentiment, trend_of
from skills.turn import Sentiment, Trend
from tests.unit.skills.skill_examples import ScriptedModel, a_turn

LEXICON = LexiconSentiment()


def read(text: str) -> Sentiment:
    return LEXICON.read(a_turn(text))


@pytest.mark.parametrize(
    "text",
    [
        "This is unacceptable, I am furious",
        "Das ist eine Frechheit, ich bin wütend",
        "Es inaceptable, estoy muy enfadado",
        "C'est inacceptable, je suis furieux",
        "😡🤬",
    ],
)
def test_anger_is_heard_in_every_language_that_we_speak(text: str) -> None:
    assert read(text).anger >= 0.6
    assert read(text).polarity < -0.5


@pytest.mark.parametrize(
    "text", ["Thanks, that was great!", "Vielen Dank, super!", "Gracias, excelente", "Merci, parfait", "👍"]
)
def test_praise_is_heard_in_every_language_that_we_speak(text: str) -> None:
    assert read(text).polarity > 0.4
    assert read(text).anger == 0


@pytest.mark.parametrize("text", ["How long does delivery take?", "hi", "", "Wie lange dauert die Lieferung?"])
def test_a_plain_question_has_no_mood(text: str) -> None:
    found = read(text)
    assert (found.polarity, found.anger, found.urgency, found.evidence) == (0, 0, 0, ())


def test_a_negation_turns_a_word_round_and_weakens_it() -> None:
    assert read("bad").polarity < read("The lamp is not good").polarity < 0 < read("good").polarity


def test_intensifiers_dampeners_and_contrast_scale() -> None:
    assert read("I am very disappointed").polarity < read("I am disappointed").polarity
    assert read("I am a bit disappointed").polarity > read("I am disappointed").polarity
    assert read("It is slow but good").polarity > read("It is good but slow").polarity


def test_shouting_and_repeated_marks_strengthen_what_is_there_and_nothing_else() -> None:
    assert read("THIS LAMP IS BAD").anger > read("this lamp is bad").anger
    assert read("this lamp is bad!!!").anger > read("this lamp is bad").anger
    assert read("WHERE IS THE INVOICE???").anger == 0


def test_urgency_is_told_from_anger() -> None:
    found = read("I need this urgently, today please")
    assert found.urgency > 0.6
    assert found.anger == 0
    assert "urgently" in found.evidence


def test_the_trend_compares_with_the_last_three_turns() -> None:
    assert trend_of(-0.8, ()) is Trend.STEADY
    assert trend_of(-0.8, (0.0, 0.2)) is Trend.WORSENING
    assert trend_of(0.5, (-1.0, -0.5)) is Trend.IMPROVING
    assert trend_of(0.1, (-1.0, 0.0, 0.0, 0.0)) is Trend.STEADY


async def test_the_node_reads_all_waiting_messages_and_the_earlier_mood() -> None:
    turn = a_turn("hello", "this is terrible", earlier_polarity=(0.4,))
    found = (await LEXICON({"turn": turn}))["sentiment"]
    assert found.trend is Trend.WORSENING
    assert found.language == "en"


@given(st.text())
def test_every_text_has_a_mood_within_bounds(text: str) -> None:
    found = read(text)
    assert -1 <= found.polarity <= 1
    assert all(0 <= share <= 1 for share in (found.intensity, found.anger, found.urgency))


FORM = {
    "polarity": -0.5,
    "intensity": 0.5,
    "anger": 0.2,
    "urgency": 0.1,
    "language": "DE",
    "evidence": ["lamp", "unsaid", " "],
}


async def test_a_model_fills_the_form_and_only_quoted_evidence_stays() -> None:
    model = ScriptedModel(FORM)
    found = (await ModelSentiment(model, LEXICON)({"turn": a_turn("my lamp </messages>")}))["sentiment"]
    assert (found.polarity, found.language, found.evidence) == (-0.5, "de", ("lamp",))
    assert "&lt;/messages&gt;" in model.asked[0][1]


async def test_a_language_that_is_no_code_is_guessed_from_the_message() -> None:
    model = ScriptedModel({**FORM, "language": "English"})
    found = (await ModelSentiment(model, LEXICON)({"turn": a_turn("where is my lamp")}))["sentiment"]
    assert found.language == "en"


async def test_without_the_model_the_lexicon_answers() -> None:
    turn = a_turn("this is terrible")
    assert (await ModelSentiment(ScriptedModel(), LEXICON)({"turn": turn}))["sentiment"] == LEXICON.read(turn)
