"""sentiment: how the customer feels, how urgent it is, where the mood is going, and in which language they write."""

from skills.sentiment.head import Head
from skills.sentiment.lexicon import Lexicon
from skills.sentiment.model import ModelSentiment, MoodForm
from skills.sentiment.skill import FusedSentiment, LexiconSentiment, SentimentInput, SentimentUpdate
from skills.sentiment.trend import trend_of

__all__ = [
    "FusedSentiment",
    "Head",
    "Lexicon",
    "LexiconSentiment",
    "ModelSentiment",
    "MoodForm",
    "SentimentInput",
    "SentimentUpdate",
    "trend_of",
]
