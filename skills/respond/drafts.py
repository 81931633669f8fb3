"""The drafts that need no source: small talk and "I don't know"."""

from __future__ import annotations

from skills.respond.small_talk import SmallTalk, small_talk_in
from skills.respond.texts import text_for
from skills.turn import Draft, Language, Turn

EXTRACTIVE = "extractive"
NO_PASSAGES = "no passages: the knowledge base is empty"
"""The failure of a draft for which nothing was found at all; a search always finds its nearest passages otherwise."""


def small_talk_draft(turn: Turn, language: Language) -> Draft | None:
    """A friendly line when the customer asks nothing; ``None`` when they do.

    Who was asked to say more and still doesn't is sent to a person, so that nobody is asked in circles.
    """
    kind = small_talk_in(turn.text)
    if kind is None:
        return None
    text = text_for(language, kind.value)
    if kind is SmallTalk.SAY_MORE and any(text in message.text for message in turn.history):
        return None
    return Draft(text=text, answered=True, citations=(), confidence=1.0, language=language, model=EXTRACTIVE)


def unknown_draft(language: Language, *, confidence: float, model: str, failure: str | None = None) -> Draft:
    """The plain "I don't know"; ``failure`` says why no answer could be tried."""
    return Draft(
        text=text_for(language, "unknown"),
        answered=False,
        citations=(),
        confidence=confidence,
        language=language,
        model=model,
        failure=failure,
    )
