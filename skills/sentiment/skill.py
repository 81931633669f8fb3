"""The sentiment node in its embedded form, which needs no model and no key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from skills.language import customer_language
from skills.sentiment.lexicon import Lexicon
from skills.sentiment.mood import mood_of
from skills.sentiment.trend import trend_of
from skills.turn import Sentiment, Turn


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
        """The same, for whoever has no event loop or falls back on it."""
        language = customer_language(turn)
        mood = mood_of(turn.text, self.lexicon.vocabulary(language), self.lexicon)
        return Sentiment(
            polarity=round(mood.polarity, 3),
            intensity=round(mood.intensity, 3),
            anger=round(mood.anger, 3),
            urgency=round(mood.urgency, 3),
            trend=trend_of(mood.polarity, turn.earlier_polarity),
            language=language,
            evidence=mood.evidence,
        )
