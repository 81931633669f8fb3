"""The intent node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from skills.errors import ModelUnavailableError
from skills.intent.trained import TrainedIntents
from skills.language import ENGLISH, content_words, guess_language
from skills.turn import Intent, Retrieval, Scope, Turn

_LONGEST_TOPIC = 120
_ENOUGH_WORDS = 2
"""Content words of a text that can be from another world; fewer say too little."""


class IntentInput(TypedDict):
    """What intent reads."""

    turn: Turn
    retrieval: Retrieval


class IntentUpdate(TypedDict):
    """What intent finds out."""

    intent: Intent


@dataclass(frozen=True)
class ReadIntent:
    """Tells a turn's intent by the company's examples; without any it knows topics only, from the articles' titles.

    ``far`` is said with care, because nobody else looks at such a turn: only of the first words of a case, that
    articles don't answer either (``answer_threshold`` is the responder's), of a text that says something, and of none
    that is a person's already. When the text can't be embedded the turn goes on as if nothing were trained.
    """

    trained: TrainedIntents | None = None
    answer_threshold: float = 0.4

    async def __call__(self, state: IntentInput) -> IntentUpdate:
        """Judge the waiting messages as one text."""
        turn, retrieval = state["turn"], state["retrieval"]
        by_article = _by_article(retrieval, self.answer_threshold)
        if self.trained is None or not turn.text.strip():
            return {"intent": by_article}
        try:
            label, confidence, scope = await self.trained.read(turn.text)
        except ModelUnavailableError:
            return {"intent": by_article}
        if scope == "in":
            return {"intent": Intent(label, label, confidence, "in")}
        scope = "far" if scope == "far" and self._is_elsewhere(turn, retrieval) else "near"
        topic = by_article.topic if scope == "near" else None
        return {"intent": Intent(None, topic, by_article.confidence, scope)}

    def _is_elsewhere(self, turn: Turn, retrieval: Retrieval) -> bool:
        return (
            retrieval.failure is None
            and retrieval.confidence < self.answer_threshold
            and not turn.history
            and all(message.for_person is None for message in turn.messages)
            and guess_language(turn.text) in {None, ENGLISH}
            and len(content_words(turn.text)) >= _ENOUGH_WORDS
        )


def _by_article(retrieval: Retrieval, threshold: float) -> Intent:
    topic, scope = None, _near_or_in(retrieval, threshold)
    if scope == "in":
        topic = " ".join(retrieval.passages[0].title.split())[:_LONGEST_TOPIC] or None
    return Intent(None, topic, round(retrieval.confidence, 3), scope)


def _near_or_in(retrieval: Retrieval, threshold: float) -> Scope:
    return "in" if retrieval.passages and retrieval.confidence >= threshold else "near"
