"""A trained classifier with the model of its vectors and the scores from which on a text counts as outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skills.intent.classifier import IntentClassifier
from skills.ports import Embedder
from skills.turn import Scope


@dataclass(frozen=True, slots=True)
class ScopeLimits:
    """Scores of ``Judgement.outside``: above ``near`` a text has no known intent, above ``far`` it isn't close to one.

    Learned from the company's examples by cross-validation: 5 % and 1 % of them score higher.
    """

    near: float
    far: float

    def scope(self, outside: float) -> Scope:
        """Where a score stands."""
        if outside > self.far:
            return "far"
        return "near" if outside > self.near else "in"


@dataclass(frozen=True, slots=True)
class TrainedIntents:
    """Judges one text at a time."""

    classifier: IntentClassifier
    embedder: Embedder
    limits: ScopeLimits

    async def read(self, text: str) -> tuple[str, float, Scope]:
        """The likeliest intent, its probability, and where the text stands.

        Raises:
            ModelUnavailableError: the text could not be embedded.
        """
        vectors = np.asarray(await self.embedder.embed([text]), dtype=np.float32)
        judgement = self.classifier.judge([text], vectors)
        return (
            self.classifier.labels[int(judgement.labels[0])],
            round(float(judgement.confidence[0]), 3),
            self.limits.scope(float(judgement.outside[0])),
        )
