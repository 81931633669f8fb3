"""The sentiment node in its embedded form, which needs no key: the lexicon, and for English a trained head as well."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypedDict

from skills.errors import ModelUnavailableError
from skills.language import ENGLISH, customer_language
from skills.ports import Embedder
from skills.sentiment.head import LABELS, Head, signs
from skills.sentiment.lexicon import Lexicon
from skills.sentiment.mood import Mood, mood_of
from skills.sentiment.plain import plain
from skills.sentiment.trend import trend_of
from skills.turn import MoodLabel, Sentiment, Turn

_CLEAR = 0.2
"""Polarity from which the lexicon alone speaks of a mood; less is one mild word among others."""


class SentimentInput(TypedDict):
    """What sentiment reads."""

    turn: Turn


class SentimentUpdate(TypedDict):
    """What sentiment finds out."""

    sentiment: Sentiment


@dataclass(frozen=True)
class LexiconSentiment:
    """Weighs words. Quick and explainable: the evidence names the words that counted."""

    lexicon: Lexicon = field(default_factory=Lexicon.load)

    async def __call__(self, state: SentimentInput) -> SentimentUpdate:
        """Read the waiting messages as one text."""
        return {"sentiment": self.read(state["turn"])}

    def read(self, turn: Turn) -> Sentiment:
        """The same, for whoever has no event loop."""
        return self.weighed(turn)[0]

    def weighed(self, turn: Turn) -> tuple[Sentiment, Mood]:
        """The same, with what it was made from."""
        language = customer_language(turn)
        mood = mood_of(turn.text, self.lexicon.vocabulary(language), self.lexicon)
        found = Sentiment(
            polarity=round(mood.polarity, 3),
            intensity=round(mood.intensity, 3),
            anger=round(mood.anger, 3),
            urgency=round(mood.urgency, 3),
            trend=trend_of(mood.polarity, turn.earlier_polarity),
            language=language,
            evidence=mood.evidence,
            label=label_of(mood.polarity),
        )
        return found, mood


@dataclass(frozen=True)
class FusedSentiment:
    """The lexicon and the trained head together; anger, urgency and evidence are the lexicon's alone.

    The head knows English, and the vectors of one model. In another language, with another model, or while the model
    can't be had, the lexicon decides by itself: this node never stops a turn.
    """

    embedder: Embedder
    lexical: LexiconSentiment = field(default_factory=LexiconSentiment)
    head: Head = field(default_factory=Head.load)

    async def __call__(self, state: SentimentInput) -> SentimentUpdate:
        """Embed the waiting messages as one text, once."""
        turn = state["turn"]
        found, mood = self.lexical.weighed(turn)
        if found.language != ENGLISH or self.embedder.model != self.head.model:
            return {"sentiment": found}
        text = plain(turn.text)
        if not text:
            return {"sentiment": found}
        try:
            (vector,) = await self.embedder.embed([text])
        except ModelUnavailableError:
            return {"sentiment": found}
        seen = signs(turn.text, mood, self.lexical.lexicon)
        shares = self.head.weigh(seen, vector)
        return {"sentiment": _fused(found, shares, turn)}


def label_of(polarity: float) -> MoodLabel:
    """The mood in one word, of a polarity alone."""
    if abs(polarity) < _CLEAR:
        return "neutral"
    return "negative" if polarity < 0 else "positive"


def _fused(found: Sentiment, shares: tuple[float, float, float], turn: Turn) -> Sentiment:
    negative, neutral, positive = shares
    polarity = positive - negative
    return replace(
        found,
        polarity=round(polarity, 3),
        intensity=round(1 - neutral, 3),
        trend=trend_of(polarity, turn.earlier_polarity),
        label=LABELS[shares.index(max(shares))],
    )
