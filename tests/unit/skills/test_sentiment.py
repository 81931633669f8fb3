from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skills.errors import ConfigurationError, ModelUnavailableError
from skills.sentiment import FusedSentiment, Head, LexiconSentiment, ModelSentiment, trend_of
from skills.sentiment.head import FILE, LABELS, SIGNS, signs
from skills.sentiment.plain import plain
from skills.turn import MoodLabel, Sentiment, Trend
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


@pytest.mark.parametrize(
    "text",
    [
        "Great, another week of waiting.",
        "Thanks for nothing.",
        "Toll, schon wieder kaputt.",
        "Genial, otra semana de espera para el pedido.",
        "Génial, encore une semaine pour la livraison.",
    ],
)
def test_praise_that_opens_a_complaint_is_taken_as_wry(text: str) -> None:
    assert read(text).label == "negative"


@pytest.mark.parametrize("text", ["Great, thank you!", "Great, the second parcel is here.", "Toll, danke!"])
def test_praise_that_opens_nothing_bad_stays_praise(text: str) -> None:
    assert read(text).label == "positive"


def test_emoticons_count_where_they_stand_alone() -> None:
    assert read("it works :)").label == "positive"
    assert read("it is here :(").label == "negative"
    assert read("see http://shop.example:8080/(new)").label == "neutral"


def test_a_message_is_embedded_without_handles_and_links_and_with_its_emoji_named() -> None:
    assert plain("Thx @shop #SoHappy \U0001f602 https://t.example/x") == "Thx So Happy face with tears of joy"
    assert plain("mail me at ada@shop.example") == "mail me at ada@shop.example"


@dataclass(frozen=True)
class OneVector:
    """An embedder whose every text has the same vector, or that is away."""

    vector: tuple[float, ...] | None
    model: str = "minilm-l6-v2"
    dimensions: int = 384

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self.vector is None:
            raise ModelUnavailableError("away")
        return [list(self.vector) for _ in texts]


HEAD = Head.load()
NOTHING = (0.0,) * 384


def leaning(label: MoodLabel) -> tuple[float, ...]:
    """A unit vector that speaks for a label as clearly as any can."""
    place = LABELS.index(label)
    direction = HEAD.vector[place] - HEAD.vector[[other for other in range(3) if other != place]].mean(axis=0)
    return tuple(direction / np.linalg.norm(direction))


@pytest.mark.parametrize("label", ["negative", "positive"])
async def test_the_vector_decides_where_the_words_say_nothing(label: MoodLabel) -> None:
    found = (await FusedSentiment(OneVector(leaning(label)))({"turn": a_turn("the parcel is at the door")}))[
        "sentiment"
    ]
    assert found.label == label
    assert (found.polarity > 0) == (label == "positive")


async def test_anger_urgency_and_evidence_stay_the_lexicons() -> None:
    turn = a_turn("I am furious, I need this today!")
    found = (await FusedSentiment(OneVector(NOTHING))({"turn": turn}))["sentiment"]
    lexical = LEXICON.read(turn)
    assert (found.anger, found.urgency, found.evidence) == (lexical.anger, lexical.urgency, lexical.evidence)
    assert found.label == "negative"


@pytest.mark.parametrize(
    ("text", "embedder"),
    [
        ("This is terrible", OneVector(None)),
        ("This is terrible", OneVector(NOTHING, model="another")),
        ("Das ist wirklich schlecht, ich warte schon lange", OneVector(leaning("positive"))),
        ("@shop", OneVector(leaning("positive"))),
    ],
)
async def test_the_lexicon_decides_alone_where_the_head_knows_nothing(text: str, embedder: OneVector) -> None:
    turn = a_turn(text)
    assert (await FusedSentiment(embedder)({"turn": turn}))["sentiment"] == LEXICON.read(turn)


@given(st.text())
def test_the_heads_shares_add_up_for_every_text(text: str) -> None:
    turn = a_turn(text)
    seen = signs(text, LEXICON.weighed(turn)[1], LEXICON.lexicon)
    assert len(seen) == len(SIGNS)
    assert all(-1 <= figure <= 1 for figure in seen)
    assert sum(HEAD.weigh(seen, NOTHING)) == pytest.approx(1)


def stored(**changes: Any) -> bytes:
    file = io.BytesIO()
    kept: dict[str, Any] = {"model": "m", "vector": np.zeros((3, 4)), "signs": np.zeros((3, len(SIGNS)))}
    np.savez(file, **{**kept, "bias": np.zeros(3), "means": np.zeros((2, 3)), **changes})
    return file.getvalue()


def test_weights_of_the_right_shape_are_read() -> None:
    assert Head.parse(stored()).model == "m"
    assert Head.parse((files("skills.sentiment") / FILE).read_bytes()).vector.shape == (3, 384)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no archive",
        stored()[:200],
        stored(vector=np.zeros((2, 4))),
        stored(bias=np.full(3, np.nan)),
        stored(means=np.array([object()])),
    ],
)
def test_damaged_weights_are_refused_with_a_clear_error(raw: bytes) -> None:
    with pytest.raises(ConfigurationError, match="weights of the sentiment head"):
        Head.parse(raw)
