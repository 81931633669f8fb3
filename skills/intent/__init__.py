"""intent: what the customer wants, by the company's own examples, and whether it is anything of ours at all."""

from skills.intent.classifier import (
    Floats,
    IntentClassifier,
    Judgement,
    VectorsHead,
    Whole,
    WordsHead,
    unit,
)
from skills.intent.ngrams import grams, tf_idf
from skills.intent.skill import IntentInput, IntentUpdate, ReadIntent
from skills.intent.trained import ScopeLimits, TrainedIntents

__all__ = [
    "Floats",
    "IntentClassifier",
    "IntentInput",
    "IntentUpdate",
    "Judgement",
    "ReadIntent",
    "ScopeLimits",
    "TrainedIntents",
    "VectorsHead",
    "Whole",
    "WordsHead",
    "grams",
    "tf_idf",
    "unit",
]
