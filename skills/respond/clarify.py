"""Asking back: a question that says too little for one article is answered with a question, once.

That is so when all that it names stands in the title or heading of passages of several articles, and none of them is
much nearer than the others: any answer would be a guess. The customer is told the choices that the articles offer.
Only a talk's first message is asked back: later ones lean on what was said, and whoever was asked already and still
says too little is sent on to a person.
"""

from __future__ import annotations

from collections.abc import Sequence

from skills.answerability import asked_words
from skills.language import content_words
from skills.respond.drafts import EXTRACTIVE
from skills.respond.texts import text_for
from skills.synonyms import kinship
from skills.turn import Draft, Language, Passage, Turn

_FEW_WORDS = 2
_AS_NEAR = 0.05
"""Cosine within which one passage is no better than the other."""
_MOST_CHOICES = 4


def clarifying_draft(turn: Turn, passages: Sequence[Passage], language: Language) -> Draft | None:
    """The question back; ``None`` when nothing has to be asked, or the talk is under way already."""
    choices = () if turn.history else choices_for(turn.text, passages)
    if not choices:
        return None
    listed = ", ".join(f"“{title}”" for title in choices[:-1])
    listed += f"{text_for(language, 'or')}“{choices[-1]}”"
    return Draft(
        text=text_for(language, "which").format(choices=listed),
        answered=True,
        citations=(),
        confidence=1.0,
        language=language,
        model=EXTRACTIVE,
    )


def choices_for(question: str, passages: Sequence[Passage]) -> list[str]:
    """The titles of the articles that a question may mean, nearest first: two to four, or none."""
    asked = asked_words(question)
    if not 1 <= len(asked) <= _FEW_WORDS:
        return []
    named = [passage for passage in passages if _names(passage, asked)]
    nearest = max((passage.similarity for passage in passages), default=0.0)
    titles = list(dict.fromkeys(passage.title for passage in named if passage.similarity >= nearest - _AS_NEAR))
    return titles if 1 < len(titles) <= _MOST_CHOICES else []


def _names(passage: Passage, asked: frozenset[str]) -> bool:
    above = content_words(f"{passage.title}\n{passage.heading}")
    return all(kinship(word, above) == 1 for word in asked)
