"""The drafts that need no source: small talk, "I don't know", and what has nothing to do with us."""

from __future__ import annotations

from skills.respond.small_talk import small_talk_in
from skills.respond.texts import TextName, text_for
from skills.turn import Conclusion, Draft, Intent, Language, Turn

EXTRACTIVE = "extractive"
NO_PASSAGES = "no passages: the knowledge base is empty"
"""The failure of a draft for which nothing was found at all; a search always finds its nearest passages otherwise."""

_ONCE: frozenset[TextName] = frozenset({"say_more", "not_solved"})


def draft_without_sources(
    turn: Turn, language: Language, *, conclusion: Conclusion | None, intent: Intent | None
) -> Draft | None:
    """What needs no article to be said; ``None`` when the customer asks something that is ours."""
    return small_talk_draft(turn, language, conclusion) or out_of_scope_draft(intent, language)


def small_talk_draft(turn: Turn, language: Language, conclusion: Conclusion | None = None) -> Draft | None:
    """A friendly line when the customer asks nothing; ``None`` when they do.

    Who was asked to say more and still doesn't, and who was offered a person and says again that it doesn't help, is
    sent to a person, so that nobody is asked in circles.
    """
    name: TextName
    if conclusion is not None and conclusion.verdict is not None:
        name = conclusion.verdict
    elif (kind := small_talk_in(turn.text)) is not None:
        name = kind.value
    else:
        return None
    text = text_for(language, name)
    if name in _ONCE and any(text in message.text for message in turn.history):
        return None
    return Draft(text=text, answered=True, citations=(), confidence=1.0, language=language, model=EXTRACTIVE)


def out_of_scope_draft(intent: Intent | None, language: Language) -> Draft | None:
    """A friendly no to what has nothing to do with the company; ``None`` to everything else."""
    if intent is None or intent.scope != "far":
        return None
    text = text_for(language, "out_of_scope")
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
